"""Insight into nearest neighbours: misread digits, and the training images nearest to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from workers.engines.run import Values
from workers.trainer.insight import Tested

DIGITS, NEIGHBOURS = 20, 8


def nearest_of_wrong(estimator: Any, tested: Tested) -> dict[str, Any]:
    """Twenty misread digits, or as many as there is time for.

    A tree may take a third of a second for each. Our own search takes hardly longer for all of them than for one.
    """
    all_at_once = getattr(estimator, "kneighbors", None)
    search = all_at_once or estimator.estimator.kneighbors
    wrong = _spread(tested.wrong())
    rows: list[dict[str, Any]] = []
    while wrong and not tested.time_is_up:
        many = DIGITS if all_at_once else len(rows) + 1
        batch, wrong = wrong[:many], wrong[many:]
        for index, distances, neighbours in zip(batch, *search(tested.images[batch]), strict=True):
            nearest = _nearest(distances, neighbours, tested)
            rows.append({"index": index, "given": int(tested.predicted[index]), "neighbours": nearest})
    return {"kind": "neighbours", "wrong": rows} if rows else {}


def _spread(wrong: list[int]) -> list[int]:
    """Twenty of them, spread over all test images."""
    places = np.linspace(0, len(wrong) - 1, min(DIGITS, len(wrong)))
    return [wrong[round(place)] for place in places]


def _nearest(distances: Values, neighbours: Values, tested: Tested) -> list[dict[str, Any]]:
    return [
        {"index": int(image), "label": int(tested.dataset.train_labels[image]), "distance": round(float(distance), 4)}
        for distance, image in list(zip(distances, neighbours, strict=True))[:NEIGHBOURS]
    ]
