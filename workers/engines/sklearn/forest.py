"""Random forests by scikit-learn."""

from __future__ import annotations

import sklearn
from sklearn.ensemble import RandomForestClassifier

from submissions.specs.spec import Spec
from workers.engines.run import Run
from workers.engines.sklearn.estimator import SklearnEstimator

LIBRARIES = {"scikit-learn": sklearn.__version__}


def build(spec: Spec, run: Run) -> SklearnEstimator:
    """The forest, with the run's seed where the spec has none, and at most the threads that the run was granted."""
    parameters = spec.arguments()
    parameters["random_state"] = run.seed_for(parameters["random_state"])
    parameters["n_jobs"] = run.threads_for(parameters["n_jobs"])
    return SklearnEstimator(RandomForestClassifier(**parameters))
