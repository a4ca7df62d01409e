"""`validate`, the only way to build a spec: it checks a configuration against its family, the images and the limits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pydantic
import pydantic_core

from submissions.specs import families
from submissions.specs.messages import refusals
from submissions.specs.spec import DATASETS, Limits, Spec, SpecError

MAX_BYTES = 64 * 1024

SERVICE = Limits(parameters=50_000_000, owner="service")


def validate(
    data: object | str | bytes,
    *,
    dataset: str | None = "mnist",
    limits: Limits | None = None,
    offered_only: bool = True,
) -> Spec:
    """The spec that `data`, JSON text or JSON data, describes; SpecError if it is invalid.

    With `dataset` None, the spec only has to fit some data set's images.
    """
    if dataset is not None and dataset not in DATASETS:
        raise SpecError.of("dataset", f"There is no data set {dataset!r}: use one of {', '.join(DATASETS)}.")
    text = _as_json(data)
    spec = _shaped(text, offered_only=offered_only)
    images = DATASETS[dataset] if dataset else None
    refusals = [*spec.conflicts(images)]
    if not refusals:
        refusals = [refusal for bounds in (SERVICE, limits) if bounds for refusal in _beyond(spec, bounds)]
    if refusals:
        raise SpecError([{"field": field, "message": message} for field, message in refusals])
    return spec


def _as_json(data: object) -> bytes:
    try:
        text = data if isinstance(data, str | bytes) else json.dumps(data)
        encoded = text.encode() if isinstance(text, str) else text
    except (TypeError, ValueError, RecursionError) as error:
        raise SpecError.of("model", "This cannot be written as JSON.") from error
    if len(encoded) > MAX_BYTES:
        raise SpecError.of("model", f"This is too long: a model may have at most {MAX_BYTES // 1024} KB.")
    return encoded


def _shaped(text: bytes, *, offered_only: bool) -> Spec:
    try:
        parsed = pydantic_core.from_json(text)
    except ValueError as error:
        raise SpecError.of("model", f"This is not JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise SpecError.of("model", 'Give an object such as {"family": "knn", "n_neighbors": 4}.')
    known = {family.name: family for family in (families.offered() if offered_only else families.all_families())}
    name = parsed.get("family")
    if not isinstance(name, str) or name not in known:
        raise SpecError.of("family", f"Give one of {', '.join(map(repr, known))}.")
    try:
        return known[name].spec.model_validate_json(text)
    except pydantic.ValidationError as error:
        raise SpecError(refusals(error, known[name].spec, parsed)) from error


def _beyond(spec: Spec, limits: Limits) -> Iterator[tuple[str, str]]:
    for name, field, value in spec.bounded_quantities():
        bound = getattr(limits, name)
        if bound is not None and value > bound:
            yield field, f"{value:,} {name} exceed the {limits.owner}'s limit of {bound:,}."
