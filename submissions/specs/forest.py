"""Random forest: the parameters of scikit-learn's RandomForestClassifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from submissions.specs.parameters import Count, Jobs, NotNegative, Seed, Share, pixels
from submissions.specs.preprocessing import STEPS_HELP, Steps, features_after, step_conflicts
from submissions.specs.spec import Images, Spec

Digit = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]


def _in_order(weights: dict[str, float]) -> dict[str, float]:
    return dict(sorted(weights.items()))


# scikit-learn draws max_samples × the sum of the weights for each tree, so unbounded weights would take all memory.
Weight = Annotated[float, Field(gt=0, le=100)]
Weights = Annotated[dict[Digit, Weight], AfterValidator(_in_order)]


class Forest(Spec):
    family: Literal["forest"] = "forest"
    n_estimators: Annotated[int, Field(ge=1, le=10_000)] = Field(100, description="number of trees")
    criterion: Literal["gini", "entropy", "log_loss"] = Field("gini", description="measure of the quality of a split")
    max_depth: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="maximum depth of a tree; None: until the leaves are pure"
    )
    min_samples_split: Annotated[int, Field(ge=2)] | Share = Field(
        2, description="minimum images to split a node; a fraction is a share of the training images"
    )
    min_samples_leaf: Count | Annotated[float, Field(gt=0, lt=1)] = Field(
        1, description="minimum images in a leaf; a fraction is a share of the training images"
    )
    min_weight_fraction_leaf: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0, description="minimum share of the total weight in a leaf"
    )
    max_features: Literal["sqrt", "log2"] | Count | Share | None = Field(
        "sqrt", description="pixels tried at each split; None: all"
    )
    max_leaf_nodes: Annotated[int, Field(ge=2)] | None = Field(
        None, description="maximum leaves of a tree; None: no limit"
    )
    min_impurity_decrease: NotNegative = Field(0.0, description="minimum impurity decrease for a split")
    bootstrap: bool = Field(True, description="train each tree on its own random sample")
    oob_score: bool = Field(False, description="also score each tree on the images outside its sample")
    n_jobs: Jobs | None = Field(None, description="threads; None: one, -1: all of the worker's")
    random_state: Seed | None = Field(None, description="seed; None: the service picks one and records it")
    verbose: Annotated[int, Field(ge=0, le=100)] | bool = Field(0, description="how much scikit-learn prints")
    warm_start: bool = Field(False, description="no effect here: every run starts from scratch")
    class_weight: Literal["balanced", "balanced_subsample"] | Weights | None = Field(
        None, description="weights of the digits, such as {0: 1.0, 9: 2.0}"
    )
    ccp_alpha: NotNegative = Field(0.0, description="cost-complexity pruning; 0: none")
    max_samples: Annotated[int, Field(ge=1, le=600_000)] | Share | None = Field(
        None, description="images drawn for each tree; None: as many as there are training images"
    )
    monotonic_cst: list[Literal[-1, 0, 1]] | None = Field(None, description="only None: not available for ten classes")
    preprocess: Steps = Field((), description=STEPS_HELP)

    def conflicts(self, images: Images | None) -> Iterator[tuple[str, str]]:
        yield from step_conflicts(self.preprocess, images)
        if self.oob_score and not self.bootstrap:
            yield "oob_score", "This needs bootstrap=True: otherwise every tree sees every image."
        if self.max_samples is not None and not self.bootstrap:
            yield "max_samples", "This needs bootstrap=True: otherwise every tree uses every image."
        if self.monotonic_cst is not None:
            yield "monotonic_cst", "This must be None: scikit-learn has no monotonic constraints for ten classes."
        yield from self._feature_conflicts(pixels(images) if images else 784)

    def _feature_conflicts(self, given: int) -> Iterator[tuple[str, str]]:
        most = features_after(self.preprocess, given)
        if type(self.max_features) is not int:
            return
        if most is None:
            yield "max_features", "The number of features after PCA depends on the data: give a fraction or 'sqrt'."
        elif self.max_features > most:
            seen = f"An image has {most} pixels" if most == given else f"The steps leave {most} features"
            yield "max_features", f"{seen}: give at most {most}."

    def bounded_quantities(self) -> Iterator[tuple[str, str, int]]:
        yield "trees", "n_estimators", self.n_estimators

    def arguments(self) -> dict[str, Any]:
        weights = self.class_weight
        numbered = {int(digit): weight for digit, weight in weights.items()} if isinstance(weights, dict) else weights
        return super().arguments() | {"class_weight": numbered}
