"""The reference of the notation, made from the specs: `python -m submissions.notation.reference > docs/notation.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pydantic

from submissions.notation.keras_reader import ALIASES
from submissions.notation.keras_training import LOSSES
from submissions.notation.literals import MAX_LINES
from submissions.notation.writer import headline
from submissions.specs.families import Family, offered
from submissions.specs.layer_types import LAYERS, MOST_LAYERS
from submissions.specs.messages import allowed
from submissions.specs.preprocessing import STEPS
from submissions.specs.training import OPTIMIZERS, EarlyStopping, Loss
from submissions.specs.validation import MAX_BYTES

UNNAMED = ("family", "kind", "name")

INTRODUCTION = """# Notation: what can be typed

<!-- Made by `python -m submissions.notation.reference`, from the specs: change it there. -->

A model is written as in a notebook: a scikit-learn constructor, a pipeline, or Keras code. It is read, never
run. Names, defaults and values are those of scikit-learn and Keras; what is left out has its default.

Read as well, since notebooks have it: any module path or import alias; names bound before (`k = 3`), tuples,
arithmetic on numbers (`2**7`, `nf * 2`), numpy's scalars (`np.int64(3)`); prompts (`In [3]:`, `>>>`), line
numbers at the left edge, `%magics` (of `%time model.fit(…)` the statement is read); lines of the feed, however long;
`**best_params`, and what `best_params_` or a search's report prints, with or without the steps of a pipeline in its
names (`kneighborsclassifier__n_neighbors`). `fit` is read within other expressions too, as
`h = model.fit(…).history`, and a model by another name, as `m = model`.
"""

ASIDE = """## What is left aside

What is no part of the model is left aside, and told in two lists:

- **harmless**: imports, prints, `summary()`, plots, comments, loading the quest's own data, reshaping, one-hot
  labels, the usual split into 60,000 and 10,000;
- **may change your score**: scaling, inverting or varying the images outside of a pipeline, other labels, fewer images
  or a split of your own, another data set, weights of classes or images, callbacks other than EarlyStopping, training
  in a function. The form asks you to agree; the API tells them in `left_aside.consequential`. Networks get pixels of
  0–1 unless they begin with Rescaling, so a plain `x_train / 255` is harmless for them. A line of the feed shows no
  `compile` and no `fit`: write a network's below it.

## What is refused

- layers and models that are not listed here (`LSTM is not offered`), and what would run code (`Lambda`, `eval`);
- a loop that adds layers, a function or a class that makes the model: write each layer on a line of its own;
- a network's `compile` and `fit` in a loop, under a condition, or by another name (`fit = model.fit`);
- a functional `Model(inputs, outputs)`: write its layers in order, as `Sequential([...])`;
- a search such as `GridSearchCV`: write the model that it found;
- several models in one text: the form lets you choose, the API names them.
"""


def reference() -> str:
    """The whole document."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    yield f"A text has at most {MAX_BYTES // 1024} KB and {MAX_LINES:,} lines.\n"
    yield ASIDE
    for family in offered():
        yield from _family(family)
    yield "## Steps before an estimator\n"
    yield "`make_pipeline(StandardScaler(), PCA(n_components=50), KNeighborsClassifier())` or `Pipeline([…])`,"
    yield "before nearest neighbours and forests; fitted on the training images, and timed apart from the training.\n"
    for name, step in STEPS.items():
        yield from _part(name, step)
    others = ", ".join(f"`{old}` for `{new}`" for old, new in ALIASES.items())
    yield "## Layers\n"
    yield f"Up to {MOST_LAYERS} in `Sequential([...])` or by `add`. The first may say `input_shape` or `input_dim`,"
    yield f"else the input follows from it. Other names: {others}.\n"
    for name, layer in LAYERS.items():
        yield from _part(name, layer)
    yield from _training()


def _family(family: Family) -> Iterator[str]:
    yield f"## {family.label}\n"
    yield f"`{family.constructor}`, family `{family.name}`, on {' or '.join(family.devices)}.\n"
    yield "| parameter | default | may be | |"
    yield "| --- | --- | --- | --- |"
    for name in _fields(family.spec):
        words = family.help.get(name, "")
        yield f"| `{name}` | {_default(family.spec, name)} | {_allowed(family.spec, name)} | {words} |"
    yield ""
    for name, preset in family.presets.items():
        yield f"- {name}: `{headline(preset)}`"
    yield ""


def _training() -> Iterator[str]:
    yield "## Optimizers\n"
    yield "By name, `optimizer='adam'`, or as an object, `Adam(learning_rate=0.01)`; `lr` is read as `learning_rate`.\n"
    for kind in OPTIMIZERS.values():
        yield from _part(kind.CLASS, kind)
    yield "## Loss and early stopping\n"
    yield f"By name or as an object; {', '.join(f'`{old}` is `{new}`' for old, new in LOSSES.items())}.\n"
    yield from _part("loss", Loss, unnamed=())
    yield from _part("EarlyStopping", EarlyStopping)


def _part(title: str, part: type[pydantic.BaseModel], unnamed: Iterable[str] = UNNAMED) -> Iterator[str]:
    fields = _fields(part, unnamed)
    yield f"**{title}**" + ("" if fields else ": no parameters.")
    if fields:
        yield ""
        yield "| parameter | default | may be |"
        yield "| --- | --- | --- |"
    for name in fields:
        yield f"| `{name}` | {_default(part, name)} | {_allowed(part, name)} |"
    yield ""


def _fields(part: type[pydantic.BaseModel], unnamed: Iterable[str] = UNNAMED) -> list[str]:
    return [name for name in part.model_fields if name not in unnamed]


def _default(part: type[pydantic.BaseModel], name: str) -> str:
    field = part.model_fields[name]
    if field.is_required():
        return "required"
    if field.default_factory:
        return "by the last layer"
    return f"`{getattr(field.default, 'name', field.default)!r}`"


def _allowed(part: type[pydantic.BaseModel], name: str) -> str:
    return allowed(part, name).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201
