"""What a line that is no part of the model does to the score: nothing, as far as we know, or something we can name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from submissions.notation_text import Aside, NotationError, Text, refuse

# What would run code or reach into the machine stands in no line that we leave aside in good faith.
RUNS_CODE = frozenset(
    {"__import__", "eval", "exec", "compile", "getattr", "setattr", "globals", "locals", "breakpoint"}
)
RUNS_CODE_IN = frozenset({"subprocess", "ctypes", "socket", "importlib", "builtins"})
PLAIN_DUNDERS = frozenset({"__version__", "__name__", "__init__", "__call__", "__doc__"})
RUNS_CODE_OF_OS = re.compile(r"system|popen|exec|spawn|fork|kill|remove|unlink")

SCALING = frozenset(
    {
        "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer", "PCA", "scale", "minmax_scale",
        "normalize", "fit_transform", "transform", "whiten", "standardize", "rescale", "deskew", "threshold", "resize",
        "clip", "where", "log1p", "sqrt", "multiply", "divide", "subtract", "HOG", "hog", "TruncatedSVD", "Binarizer",
    }
)  # fmt: skip
SPLITTING = frozenset(
    {
        "train_test_split", "sample", "choice", "resample", "take", "head", "delete", "compress", "shuffle",
        "permutation", "concatenate", "vstack", "append", "split", "array_split",
    }
)  # fmt: skip
AUGMENTING = frozenset({"ImageDataGenerator", "flow", "flow_from_directory", "augment", "rotate", "shift"})
FORM_ONLY = frozenset(
    {
        "reshape", "astype", "expand_dims", "array", "asarray", "float", "float32", "float64", "int", "to_categorical",
        "ravel", "flatten", "copy", "len", "squeeze", "to_numpy", "one_hot", "list", "tuple", "cast", "get_dummies",
        "convert_to_tensor", "constant", "toarray", "values", "drop",
    }
)  # fmt: skip
# Names that hold images or labels, going by what people call them.
DATA = re.compile(
    r"(?i)[xy](?:s|_.{0,30}|\d{0,3}|tr.{0,10}|te.{0,10}|val.{0,10})$|.{0,30}(?:images?|imgs?|data|pixels?|features|mnist|digits|labels?)"
    r"(?:_.{0,30})?$|(?:train|test|val)_?[xy]?$"
)
LOADED = {
    "mnist": "mnist", "fashion_mnist": "fashion-mnist", "load_digits": "digits", "mnist_784": "mnist",
    "fashion-mnist": "fashion-mnist", "mnist original": "mnist",
}  # fmt: skip
LOADING = re.compile(r"load_\w{1,20}|fetch_\w{1,20}|read_csv|loadtxt|genfromtxt|loadmat|imread$")
IMAGES = frozenset({"cnn"})
# The sets of which the first 60,000 images are for training and the last 10,000 for testing, here as everywhere.
OWN_SPLIT = ("mnist", "fashion-mnist")


def judged(text: Text, statement: ast.stmt, targets: list[str], value: ast.expr) -> Aside:
    """An assignment that no model needs: harmless, unless it changes data that has been loaded, or loads other."""
    load = next(loads(text, value, statement), None)
    if load is not None:
        return load
    if any(DATA.match(target) for target in targets):
        return next(changes(text, value, statement), text.aside(statement))
    return text.aside(statement)


def judged_call(text: Text, statement: ast.stmt, call: ast.Call) -> Aside:
    """A call that no model needs and whose result nobody keeps: harmless, unless it works on data in place."""
    parts = text.dotted(call.func)
    if parts[-1:] == ["seed"]:
        why = "a seed is given as random_state, or by keras.utils.set_random_seed"
        return text.aside(statement, why, "knn")
    if parts[-1:] == ["fit"] and len(parts) == 2 and not text.knows(parts[0]):
        return text.aside(statement, f"{parts[0]} is no model of this text: name the model where it is made")
    given = [arg.id for arg in call.args if isinstance(arg, ast.Name)]
    if any(DATA.match(name) for name in (*given, *parts[:-1][:1])) and {*parts[-1:]} & (SCALING | SPLITTING):
        return next(changes(text, call, statement), text.aside(statement))
    return next(loads(text, call, statement), text.aside(statement))


def loads(text: Text, node: ast.AST, place: ast.stmt | ast.expr) -> Iterator[Aside]:
    """Where data are loaded: harmless if they are the quest's own."""
    for call in ast.walk(node):
        parts = text.dotted(call.func) if isinstance(call, ast.Call) else []
        if not parts or not isinstance(call, ast.Call) or not LOADING.match(parts[-1]):
            continue
        first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        words = [str(first).lower(), *(part.lower() for part in reversed(parts))]
        name = next((LOADED[word] for word in words if word in LOADED), "")
        yield text.aside(place, "the quest trains on its own data set", *([name] if name else []))


