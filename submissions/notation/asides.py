"""What a line that is no part of the model does to the score: nothing, as far as we know, or something we can name."""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator

from submissions.notation.bindings import root
from submissions.notation.literals import Aside, NotationError, Place, Text, refuse, walked
from submissions.specs.spec import DATASETS

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
    "fashion-mnist": "fashion-mnist", "mnist original": "mnist", "ylecun/mnist": "mnist",
    "zalando-datasets/fashion_mnist": "fashion-mnist",
}  # fmt: skip
LOADING = re.compile(r"load_\w{1,20}|fetch_\w{1,20}|read_csv|loadtxt|genfromtxt|loadmat|imread$")
LIBRARIES_OF_DATA = frozenset({"tfds", "tensorflow_datasets"})
# Modules whose functions take the data as their first argument; behind any other name stands a method of the data.
MODULES = frozenset(
    {"numpy", "np", "tensorflow", "tf", "keras", "K", "ops", "pandas", "pd", "scipy", "skimage", "cv2", "torch"}
)
ALL_OF_THEM = "every training image of the quest is used here"
AS_THEY_COME = "the images and labels come as they are here"
BRIGHTEST = {images.brightest for images in DATASETS.values()}
# What models answer is called like labels, and is none.
ANSWERS = re.compile(r"(?i)y_?(?:pred|hat|prob|score|out)")
# The sets of which the first 60,000 images are for training and the last 10,000 for testing, here as everywhere.
OWN_SPLIT = ("mnist", "fashion-mnist")


def judged(text: Text, statement: ast.stmt, targets: list[str], value: ast.expr) -> Iterator[Aside]:
    """An assignment that no model needs: harmless, unless it changes data that has been loaded, or loads other."""
    found = list(loads(text, value, statement))[:1]
    if holds_data(targets):
        found += changes(text, value, statement)
    yield from found or [text.aside(statement)]


def holds_data(names: Iterable[str]) -> bool:
    """Whether one of these names is called like images or labels."""
    return any(DATA.match(name) and not ANSWERS.match(name) for name in names)


def sets_data(text: Text, statement: Place, targets: Iterable[ast.expr]) -> Iterator[Aside]:
    """Where a part of the data is overwritten: `X_train[X_train > 0] = 1`."""
    for target in targets:
        if isinstance(target, ast.Subscript) and holds_data([root(target)]):
            yield text.aside(statement, AS_THEY_COME)


def judged_call(text: Text, statement: ast.stmt, call: ast.Call) -> Iterator[Aside]:
    """A call that no model needs and whose result nobody keeps: harmless, unless it works on data in place."""
    parts = text.dotted(call.func)
    given = [arg.id for arg in call.args if isinstance(arg, ast.Name)]
    found = list(loads(text, call, statement))[:1]
    if parts[-1:] == ["seed"]:
        why = "a seed is given as random_state, or by keras.utils.set_random_seed"
        found.append(text.aside(statement, why, "knn"))
    elif parts[-1:] == ["fit"] and len(parts) == 2 and not text.knows(parts[0]):
        why = f"{parts[0]} is no model of this text: name the model where it is made"
        found.append(text.aside(statement, why))
    elif {*parts[-1:]} & (SCALING | SPLITTING) and holds_data([*given, *parts[:-1][:1]]):
        found += changes(text, call, statement)
    yield from found or [text.aside(statement)]


def loads(text: Text, node: ast.AST, place: Place) -> Iterator[Aside]:
    """Where data are loaded: harmless if they are the quest's own."""
    for call in walked(node):
        parts = text.dotted(call.func) if isinstance(call, ast.Call) else []
        if not isinstance(call, ast.Call) or not parts or not _loads(parts):
            continue
        given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in ("name", "path"))]
        first = given[0].value if given and isinstance(given[0], ast.Constant) else None
        words = [str(first).lower(), *(part.lower() for part in reversed(parts))]
        name = next((LOADED[word] for word in words if word in LOADED), "")
        yield text.aside(place, "the quest trains on its own data set", *([name] if name else []))


def _loads(parts: list[str]) -> bool:
    return bool(LOADING.match(parts[-1])) or (parts[-1] == "load" and parts[0] in LIBRARIES_OF_DATA)


