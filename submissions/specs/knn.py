"""K nearest neighbours: the parameters of scikit-learn's KNeighborsClassifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from submissions.specs.parameters import Jobs
from submissions.specs.preprocessing import STEPS_HELP, Steps, step_conflicts
from submissions.specs.spec import Images, Spec


def _whole_if_it_can_be(value: float) -> float:
    return int(value) if float(value).is_integer() else value


Metric = Literal[
    "minkowski", "euclidean", "l2", "sqeuclidean", "manhattan", "cityblock", "l1", "chebyshev",
    "cosine", "correlation", "braycurtis", "canberra", "hamming",
]  # fmt: skip

# Metrics that scikit-learn's trees know; "brute" and "auto" take every one.
KD_TREE = frozenset({"minkowski", "euclidean", "l2", "manhattan", "cityblock", "l1", "chebyshev"})
POWERS = {"euclidean": 2, "l2": 2, "manhattan": 1, "cityblock": 1, "l1": 1}
KERNELS = frozenset({"minkowski", "sqeuclidean", "cosine", "chebyshev"} | POWERS.keys())  # the accelerated engine's own
TREES = {"kd_tree": KD_TREE, "ball_tree": KD_TREE | {"braycurtis", "canberra", "hamming"}}

FEW_FEATURES = 15  # up to which "auto" takes a tree


class KNN(Spec):
    family: Literal["knn"] = "knn"
    n_neighbors: Annotated[int, Field(ge=1, le=1000)] = Field(5, description="how many neighbours vote")
    weights: Literal["uniform", "distance"] | None = Field(
        "uniform", description="uniform: one vote each; distance: the nearer, the heavier"
    )
    algorithm: Literal["auto", "ball_tree", "kd_tree", "brute"] = Field(
        "auto", description="how neighbours are found; it changes the time, not the score"
    )
    leaf_size: Annotated[int, Field(ge=1, le=60_000)] = Field(30, description="images in a leaf of the tree")
    # Above 100, 255 ** p no longer fits a float when 784 of them are added up.
    p: Annotated[float, Field(ge=1, le=100), AfterValidator(_whole_if_it_can_be)] = Field(
        2, description="power of the Minkowski metric: 1 is Manhattan, 2 Euclidean"
    )
    metric: Metric = Field("minkowski", description="how far apart two images are")
    n_jobs: Jobs | None = Field(None, description="threads: None is one, -1 all of the worker's")
    preprocess: Steps = Field((), description=STEPS_HELP)

    def conflicts(self, images: Images | None) -> Iterator[tuple[str, str]]:
        yield from step_conflicts(self.preprocess, images)
        known = TREES.get(self.algorithm)
        if known and self.metric not in known:
            yield "metric", f"{self.metric!r} does not go with algorithm={self.algorithm!r}: use algorithm='brute'."

    @property
    def power(self) -> float | None:
        """The p of a Minkowski metric, under whatever name; None for another metric."""
        return self.p if self.metric == "minkowski" else POWERS.get(self.metric)

    @property
    def compares_bytes(self) -> bool:
        """Whether the accelerated engine's kernels know it: they take pixels as stored, not what steps make of them."""
        return not self.preprocess and self.metric in KERNELS

    def search(self, features: int) -> str:
        """What scikit-learn makes of `algorithm` among so many features."""
        if self.algorithm != "auto":
            return self.algorithm
        trees = [tree for tree, metrics in TREES.items() if self.metric in metrics]
        return trees[0] if trees and features <= FEW_FEATURES else "brute"
