"""The preprocessing steps of a spec, applied as scikit-learn's Pipeline would."""

from __future__ import annotations

from typing import Any

from submissions.specs.preprocessing import PCA, Step
from submissions.specs.spec import Spec
from workers.engines.run import Run, Values


def library(spec: Spec) -> dict[str, str]:
    """The library of the spec's steps → its version, imported; empty without steps."""
    if not getattr(spec, "preprocess", ()):
        return {}
    import sklearn.decomposition
    import sklearn.preprocessing

    return {"scikit-learn": sklearn.__version__}


def preprocessed(spec: Spec, run: Run, images: Values, test_images: Values) -> tuple[Values, Values]:
    """Both parts after the spec's steps. Each step is fitted on the training images that the step before returned."""
    steps: tuple[Step, ...] = getattr(spec, "preprocess", ())
    for step in steps:
        transformer = _transformer(step, run)
        images = transformer.fit_transform(images)
        test_images = transformer.transform(test_images)
    return images, test_images


def _transformer(step: Step, run: Run) -> Any:
    import sklearn.decomposition
    import sklearn.preprocessing

    parameters = step.arguments()
    if isinstance(step, PCA):
        if step.random_state is None:
            parameters["random_state"] = run.seed
        return sklearn.decomposition.PCA(**parameters)
    # In place, since no other run uses these pixels: a copy of MNIST as float64 takes 376 MB.
    return getattr(sklearn.preprocessing, step.kind)(**parameters, copy=False)
