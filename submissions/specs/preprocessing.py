"""Preprocessing of the pixels before an estimator: the steps of scikit-learn's pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, get_args

import pydantic
from pydantic import Field

from submissions.specs.parameters import Seed, pixels
from submissions.specs.spec import Images

MAX_STEPS = 6


class Step(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: str
    # Parameters that scikit-learn takes by position, and parameters that never change the result.
    POSITIONAL: ClassVar[tuple[str, ...]] = ()
    WITHOUT_EFFECT: ClassVar[frozenset[str]] = frozenset({"copy"})

    def arguments(self) -> dict[str, Any]:
        """The parameters as the constructor takes them."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "kind"}

    def conflicts(self, features: int | None) -> Iterator[tuple[str, str]]:
        """(parameter, message) for each value that does not fit; `features` is None if the number is unknown."""
        yield from ()

    def features(self, given: int | None) -> int | None:
        """The number of output features for `given` input features; None if it depends on the data."""
        return given


class StandardScaler(Step):
    kind: Literal["StandardScaler"] = "StandardScaler"
    with_mean: bool = True
    with_std: bool = True


class MinMaxScaler(Step):
    kind: Literal["MinMaxScaler"] = "MinMaxScaler"
    feature_range: tuple[float, float] = (0.0, 1.0)
    clip: bool = False
    POSITIONAL = ("feature_range",)

    def conflicts(self, features: int | None) -> Iterator[tuple[str, str]]:
        if self.feature_range[0] >= self.feature_range[1]:
            yield "feature_range", f"{self.feature_range} is not a range: give the smaller number first."


class Normalizer(Step):
    kind: Literal["Normalizer"] = "Normalizer"
    norm: Literal["l1", "l2", "max"] = "l2"
    POSITIONAL = ("norm",)


class PCA(Step):
    kind: Literal["PCA"] = "PCA"
    n_components: Annotated[int, Field(ge=1, le=784)] | Annotated[float, Field(gt=0, lt=1)] | None = None
    whiten: bool = False
    svd_solver: Literal["auto", "full", "covariance_eigh", "randomized"] = "auto"
    random_state: Seed | None = None
    POSITIONAL = ("n_components",)

    def conflicts(self, features: int | None) -> Iterator[tuple[str, str]]:
        wanted = self.n_components
        if isinstance(wanted, int) and features is not None and wanted > features:
            yield "n_components", f"This step gets {features} features: give at most {features}."
        if isinstance(wanted, float) and self.svd_solver == "randomized":
            yield "n_components", "A share of the variance does not work with svd_solver='randomized': remove that."

    def features(self, given: int | None) -> int | None:
        return given if self.n_components is None else self.n_components if isinstance(self.n_components, int) else None


AnyStep = Annotated[StandardScaler | MinMaxScaler | Normalizer | PCA, Field(discriminator="kind")]
Steps = Annotated[tuple[AnyStep, ...], Field(max_length=MAX_STEPS)]
STEPS: dict[str, type[Step]] = {str(step.model_fields["kind"].default): step for step in get_args(get_args(AnyStep)[0])}
STEPS_HELP = "preprocessing, such as StandardScaler(), PCA(n_components=50); fitted on the training images"


def step_conflicts(steps: tuple[AnyStep, ...], images: Images | None) -> Iterator[tuple[str, str]]:
    """(field, message) for each step that does not fit those before it."""
    features: int | None = pixels(images) if images else None
    for place, step in enumerate(steps):
        for name, message in step.conflicts(features):
            yield f"preprocess.{place}.{name}", message
        features = step.features(features)


def features_after(steps: tuple[AnyStep, ...], given: int) -> int | None:
    """The number of features after all steps, for an image of `given` pixels; None if it depends on the data."""
    features: int | None = given
    for step in steps:
        features = step.features(features)
    return features
