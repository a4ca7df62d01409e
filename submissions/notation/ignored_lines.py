"""Judges lines outside the models: harmless as far as we know, or able to change the score, and why."""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator

from submissions.notation.bindings import root
from submissions.notation.literals import IgnoredLine, NotationError, Place, Text, refuse, walked
from submissions.specs.spec import DATASETS

# Calls that run code or reach into the machine are refused, even in lines that would be ignored.
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
RESHAPING = frozenset(
    {
        "reshape", "astype", "expand_dims", "array", "asarray", "float", "float32", "float64", "int", "to_categorical",
        "ravel", "flatten", "copy", "len", "squeeze", "to_numpy", "one_hot", "list", "tuple", "cast", "get_dummies",
        "convert_to_tensor", "constant", "toarray", "values", "drop",
    }
)  # fmt: skip
# Names that people usually give to images and labels.
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
# Modules whose functions take the data as their first argument; any other `name.f(…)` is a method of the data.
MODULES = frozenset(
    {"numpy", "np", "tensorflow", "tf", "keras", "K", "ops", "pandas", "pd", "scipy", "skimage", "cv2", "torch"}
)
ALL_IMAGES = "the quest always trains on all of its images"
UNCHANGED = "the quest's images and labels are used unchanged"
BRIGHTEST = {images.brightest for images in DATASETS.values()}
# Predictions have names like labels, but are not data.
PREDICTIONS = re.compile(r"(?i)y_?(?:pred|hat|prob|score|out)")
# Data sets with their usual split here: the first 60,000 images to train, the last 10,000 to test.
OWN_SPLIT = ("mnist", "fashion-mnist")


def judge_assignment(text: Text, statement: ast.stmt, targets: list[str], value: ast.expr) -> Iterator[IgnoredLine]:
    """Judges an assignment that no model uses: harmless, unless it changes the data or loads other data."""
    found = list(data_loads(text, value, statement))[:1]
    if names_data(targets):
        found += data_changes(text, value, statement)
    yield from found or [text.ignore(statement)]


def names_data(names: Iterable[str]) -> bool:
    """Whether one of these names looks like images or labels."""
    return any(DATA.match(name) and not PREDICTIONS.match(name) for name in names)


def data_overwrites(text: Text, statement: Place, targets: Iterable[ast.expr]) -> Iterator[IgnoredLine]:
    """Finds assignments to a part of the data: `X_train[X_train > 0] = 1`."""
    for target in targets:
        if isinstance(target, ast.Subscript) and names_data([root(target)]):
            yield text.ignore(statement, UNCHANGED)


def judge_call(text: Text, statement: ast.stmt, call: ast.Call) -> Iterator[IgnoredLine]:
    """Judges a call that no model uses and that keeps no result: harmless, unless it changes data in place."""
    parts = text.dotted(call.func)
    given = [arg.id for arg in call.args if isinstance(arg, ast.Name)]
    found = list(data_loads(text, call, statement))[:1]
    if parts[-1:] == ["seed"]:
        why = "set the seed as random_state, or with keras.utils.set_random_seed"
        found.append(text.ignore(statement, why, "knn"))
    elif parts[-1:] == ["fit"] and len(parts) == 2 and not text.knows(parts[0]):
        why = f"this text creates no model named {parts[0]}: assign the model to that name"
        found.append(text.ignore(statement, why))
    elif {*parts[-1:]} & (SCALING | SPLITTING) and names_data([*given, *parts[:-1][:1]]):
        found += data_changes(text, call, statement)
    yield from found or [text.ignore(statement)]


def data_loads(text: Text, node: ast.AST, place: Place) -> Iterator[IgnoredLine]:
    """Finds calls that load data: harmless if it is the quest's own data set."""
    for call in walked(node):
        parts = text.dotted(call.func) if isinstance(call, ast.Call) else []
        if not isinstance(call, ast.Call) or not parts or not _loads(parts):
            continue
        given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in ("name", "path"))]
        first = given[0].value if given and isinstance(given[0], ast.Constant) else None
        words = [str(first).lower(), *(part.lower() for part in reversed(parts))]
        name = next((LOADED[word] for word in words if word in LOADED), "")
        yield text.ignore(place, "the quest uses its own data set", *([name] if name else []))