def changes(text: Text, node: ast.expr, place: Place) -> list[Aside]:
    """What an expression does to data, beyond giving them another form; each thing once."""
    found: dict[Aside, None] = {}
    waiting = deque([node])
    while waiting:
        part = waiting.popleft()
        text.look_at(part)
        found.update(dict.fromkeys(_done(text, part, place)))
        waiting.extend(_data_in(text, part))
    return list(found)


def _done(text: Text, part: ast.expr, place: Place) -> Iterator[Aside]:
    match part:
        case ast.Call():
            yield from _called(text, part, place)
        case ast.BinOp(op=ast.Div(), right=divisor) if (number := _number(text, divisor)) in BRIGHTEST:
            why = "the pixels come as stored here, for networks without Rescaling as 0–1"
            yield text.aside(place, why, f"/{number:.0f}")
        case ast.BinOp() | ast.Compare() | ast.UnaryOp() | ast.BoolOp() if not text.is_plain(part):
            yield text.aside(place, AS_THEY_COME)
        case ast.Subscript(slice=index) if (why_not := _selected(text, index)) is not None:
            yield text.aside(place, *why_not)
        case ast.ListComp(generators=loops) | ast.GeneratorExp(generators=loops) if any(loop.ifs for loop in loops):
            yield text.aside(place, ALL_OF_THEM)


def _data_in(text: Text, part: ast.expr) -> list[ast.expr]:
    """Where the data of an expression come from: not the numbers that say into which form."""
    match part:
        case ast.Call(func=func, args=given):
            parts = text.dotted(func)
            if isinstance(func, ast.Attribute) and parts[:1] and parts[0] not in MODULES:
                return [func.value]
            of_data = isinstance(func, ast.Attribute) and not parts
            return [func.value] if of_data and isinstance(func, ast.Attribute) else given[:1]
        case ast.BinOp(op=ast.Div(), left=value) if not text.is_plain(part):
            return [value]
        case ast.Subscript(value=value) | ast.Attribute(value=value) | ast.Starred(value=value):
            return [value]
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return items
        case ast.ListComp(elt=item, generators=loops) | ast.GeneratorExp(elt=item, generators=loops):
            return [item, *(loop.iter for loop in loops)]
        case ast.IfExp(body=one, orelse=other):
            return [one, other]
    return []


def _called(text: Text, call: ast.Call, place: Place) -> Iterator[Aside]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else text.called(call)
    if name in SCALING:
        yield text.aside(place, "nothing is done to the pixels here but what make_pipeline(…) says")
    elif name in SPLITTING:
        yield text.aside(place, "the quest has its own training and test images")
    elif name in AUGMENTING:
        yield text.aside(place, "the images are not varied here")
    elif name == "pad":
        yield text.aside(place, "images are padded for networks of 32×32 alone", "padded")
    elif name not in FORM_ONLY and not LOADING.match(name or "-"):
        yield text.aside(place, f"what {name or 'this call'} does is not read")


def _selected(text: Text, index: ast.expr) -> tuple[str, ...] | None:
    """Why the images that an index picks are not all of them; the quest's own split is named as fine."""
    items = index.elts if isinstance(index, ast.Tuple) else [index]
    first = items[0] if items else index
    match first:
        case ast.Slice(lower=None, upper=None):
            return None
        case ast.Slice(lower=lower, upper=upper):
            bounds = {_number(text, bound) for bound in (lower, upper) if bound is not None}
            return (ALL_OF_THEM, *OWN_SPLIT) if bounds <= {0, 60_000, 70_000, -10_000} else (ALL_OF_THEM,)
        case ast.Compare() | ast.Call() | ast.BoolOp() | ast.Name() | ast.BinOp() | ast.List():
            return (ALL_OF_THEM,)
    return None


def _number(text: Text, node: ast.expr) -> float | None:
    try:
        value = text.literal(node)
    except NotationError:
        return None
    return value if isinstance(value, int | float) else None


def refuse_code(found: Iterable[ast.AST], text: Text) -> None:
    """Refuse what would run code, wherever it stands in the text."""
    for part in found:
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
