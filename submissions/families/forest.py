"""Registers random forests."""

from __future__ import annotations

from submissions.specs.families import Family, register
from submissions.specs.forest import Forest
from submissions.specs.spec import described

register(
    Family(
        name="forest",
        label="Random forest",
        spec=Forest,
        constructor="RandomForestClassifier",
        positional=("n_estimators",),
        former={"min_impurity_split": {None: None}, "max_features": {"auto": "sqrt"}},
        builder="workers.engines.sklearn.forest:build",
        help=described(Forest),
        presets={"Random forest, defaults": Forest(), "Random forest, 1,000 trees": Forest(n_estimators=1000)},
    )
)
