"""Generates the notation's reference: `python -m submissions.notation.reference > docs/notation.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pydantic

from submissions.notation.keras_reader import ALIASES
from submissions.notation.keras_training import LOSSES
from submissions.notation.literals import MAX_LINES
from submissions.notation.writer import headline
from submissions.specs.families import Family, offered
from submissions.specs.layer_types import LAYERS, MAX_LAYERS
from submissions.specs.messages import allowed
from submissions.specs.preprocessing import STEPS
from submissions.specs.training import OPTIMIZERS, EarlyStopping, Loss
from submissions.specs.validation import MAX_BYTES

UNNAMED = ("family", "kind", "name")

INTRODUCTION = """# Notation: how to write a model

<!-- Generated from the specs by `python -m submissions.notation.reference`. Edit that, not this page. -->

Write a model as in a notebook: a scikit-learn constructor, a pipeline, or Keras code. The service parses the text and
never runs it. Names, defaults and values are those of scikit-learn and Keras; parameters that you leave out have their
defaults.

You can paste text as it comes from a notebook:

- any module path or import alias;
- names assigned earlier (`k = 3`), tuples, arithmetic on numbers (`2**7`, `nf * 2`), and numpy's scalars
  (`np.int64(3)`);
- prompts (`In [3]:`, `>>>`), line numbers at the left edge, and `%magics` (of `%time model.fit(…)`, the statement is
  read);
- lines of the feed, of any length;
- `**best_params`, and the output of `best_params_` or of a search's report, with or without a pipeline's step names
  (`kneighborsclassifier__n_neighbors`);
- `fit` inside other expressions, as in `h = model.fit(…).history`;
- a model under a second name, as in `m = model`.
"""

IGNORED = """## Ignored lines

Lines that are not part of the model are ignored and listed in two groups:

- **No effect on your model**: imports, prints, `summary()`, plots, comments, loading the quest's own data, reshaping,
  one-hot labels, and the standard split into 60,000 and 10,000 images.
- **May change your score**: scaling, inverting or augmenting the images outside a pipeline, changed labels, fewer
  images or your own split, another data set, class or sample weights, callbacks other than EarlyStopping, and training
  inside a function. The form asks you to confirm these; the API lists them in `left_aside.consequential`.

Networks get pixels of 0–1 unless they begin with Rescaling, so a plain `x_train / 255` has no effect on them. A line of
the feed shows no `compile` and no `fit`: add a network's below it.

## Refused

- Layers and models that are not listed here (`LSTM is not supported`), and anything that would run code (`Lambda`,
  `eval`).
- Loops that add layers, and functions or classes that create the model: write each layer on its own line.
- A network's `compile` and `fit` in a loop, under a condition, or under another name (`fit = model.fit`).
- A functional `Model(inputs, outputs)`: write its layers in order, as `Sequential([...])`.
- A search such as `GridSearchCV`: write the model that it found.
- Several models in one text: the form lets you choose one; the API's error lists them.
"""


def reference() -> str:
    """The whole document."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    yield f"A text may have up to {MAX_BYTES // 1024} KB and {MAX_LINES:,} lines.\n"
    yield IGNORED
    for family in offered():
        yield from _family(family)
    yield "## Preprocessing steps\n"
    yield "`make_pipeline(StandardScaler(), PCA(n_components=50), KNeighborsClassifier())` or `Pipeline([…])`, for"
    yield "nearest neighbours and forests. Steps are fitted on the training images, and timed separately.\n"
    for name, step in STEPS.items():
        yield from _part(name, step)
    others = ", ".join(f"`{old}` for `{new}`" for old, new in ALIASES.items())
    yield "## Layers\n"
    yield f"Up to {MAX_LAYERS} in `Sequential([...])` or with `add`. The first may have `input_shape` or `input_dim`."
    yield f"Without them, the input shape follows from that layer. Also accepted: {others}.\n"
    for name, layer in LAYERS.items():
        yield from _part(name, layer)
    yield from _training()


def _family(family: Family) -> Iterator[str]:
    yield f"## {family.label}\n"
    yield f"`{family.constructor}`, family `{family.name}`, on {' or '.join(family.devices)}.\n"
    yield "| parameter | default | allowed | |"
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
        yield "| parameter | default | allowed |"
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
        return "depends on the last layer"
    return f"`{getattr(field.default, 'name', field.default)!r}`"


def _allowed(part: type[pydantic.BaseModel], name: str) -> str:
    return allowed(part, name).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201
