"""Writes scikit-learn estimators, pipelines and searches as constructor calls."""

from __future__ import annotations

from typing import Any

from mnist_quest.errors import NotExpressible
from mnist_quest.literals import changed, literal

SEARCHES = ("param_grid", "param_distributions", "param_space", "search_spaces")


def is_estimator(model: object) -> bool:
    return hasattr(model, "get_params") and hasattr(model, "fit")


def is_search(model: object) -> bool:
    """Whether this is a grid search or similar: an estimator that tunes another one."""
    return hasattr(model, "estimator") and any(hasattr(model, name) for name in SEARCHES)


def best_estimator(search: Any) -> Any:
    """The best estimator of a fitted search. Raises NotExpressible, with advice, if there is none."""
    if hasattr(search, "best_estimator_"):
        return search.best_estimator_
    kind = type(search).__name__
    if hasattr(search, "best_params_"):
        raise NotExpressible(
            f"This {kind} has refit=False, so it has no best estimator: submit search.best_params_, or fit it with "
            "refit=True."
        )
    raise NotExpressible(
        f"This {kind} has not been fitted, so it has no best estimator yet: call its fit(x, y) first. The service "
        "trains one model for each submission; it does not search."
    )


def write(model: Any) -> str:
    """The constructor call, with the arguments that differ from their defaults."""
    if type(model).__name__ == "Pipeline" and hasattr(model, "steps"):
        return _pipeline(model)
    kind = type(model)
    arguments = [f"{name}={_value(value, name)}" for name, value in changed(kind, model.get_params(deep=False))]
    return f"{kind.__name__}({', '.join(sorted(arguments))})"


def _pipeline(model: Any) -> str:
    steps = [step for _name, step in model.steps if step is not None and step != "passthrough"]
    return (
        f"make_pipeline({', '.join(write(step) if is_estimator(step) else literal(step, 'steps') for step in steps)})"
    )


def _value(value: Any, name: str) -> str:
    return write(value) if is_estimator(value) and not isinstance(value, type) else literal(value, name)
