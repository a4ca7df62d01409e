"""Any model as what the service reads. Nothing here needs a connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mnist_quest import estimators, networks
from mnist_quest.errors import NotExpressible
from mnist_quest.literals import plain
from mnist_quest.networks import Training


def notation(model: Any, **training: Any) -> str:
    """`model` as text to paste into the service's form. A Keras model needs `epochs`, and takes `batch_size`,
    `validation_split`, `callbacks` and `seed`; NotExpressible for what cannot be written."""
    sent = to_send(model, Training(**training))
    return sent if isinstance(sent, str) else json.dumps(sent)


def to_send(model: Any, training: Training) -> str | dict[str, Any]:
    """`model` as the API takes it: text, or an object with a family."""
    if networks.is_network(model):
        return networks.write(model, training)
    if training:
        raise NotExpressible("epochs, batch_size and their like are for Keras models; this one has no use for them.")
    if isinstance(model, str):
        return model
    if isinstance(model, Mapping):
        values = plain(model, "model")
        return values if "family" in values else repr(values)
    if isinstance(model, type):
        raise NotExpressible(f"{model.__name__} is a class: make a model of it, {model.__name__}().")
    if estimators.is_search(model):
        return estimators.write(estimators.best_of(model))
    if estimators.is_estimator(model):
        return estimators.write(model)
    raise NotExpressible(
        f"This ({type(model).__name__}) cannot be sent: give a scikit-learn estimator, a compiled Keras model, text "
        "such as 'KNeighborsClassifier(n_neighbors=4)', or a dictionary with a family."
    )


def notice(model: Any) -> str:
    """What somebody who hands in this object should know; empty for most."""
    if networks.is_network(model):
        return "This model is trained again from scratch on the service; your weights stay here."
    if estimators.is_search(model):
        return "Of this search, its best estimator is submitted, to be trained anew."
    return ""
