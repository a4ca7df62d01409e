"""The other side of the benchmark: a model trained as in a notebook, with plain scikit-learn or Keras.

`python -m tests.bench.notebook` reads JSON: {"spec", "dataset", "sample"}. Its last line is {"seconds", "scaled",
"answers"}: the seconds of fitting and predicting, without imports and loading of data.

`sample` is the number of queries, trees or epochs that are measured where the whole model would take too long.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.network import CNN
from submissions.specs.validation import validate
from workers.datasets import store
from workers.datasets.store import Dataset
from workers.engines.run import Values
from workers.processes.parent_death import die_with_parent

Answer = dict[str, Any]


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = act()
    return time.perf_counter() - began, result


def nearest_neighbours(spec: KNN, data: Dataset, sample: int | None) -> Answer:
    """Build the whole tree, and answer a sample of queries that is spread over the test images."""
    from sklearn.neighbors import KNeighborsClassifier

    total = len(data.test_labels)
    asked = np.linspace(0, total, sample or total, endpoint=False, dtype=int)
    images, labels, queries = _rows(data.train_images), np.array(data.train_labels), _rows(data.test_images)[asked]
    estimator = KNeighborsClassifier(**spec.arguments())
    fitting, _ = timed(lambda: estimator.fit(images, labels))
    asking, predicted = timed(lambda: estimator.predict(queries))
    scaled = f"{len(asked)} of {total:,} queries" if len(asked) < total else ""
    return _answer(fitting + asking * total / len(asked), scaled, zip(asked, predicted, strict=True))


def forest(spec: Forest, data: Dataset, sample: int | None) -> Answer:
    from sklearn.ensemble import RandomForestClassifier

    trees = sample or spec.n_estimators
    images, labels, queries = _rows(data.train_images), np.array(data.train_labels), _rows(data.test_images)
    estimator = RandomForestClassifier(**{**spec.arguments(), "n_estimators": trees})
    fitting, _ = timed(lambda: estimator.fit(images, labels))
    asking, predicted = timed(lambda: estimator.predict(queries))
    scaled = f"{trees} of {spec.n_estimators:,} trees" if trees < spec.n_estimators else ""
    return _answer((fitting + asking) * spec.n_estimators / trees, scaled, enumerate(predicted))


def network(spec: CNN, data: Dataset, sample: int | None) -> Answer:
    """Each epoch that is left out counts as the median of those after the first, which includes compilation."""
    import keras

    from workers.engines.keras import cnn
    from workers.engines.keras import model as keras_model

    cnn.warm()  # as ours has done, so that neither pays for TensorFlow's start
    keras.utils.set_random_seed(spec.seed or 0)
    model = keras_model.build(spec)
    images, queries = _inputs(spec, data, data.train_images), _inputs(spec, data, data.test_images)
    labels: Values = np.array(data.train_labels)
    if spec.loss.name != "sparse_categorical_crossentropy":
        labels = keras.utils.to_categorical(labels, 10)
    epochs, ends = min(sample or spec.epochs, spec.epochs), [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    options = {"epochs": epochs, "batch_size": spec.batch_size, "validation_split": spec.validation_split}
    fitting, _ = timed(lambda: model.fit(images, labels, **options, callbacks=[clock], verbose=0))
    asking, predicted = timed(lambda: model.predict(queries, verbose=0).argmax(axis=1))
    left_out = spec.epochs - epochs
    scaled = f"{epochs} of {spec.epochs} epochs" if left_out else ""
    seconds = fitting + asking + left_out * median(np.diff(ends)[1:] if left_out else [0])
    return _answer(seconds, scaled, enumerate(predicted))


def _answer(seconds: float, scaled: str, answers: Any) -> Answer:
    return {"seconds": float(seconds), "scaled": scaled, "answers": {int(at): int(digit) for at, digit in answers}}


def _rows(images: Values) -> Values:
    """(n_samples, height, width) uint8 as (n_samples, n_pixels) float64."""
    return images.reshape(len(images), -1).astype(np.float64)


def _inputs(spec: CNN, data: Dataset, images: Values) -> Values:
    """(n_samples, *input shape) float32 from 0 to 1, centred in zeros where the network takes larger images."""
    shape: tuple[int, ...] = spec.layers[0].shape  # type: ignore[union-attr]
    pixels = images.astype(np.float32) / data.pixel_max
    border = (shape[0] - images.shape[1]) // 2 if len(shape) == 3 else 0
    return np.pad(pixels, ((0, 0), (border, border), (border, border))).reshape(len(images), *shape)


MODELS: dict[str, Callable[..., Answer]] = {"knn": nearest_neighbours, "forest": forest, "cnn": network}


def main() -> None:
    die_with_parent()
    asked = json.load(sys.stdin)
    spec = validate(asked["spec"], dataset=asked["dataset"])
    answer = MODELS[spec.family](spec, store.load(asked["dataset"]), asked["sample"])
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