def changes(text: Text, node: ast.expr, place: ast.stmt | ast.expr) -> Iterator[Aside]:
    """What an expression does to data, beyond giving them another form."""
    for part in ast.walk(node):
        match part:
            case ast.Call():
                yield from _called(text, part, place)
            case ast.BinOp(op=ast.Div(), right=divisor) if _number(text, divisor) == 255:
                yield text.aside(place, "the pixels are 0–255 here, for networks 0–1", *IMAGES)
            case ast.BinOp(left=ast.Name() | ast.Attribute() | ast.Call() | ast.Subscript()):
                yield text.aside(place, "the pixels come as they are here")
            case ast.Subscript(slice=index) if (why := _selected(text, index)) is not None:
                yield text.aside(place, *why)


def _called(text: Text, call: ast.Call, place: ast.stmt | ast.expr) -> Iterator[Aside]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else text.called(call)
    if name in SCALING:
        yield text.aside(place, "nothing is done to the pixels here but what make_pipeline(…) says")
    elif name in SPLITTING:
        yield text.aside(place, "the quest has its own training and test images")
    elif name in AUGMENTING:
        yield text.aside(place, "the images are not varied here")
    elif name == "pad":
        yield text.aside(place, "images are padded for networks of 32×32 alone", *IMAGES)
    elif name not in FORM_ONLY and not LOADING.match(name or "-"):
        yield text.aside(place, f"what {name or 'this call'} does is not read")


def _selected(text: Text, index: ast.expr) -> tuple[str, ...] | None:
    """Why the images that an index picks are not all of them; the quest's own split is named as fine."""
    items = index.elts if isinstance(index, ast.Tuple) else [index]
    first = items[0] if items else index
    why = "every training image of the quest is used here"
    match first:
        case ast.Slice(lower=None, upper=None):
            return None
        case ast.Slice(lower=lower, upper=upper):
            bounds = {_number(text, bound) for bound in (lower, upper) if bound is not None}
            return (why, *OWN_SPLIT) if bounds <= {0, 60_000, 70_000, -10_000} else (why,)
        case ast.Compare() | ast.Call() | ast.BoolOp() | ast.Name() | ast.BinOp() | ast.List():
            return (why,)
    return None


def _number(text: Text, node: ast.expr) -> float | None:
    try:
        value = text.literal(node)
    except NotationError:
        return None
    return value if isinstance(value, int | float) else None


def refuse_code(node: ast.AST, text: Text) -> None:
    """Refuse what would run code, wherever it stands in the text."""
    for part in ast.walk(node):
        match part:
            case ast.NamedExpr():
                refuse(part, "a name bound within an expression (:=) is not read: bind it on a line of its own.")
            case ast.Call(func=ast.Name(id=name)) if name in RUNS_CODE:
                refuse(part, f"{name} would run code, which is not offered.")
            case ast.Call(func=ast.Attribute(value=ast.Name(id=root), attr=name)) if root in RUNS_CODE_IN or (
                root == "os" and RUNS_CODE_OF_OS.match(name)
            ):
                refuse(part, f"{'.'.join(text.dotted(part.func))[:60]} would run code, which is not offered.")
            case ast.Attribute(attr=name) if name.startswith("__") and name not in PLAIN_DUNDERS:
                refuse(part, f"{name} is not read: write the model itself.")
