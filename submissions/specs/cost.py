"""Estimates the size of a run and the time it takes.

The formulas count operations. Their constants were fitted to runs on one machine (docs/performance.md), on two of its
cores. A family without a formula is predicted from past runs alone. A family from outside registers its own:

    @cost.size.register
    def _(spec: Centroid) -> tuple[str, float]: ...
"""

from __future__ import annotations

from functools import singledispatch
from math import log2, prod, sqrt

from submissions.specs.forest import Forest
from submissions.specs.knn import FEW_FEATURES, KD_TREE, KNN
from submissions.specs.network import CNN
from submissions.specs.parameters import pixels
from submissions.specs.preprocessing import AnyStep, features_after
from submissions.specs.shapes import layer_outputs
from submissions.specs.spec import Images, Spec


@singledispatch
def size(spec: Spec) -> tuple[str, float]:
    """(kind, amount): on one data set, runs of the same kind take time roughly in proportion to the amount."""
    return "", 1.0


@singledispatch
def estimated_seconds(spec: Spec, images: Images, *, accelerated: bool) -> float | None:
    """Seconds of training and scoring on two cores, right within about a factor of three; None without a formula."""
    return None


def _preprocessing_kind(steps: tuple[AnyStep, ...]) -> str:
    """The steps that change a run's time: which they are, and how many features PCA keeps."""
    return "".join(f" after {step.kind} {step.arguments().get('n_components') or ''}".rstrip() for step in steps)


# K nearest neighbours

# Nanoseconds of scikit-learn 1.9 on one core for one pixel of one pair of images, by power or metric. Metrics that are
# not listed raise each difference to a power. With 64 dimensions or more, a tree of images prunes nothing.
BRUTE_FORCE_NS: dict[float | str, float] = {1: 0.6, 2: 0.035, "sqeuclidean": 0.035, "cosine": 0.2, "chebyshev": 1.3}
TREE_NS: dict[float | str, float] = {1: 1.2, 2: 1.2, "chebyshev": 1.3}
OTHER_NS = 10.0
FIT_AND_PREDICT_CALL_S = 0.005
# Brute force with these metrics keeps to n_jobs; with the others it takes all cores, whatever n_jobs says.
KEEPS_TO_N_JOBS = frozenset({"cosine", "correlation"})
# Seconds for all of MNIST on the accelerated engine and two cores.
ACCELERATED_S: dict[float | str, float] = {1: 9, 2: 4, 3: 10, 4: 40, "sqeuclidean": 4, "cosine": 4, "chebyshev": 9}
OTHER_ACCELERATED_S = 300.0
MNIST_PIXEL_PAIRS = 10_000 * 60_000 * 784


@size.register
def _knn_size(spec: KNN) -> tuple[str, float]:
    metric = spec.metric if spec.power is None else f"minkowski {spec.power:g}"
    return f"{spec.algorithm} {metric}{_preprocessing_kind(spec.preprocess)}", 1.0


@estimated_seconds.register
def _knn_seconds(spec: KNN, images: Images, *, accelerated: bool) -> float | None:
    """Counts distances: each test image to each training image, over every feature."""
    measure = spec.power or spec.metric
    features = features_after(spec.preprocess, pixels(images)) or pixels(images)
    pairs = images.test * images.train * features
    if accelerated and spec.compares_bytes:
        return ACCELERATED_S.get(measure, OTHER_ACCELERATED_S) * pairs / MNIST_PIXEL_PAIRS
    by_tree = "tree" in (quickest_search(spec, features) if accelerated else spec.search(features))
    nanoseconds = (TREE_NS if by_tree else BRUTE_FORCE_NS).get(measure, OTHER_NS)
    one_core = spec.n_jobs in (None, 1) and (by_tree or spec.metric in KEEPS_TO_N_JOBS) and not accelerated
    return FIT_AND_PREDICT_CALL_S + nanoseconds * 1e-9 * pairs / (1 if one_core else 2)


def quickest_search(spec: KNN, features: int) -> str:
    """The `algorithm` with which scikit-learn finds the same neighbours soonest."""
    measure = spec.power or spec.metric
    if spec.metric in KD_TREE and TREE_NS.get(measure, OTHER_NS) <= BRUTE_FORCE_NS.get(measure, OTHER_NS):
        return "kd_tree"
    return "brute" if spec.metric in KD_TREE and features > FEW_FEATURES else spec.search(features)


# Random forest

# Levels that a tree grows on MNIST until its leaves are pure.
PURE_DEPTH = 25
# Seconds to sort one image at one level of one tree, to be multiplied by log2 of the images and the root of the pixels:
# a hundred trees on MNIST take 30 s on one core, 16 s on two.
STOCK_SORT_S, ACCELERATED_SORT_S = 4.5e-10, 2.4e-10


@size.register
def _forest_size(spec: Forest) -> tuple[str, float]:
    kind = f"{spec.criterion} {spec.max_features} {spec.n_jobs or 1} jobs{_preprocessing_kind(spec.preprocess)}"
    return kind, float(spec.n_estimators * min(spec.max_depth or PURE_DEPTH, PURE_DEPTH))


@estimated_seconds.register
def _forest_seconds(spec: Forest, images: Images, *, accelerated: bool) -> float | None:
    """Counts the sorting at each level of each tree; the stock forest grows on one core."""
    sorting = size(spec)[1] * images.train * log2(images.train) * sqrt(pixels(images))
    return (ACCELERATED_SORT_S if accelerated else STOCK_SORT_S) * sorting


# Networks

# A training step's fixed cost in multiplications: about a millisecond on one core.
STEP_MULTIPLICATIONS = 10_000_000
# Multiplications of the forward pass per second, while Keras trains on two cores.
MULTIPLICATIONS_PER_S = 6e9
TRACING_S = 0.8


@size.register
def _network_size(spec: CNN) -> tuple[str, float]:
    """Multiplications per image, each weight once at every place of its output, and a fixed cost for each step."""
    multiplications = sum(output.trainable * prod(output.shape[:-1]) for output in layer_outputs(spec.layers))
    return spec.precision, spec.epochs * (multiplications + STEP_MULTIPLICATIONS / spec.batch_size)


@estimated_seconds.register
def _network_seconds(spec: CNN, images: Images, *, accelerated: bool) -> float | None:
    """Counts the multiplications of all epochs; the stock engine also traces and compiles the model."""
    multiplications = size(spec)[1] * images.train * (1 - spec.validation_split)
    return multiplications / MULTIPLICATIONS_PER_S + (0.0 if accelerated else TRACING_S)
