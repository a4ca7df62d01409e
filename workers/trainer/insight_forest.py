"""Insight into a forest: the importance of each pixel."""

from __future__ import annotations

from typing import Any

from workers.trainer.insight import Tested


def importances(estimator: Any, tested: Tested) -> dict[str, Any]:
    """Each pixel's mean decrease of impurity: scikit-learn's `feature_importances_`, which add up to 1.

    Empty after steps that turned the pixels into other features, such as PCA.
    """
    height, width = tested.dataset.test_images.shape[1:]
    values = estimator.estimator.feature_importances_
    if len(values) != height * width or any(step.kind == "PCA" for step in getattr(tested.spec, "preprocess", ())):
        return {}
    return {"kind": "importances", "shape": [height, width], "values": [float(f"{value:.4g}") for value in values]}
