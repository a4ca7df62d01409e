"""K nearest neighbours, as scikit-learn's KNeighborsClassifier has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from submissions.families.parameters import Jobs, pixels
from submissions.families.preprocess import STEPS_HELP, Steps, features_after, step_misfits, steps_size
from submissions.families.registry import Family, register
from submissions.specs import Images, Spec, described


def _whole_if_it_can_be(value: float) -> float:
    return int(value) if float(value).is_integer() else value


Metric = Literal[
    "minkowski", "euclidean", "l2", "sqeuclidean", "manhattan", "cityblock", "l1", "chebyshev",
    "cosine", "correlation", "braycurtis", "canberra", "hamming",
]  # fmt: skip

# Metrics that scikit-learn's trees know; "brute" and "auto" take every one.
KD_TREE = frozenset({"minkowski", "euclidean", "l2", "manhattan", "cityblock", "l1", "chebyshev"})
POWERS = {"euclidean": 2, "l2": 2, "manhattan": 1, "cityblock": 1, "l1": 1}
TREES = {"kd_tree": KD_TREE, "ball_tree": KD_TREE | {"braycurtis", "canberra", "hamming"}}

# Seconds for all of MNIST on two cores, (stock, accelerated), by power or metric; what is not listed takes a power of
# each difference.
MNIST_DISTANCES = 10_000 * 60_000 * 784
MNIST_SECONDS: dict[float | str, tuple[float, float]] = {
    1: (113, 9), 2: (15, 4), 3: (2900, 10), 4: (3100, 40), "sqeuclidean": (15, 4), "cosine": (15, 4),
    "chebyshev": (300, 9), "correlation": (300, 300),
}  # fmt: skip
OTHER_SECONDS = (2900, 300)


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

    def misfits(self, images: Images | None) -> Iterator[tuple[str, str]]:
        yield from step_misfits(self.preprocess, images)
        known = TREES.get(self.algorithm)
        if known and self.metric not in known:
            yield "metric", f"{self.metric!r} does not go with algorithm={self.algorithm!r}: use algorithm='brute'."

    def measures(self) -> Iterator[tuple[str, str, int]]:
        yield "neighbors", "n_neighbors", self.n_neighbors

    def size(self) -> tuple[str, float]:
        power = self.p if self.metric == "minkowski" else POWERS.get(self.metric)
        metric = self.metric if power is None else f"minkowski {power:g}"
        return f"{self.algorithm} {metric}{steps_size(self.preprocess)}", 1.0

    def rough_seconds(self, images: Images, *, accelerated: bool) -> float | None:
        """By the distances: each test image to each training image, over every feature."""
        power = self.p if self.metric == "minkowski" else POWERS.get(self.metric)
        stock, fast = MNIST_SECONDS.get(power or self.metric, OTHER_SECONDS)
        features = features_after(self.preprocess, pixels(images)) or pixels(images)
        return (fast if accelerated else stock) * images.test * images.train * features / MNIST_DISTANCES


register(
    Family(
        name="knn",
        label="K nearest neighbours",
        spec=KNN,
        constructor="KNeighborsClassifier",
        positional=("n_neighbors",),
        only={"metric_params": None},
        trainer="workers.engines.stock_knn:build",
        help=described(KNN),
        presets={
            "K nearest neighbours, defaults": KNN(),
            "K nearest neighbours, k=4 by distance": KNN(n_neighbors=4, weights="distance"),
            "The feed’s p=4": KNN(leaf_size=40, p=4),
        },
    )
)
