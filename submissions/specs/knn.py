"""K nearest neighbours: the parameters of scikit-learn's KNeighborsClassifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from submissions.specs.parameters import Jobs, pixels
from submissions.specs.preprocessing import STEPS_HELP, Steps, features_after, step_conflicts, steps_size
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

# Nanoseconds that scikit-learn 1.9 takes on one core for a pixel of one pair of images, by power or metric; what is not
# listed takes a power of each difference. In 64 dimensions or 784, no tree of images leaves anything out.
BY_BRUTE_FORCE: dict[float | str, float] = {1: 0.6, 2: 0.035, "sqeuclidean": 0.035, "cosine": 0.2, "chebyshev": 1.3}
BY_TREE: dict[float | str, float] = {1: 1.2, 2: 1.2, "chebyshev": 1.3}
BY_POWERS = 10.0
A_CALL = 0.005  # seconds for fit and predict themselves
ASKED = frozenset({"cosine", "correlation"})  # for others brute force takes all cores, whatever n_jobs says
FEW_FEATURES = 15  # up to which "auto" takes a tree
# Seconds for all of MNIST on the accelerated engine and two cores.
MNIST_DISTANCES = 10_000 * 60_000 * 784
FAST_SECONDS: dict[float | str, float] = {1: 9, 2: 4, 3: 10, 4: 40, "sqeuclidean": 4, "cosine": 4, "chebyshev": 9}
OTHER_FAST_SECONDS = 300.0


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

    def quickest_search(self, features: int) -> str:
        """The one by which it finds the same neighbours soonest."""
        measure = self.power or self.metric
        if self.metric in KD_TREE and BY_TREE.get(measure, BY_POWERS) <= BY_BRUTE_FORCE.get(measure, BY_POWERS):
            return "kd_tree"
        return "brute" if self.metric in KD_TREE and features > FEW_FEATURES else self.search(features)

    def size(self) -> tuple[str, float]:
        metric = self.metric if self.power is None else f"minkowski {self.power:g}"
        return f"{self.algorithm} {metric}{steps_size(self.preprocess)}", 1.0

    def estimated_seconds(self, images: Images, *, accelerated: bool) -> float | None:
        """By the distances: each test image to each training image, over every feature."""
        measure = self.power or self.metric
        features = features_after(self.preprocess, pixels(images)) or pixels(images)
        distances = images.test * images.train * features
        if accelerated and self.compares_bytes:
            return FAST_SECONDS.get(measure, OTHER_FAST_SECONDS) * distances / MNIST_DISTANCES
        by_tree = "tree" in (self.quickest_search(features) if accelerated else self.search(features))
        nanoseconds = (BY_TREE if by_tree else BY_BRUTE_FORCE).get(measure, BY_POWERS)
        one_core = self.n_jobs in (None, 1) and (by_tree or self.metric in ASKED) and not accelerated
        return A_CALL + nanoseconds * 1e-9 * distances / (1 if one_core else 2)
