"""The base of every model configuration: a frozen pydantic model, built by `submissions.specs.validation.validate`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import pydantic


@dataclass(frozen=True, slots=True)
class Images:
    """A data set's images: side in pixels, numbers of training and test images, and the largest pixel value."""

    side: int
    train: int
    test: int
    brightest: int


DATASETS = {
    "mnist": Images(28, 60_000, 10_000, 255),
    "fashion-mnist": Images(28, 60_000, 10_000, 255),
    "digits": Images(8, 1_437, 360, 16),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds on a run; refusals name their `owner`."""

    epochs: int | None = None
    parameters: int | None = None
    trees: int | None = None
    owner: str = "quest"


class SpecError(ValueError):
    """A refused configuration; `errors` holds a {"field", "message"} for each problem."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['field']}: {error['message']}" for error in errors))
        self.errors = errors

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        return cls([{"field": field, "message": message}])


class Spec(pydantic.BaseModel):
    """A validated model configuration. Build one with `validate`, which also checks `conflicts` and the limits."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    family: str

    def conflicts(self, images: Images | None) -> Iterator[tuple[str, str]]:
        """(field, message) for each value that is invalid together with the others, or with these images."""
        yield from ()

    def bounded_quantities(self) -> Iterator[tuple[str, str, int]]:
        """(name of the limit, field, value) for each quantity that `Limits` bounds."""
        yield from ()

    def pixel_transforms(self, images: Images) -> Iterator[str]:
        """Changes to the images before the model gets them: "/255" for a division, "padded"."""
        yield from ()

    def arguments(self) -> dict[str, Any]:
        """The parameters as the constructor takes them."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in ("family", "preprocess")}


def described(model: type[pydantic.BaseModel]) -> dict[str, str]:
    """The help text of each field: its description."""
    return {name: field.description for name, field in model.model_fields.items() if field.description}


def changed(part: pydantic.BaseModel) -> dict[str, Any]:
    """The fields of a spec, or of a part of one, that differ from their default."""
    fields = type(part).model_fields
    values = {name: getattr(part, name) for name in fields if name not in ("family", "kind")}
    return {
        name: value
        for name, value in values.items()
        if fields[name].is_required() or value != fields[name].default or type(value) is not type(fields[name].default)
    }


def dump(spec: Spec) -> dict[str, Any]:
    """The whole spec as JSON data, including defaults; `validate` turns it back into the same spec."""
    return spec.model_dump(mode="json")
