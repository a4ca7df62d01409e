"""Pictures of a trained model for its page, made after timing has ended. They never cost a run its score."""

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

from submissions.results.insights import MAX_BYTES
from submissions.specs.spec import Spec
from workers.datasets.store import Dataset
from workers.engines.run import Labels, Values

SECONDS = 2.0

# Family → function that makes its insight: takes the estimator and a Tested, returns values that JSON can hold.
INSIGHTS: Mapping[str, str] = {
    "knn": "workers.trainer.insight_knn:nearest_of_wrong",
    "forest": "workers.trainer.insight_forest:importances",
    "cnn": "workers.trainer.insight_cnn:first_layer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A model's test: the images as the estimator took them, its predictions, and which images are private."""

    spec: Spec
    dataset: Dataset
    images: Values
    predicted: Labels
    private: frozenset[int] = frozenset()
    began: float = field(default_factory=time.monotonic)

    @property
    def time_is_up(self) -> bool:
        """Whether the next step would take too long, if it takes as long as all steps so far."""
        return 2 * (time.monotonic() - self.began) > SECONDS

    def wrong(self) -> list[int]:
        """Indexes of the public images that it got wrong; the private ones stay secret."""
        wrong = np.flatnonzero(self.predicted != self.dataset.test_labels)
        return [int(index) for index in wrong if int(index) not in self.private]


def insight_into(estimator: Any, tested: Tested) -> dict[str, Any]:
    """The model's insight; empty if its family has none, or if making it failed or gave too much."""
    path = INSIGHTS.get(tested.spec.family)
    if path is None:
        return {}
    module, _, name = path.partition(":")
    try:
        made: dict[str, Any] = getattr(importlib.import_module(module), name)(estimator, tested)
        return made if len(json.dumps(made, allow_nan=False)) <= MAX_BYTES else {}
    except Exception:  # noqa: BLE001 - a trained and scored model must not be lost for a picture of it
        traceback.print_exc()
        return {}


def packed(pictures: Values) -> dict[str, Any]:
    """Grey pictures (…, height, width) with values 0–255 as JSON: their shape, and their uint8 bytes in base64."""
    return {"shape": list(pictures.shape), "pixels": base64.b64encode(pictures.astype(np.uint8).tobytes()).decode()}
