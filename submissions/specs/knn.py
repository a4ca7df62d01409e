"""K nearest neighbours: the parameters of scikit-learn's KNeighborsClassifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from submissions.specs.parameters import Jobs
from submissions.specs.preprocessing import STEPS_HELP, Steps, step_conflicts
from submissions.specs.spec import Images, Spec


def _int_if_whole(value: float) -> float:
    return int(value) if float(value).is_integer() else value


Metric = Literal[
    "minkowski", "euclidean", "l2", "sqeuclidean", "manhattan", "cityblock", "l1", "chebyshev",
    "cosine", "correlation", "braycurtis", "canberra", "hamming",
]  # fmt: skip

# Metrics that scikit-learn's trees support; "brute" and "auto" support all.
KD_TREE = frozenset({"minkowski", "euclidean", "l2", "manhattan", "cityblock", "l1", "chebyshev"})
POWERS = {"euclidean": 2, "l2": 2, "manhattan": 1, "cityblock": 1, "l1": 1}
KERNELS = frozenset({"minkowski", "sqeuclidean", "cosine", "chebyshev"} | POWERS.keys())  # in the accelerated engine
TREES = {"kd_tree": KD_TREE, "ball_tree": KD_TREE | {"braycurtis", "canberra", "hamming"}}

FEW_FEATURES = 15  # up to this many, "auto" takes a tree


class KNN(Spec):
    family: Literal["knn"] = "knn"
    n_neighbors: Annotated[int, Field(ge=1, le=1000)] = Field(5, description="number of neighbours that vote")
    weights: Literal["uniform", "distance"] | None = Field(
        "uniform", description="uniform: one vote each; distance: nearer neighbours weigh more"
    )
    algorithm: Literal["auto", "ball_tree", "kd_tree", "brute"] = Field(
        "auto", description="search method; affects the time, not the score"
    )
    leaf_size: Annotated[int, Field(ge=1, le=60_000)] = Field(30, description="images in a leaf of the search tree")
    # Above 100, a sum of 784 terms of 255 ** p no longer fits a float.
    p: Annotated[float, Field(ge=1, le=100), AfterValidator(_int_if_whole)] = Field(
        2, description="power of the Minkowski metric: 1 is Manhattan, 2 Euclidean"
    )
    metric: Metric = Field("minkowski", description="distance between two images")
    n_jobs: Jobs | None = Field(None, description="threads; None: one, -1: all of the worker's")
    preprocess: Steps = Field((), description=STEPS_HELP)

    def conflicts(self, images: Images | None) -> Iterator[tuple[str, str]]:
        yield from step_conflicts(self.preprocess, images)
        known = TREES.get(self.algorithm)
        if known and self.metric not in known:
            yield (
                "metric",
                f"{self.metric!r} is not available with algorithm={self.algorithm!r}: use algorithm='brute'.",
            )

    @property
    def power(self) -> float | None:
        """The p of a Minkowski metric, also of one by another name such as manhattan; None for other metrics."""
        return self.p if self.metric == "minkowski" else POWERS.get(self.metric)

    @property
    def compares_bytes(self) -> bool:
        """Whether the accelerated engine's kernels can compute it; they take stored pixels, without preprocessing."""
        return not self.preprocess and self.metric in KERNELS

    def search(self, features: int) -> str:
        """The search that scikit-learn uses for this `algorithm` and number of features."""
        if self.algorithm != "auto":
            return self.algorithm
        trees = [tree for tree, metrics in TREES.items() if self.metric in metrics]
        return trees[0] if trees and features <= FEW_FEATURES else "brute"
