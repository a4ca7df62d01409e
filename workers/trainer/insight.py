"""A small look into a trained model, taken after the clock has stopped. It never costs a run its score."""

from __future__ import annotations

import base64
import importlib
import json
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from submissions.results.insights import MOST_BYTES
from submissions.specs.spec import Spec
from workers.datasets.store import Dataset
from workers.engines.run import Labels, Values

SECONDS = 2.0

# By family, the function that looks: called with the estimator and a Tested, it gives what JSON can hold.
LOOKS: Mapping[str, str] = {
    "knn": "workers.trainer.insight_knn:nearest_of_wrong",
    "forest": "workers.trainer.insight_forest:importances",
    "cnn": "workers.trainer.insight_cnn:first_layer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A model's test: its images as the estimator took them, its answers, and which images are private."""

    spec: Spec
    dataset: Dataset
    images: Values
    predicted: Labels
    private: frozenset[int] = frozenset()
    began: float = field(default_factory=time.monotonic)

    @property
    def time_is_up(self) -> bool:
        """Whether what comes next, if it takes as long as all so far, would take too long."""
        return 2 * (time.monotonic() - self.began) > SECONDS

    def wrong(self) -> list[int]:
        """The public images that it got wrong: nothing may be told of the private ones."""
        wrong = np.flatnonzero(self.predicted != self.dataset.test_labels)
        return [int(index) for index in wrong if int(index) not in self.private]


def look_into(estimator: Any, tested: Tested) -> dict[str, Any]:
    """What there is to see of the model; nothing where there is nothing, or where looking went wrong."""
    path = LOOKS.get(tested.spec.family)
    if path is None:
        return {}
    module, _, name = path.partition(":")
    try:
        seen: dict[str, Any] = getattr(importlib.import_module(module), name)(estimator, tested)
        return seen if len(json.dumps(seen, allow_nan=False)) <= MOST_BYTES else {}
    except Exception:  # noqa: BLE001 - the model is trained and scored: that must not be lost for a picture of it
        traceback.print_exc()
        return {}


def packed(pictures: Values) -> dict[str, Any]:
    """Grey pictures (…, height, width) of whole numbers 0–255 as their shape, and their bytes in base64."""
    return {"shape": list(pictures.shape), "pixels": base64.b64encode(pictures.astype(np.uint8).tobytes()).decode()}
