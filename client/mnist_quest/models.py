"""Converts any model to the text or object that the service reads. Needs no connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mnist_quest import estimators, networks
from mnist_quest.errors import NotExpressible
from mnist_quest.literals import plain
from mnist_quest.networks import Training


def notation(model: Any, **training: Any) -> str:
    """`model` as text for the service's form.

    A Keras model needs `epochs` and takes `batch_size`, `validation_split`, `callbacks` and `seed`. Raises
    NotExpressible if the model cannot be written as text.
    """
    sent = to_send(model, Training(**training))
    return sent if isinstance(sent, str) else json.dumps(sent)


def to_send(model: Any, training: Training) -> str | dict[str, Any]:
    """`model` as the API takes it: text, or a dictionary with a family."""
    if networks.is_network(model):
        return networks.write(model, training)
    if training:
        raise NotExpressible("epochs, batch_size and similar arguments are for Keras models only.")
    if isinstance(model, str):
        return model
    if isinstance(model, Mapping):
        values = plain(model, "model")
        return values if "family" in values else repr(values)
    if isinstance(model, type):
        raise NotExpressible(f"{model.__name__} is a class: create a model with {model.__name__}().")
    if estimators.is_search(model):
        return estimators.write(estimators.best_estimator(model))
    if estimators.is_estimator(model):
        return estimators.write(model)
    raise NotExpressible(
        f"This object ({type(model).__name__}) cannot be submitted: give a scikit-learn estimator, a compiled Keras "
        "model, text such as 'KNeighborsClassifier(n_neighbors=4)', or a dictionary with a family."
    )


def notice(model: Any) -> str:
    """A sentence for the person who submits this object; empty for most."""
    if networks.is_network(model):
        return "The service trains this model again from scratch; your weights stay here."
    if estimators.is_search(model):
        return "The best estimator of this search is submitted, and trained again from scratch."
    return ""