def _loads(parts: list[str]) -> bool:
    return bool(LOADING.match(parts[-1])) or (parts[-1] == "load" and parts[0] in LIBRARIES_OF_DATA)


def data_changes(text: Text, node: ast.expr, place: Place) -> list[IgnoredLine]:
    """The changes that an expression makes to data besides reshaping, each once."""
    found: dict[IgnoredLine, None] = {}
    waiting = deque([node])
    while waiting:
        part = waiting.popleft()
        text.count_visits(part)
        found.update(dict.fromkeys(_changes_of(text, part, place)))
        waiting.extend(_data_in(text, part))
    return list(found)


def _changes_of(text: Text, part: ast.expr, place: Place) -> Iterator[IgnoredLine]:
    match part:
        case ast.Call():
            yield from _changes_by_call(text, part, place)
        case ast.BinOp(op=ast.Div(), right=divisor) if (number := _number(text, divisor)) in BRIGHTEST:
            why = "pixels are used as stored; networks without Rescaling get them scaled to 0–1"
            yield text.ignore(place, why, f"/{number:.0f}")
        case ast.BinOp() | ast.Compare() | ast.UnaryOp() | ast.BoolOp() if not text.is_plain(part):
            yield text.ignore(place, UNCHANGED)
        case ast.Subscript(slice=index) if (reason := _selection(text, index)) is not None:
            yield text.ignore(place, *reason)
        case ast.ListComp(generators=loops) | ast.GeneratorExp(generators=loops) if any(loop.ifs for loop in loops):
            yield text.ignore(place, ALL_IMAGES)


def _data_in(text: Text, part: ast.expr) -> list[ast.expr]:
    """The operands of an expression that hold its data, as opposed to shapes and other numbers."""
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


def _changes_by_call(text: Text, call: ast.Call, place: Place) -> Iterator[IgnoredLine]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else text.called(call)
    if name in SCALING:
        yield text.ignore(place, "pixels are only transformed by the steps in make_pipeline(…)")
    elif name in SPLITTING:
        yield text.ignore(place, "the quest has its own training and test images")
    elif name in AUGMENTING:
        yield text.ignore(place, "data augmentation is not supported")
    elif name == "pad":
        yield text.ignore(place, "images are only padded for networks with a 32×32 input", "padded")
    elif name not in RESHAPING and not LOADING.match(name or "-"):
        yield text.ignore(place, f"the effect of {name or 'this call'} is not known here")


def _selection(text: Text, index: ast.expr) -> tuple[str, ...] | None:
    """Why an index leaves out images, and the data sets for which it is harmless; None if it picks them all."""
    items = index.elts if isinstance(index, ast.Tuple) else [index]
    first = items[0] if items else index
    match first:
        case ast.Slice(lower=None, upper=None):
            return None
        case ast.Slice(lower=lower, upper=upper):
            bounds = {_number(text, bound) for bound in (lower, upper) if bound is not None}
            return (ALL_IMAGES, *OWN_SPLIT) if bounds <= {0, 60_000, 70_000, -10_000} else (ALL_IMAGES,)
        case ast.Compare() | ast.Call() | ast.BoolOp() | ast.Name() | ast.BinOp() | ast.List():
            return (ALL_IMAGES,)
    return None


def _number(text: Text, node: ast.expr) -> float | None:
    try:
        value = text.literal(node)
    except NotationError:
        return None
    return value if isinstance(value, int | float) else None


def refuse_code(found: Iterable[ast.AST], text: Text) -> None:
    """Refuses anything that would run code, anywhere in the text."""
    for part in found:
        match part:
            case ast.NamedExpr():
                refuse(part, "assigning inside an expression (:=) is not supported: assign on a line of its own.")
            case ast.Call(func=ast.Name(id=name)) if name in RUNS_CODE:
                refuse(part, f"{name} would run code, which is not supported.")
            case ast.Call(func=ast.Attribute(value=ast.Name(id=root), attr=name)) if root in RUNS_CODE_IN or (
                root == "os" and RUNS_CODE_OF_OS.match(name)
            ):
                refuse(part, f"{'.'.join(text.dotted(part.func))[:60]} would run code, which is not supported.")
            case ast.Attribute(attr=name) if name.startswith("__") and name not in PLAIN_DUNDERS:
                refuse(part, f"{name} is not supported: write the model itself.")
