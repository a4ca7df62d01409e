"""Compiled Keras models as the code that builds, compiles and fits them. The weights play no part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_quest.errors import NotExpressible
from mnist_quest.literals import given, literal, parameters, single

KERAS = ("keras", "tf_keras", "tensorflow", "keras_core")
# How Keras fills in what a constructor leaves open.
FILLED_IN = {"data_format": "channels_last", "activation": "linear"}
# They change no score; dtype is written where it is not what the whole model's policy has.
ASIDE = ("name", "dtype", "jit_compile")
NOT_SENT = "which cannot be sent: give a plain value, or one of Keras' names."
NOT_KERAS = f"code of your own, {NOT_SENT}"
SEQUENTIAL = "write it as keras.Sequential([…]) of the layers that it has, one after the other"


@dataclass
class Training:
    """What `fit` would be told. `callbacks` takes Keras' EarlyStopping."""

    epochs: int | None = None
    batch_size: int | None = None
    validation_split: float | None = None
    callbacks: list[Any] = field(default_factory=list)
    seed: int | None = None

    def __bool__(self) -> bool:
        return any(value not in (None, []) for value in vars(self).values())


def is_network(model: object) -> bool:
    return _from_keras(type(model)) and hasattr(model, "layers") and hasattr(model, "get_config")


def write(model: Any, training: Training) -> str:
    """The code; NotExpressible where the model is no Sequential one, is not compiled, or `epochs` is missing."""
    _check(model, training)
    layers = list(_flat(model))
    return "\n".join(
        [
            *_settings(layers, training),
            "model = Sequential([",
            *(f"    {text}," for text in (*_input(model), *(_layer(layer, layers) for layer in layers))),
            "])",
            f"model.compile(optimizer={_optimizer(model.optimizer)}, loss={_loss(model)})",
            _fit(training),
        ]
    )


def _check(model: Any, training: Training) -> None:
    kind = type(model).__name__
    if kind != "Sequential":
        what = "A functional Model" if kind == "Functional" else f"{kind}, a model of a class of its own,"
        raise NotExpressible(f"{what} cannot be sent: {SEQUENTIAL}.")
    if not getattr(model, "optimizer", None):
        raise NotExpressible("This model is not compiled: call model.compile(optimizer=…, loss=…) first.")
    compiled = getattr(getattr(model, "_compile_config", None), "config", {})
    if compiled.get("loss_weights") is not None:
        raise NotExpressible("compile(loss_weights=…) cannot be sent: a model here has one loss. Leave it out.")
    if training.epochs is None:
        raise NotExpressible(
            "Say how long to train it: quest.submit(model, epochs=5). A model does not know its epochs."
        )


def _from_keras(kind: type) -> bool:
    return any(base.__module__.split(".")[0] in KERAS for base in kind.__mro__)


def _flat(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if type(layer).__name__ == "Sequential":
            yield from _flat(layer)
        elif type(layer).__name__ != "InputLayer":
            yield layer


def _input(model: Any) -> Iterator[str]:
    # A model that was never built has no input yet; then the service takes what its first layer needs.
    shape = getattr(model, "input_shape", None) if getattr(model, "built", False) else None
    if isinstance(shape, tuple):
        yield f"Input({literal(tuple(shape[1:]), 'Input')})"


def _settings(layers: list[Any], training: Training) -> Iterator[str]:
    policies = {_policy(layer) for layer in layers} - {"float32"}
    if len(policies) > 1:
        raise NotExpressible(f"The layers differ in precision ({', '.join(sorted(policies))}): use one for all.")
    for policy in policies:
        yield f"keras.mixed_precision.set_global_policy({policy!r})"
    if training.seed is not None:
        yield f"keras.utils.set_random_seed({literal(training.seed, 'seed')})"


def _policy(layer: Any) -> str:
    found = getattr(layer, "dtype_policy", None)
    return str(getattr(found, "name", None) or "float32")


def _layer(layer: Any, layers: list[Any]) -> str:
    kind = type(layer)
    if kind.__name__ == "Lambda":
        raise NotExpressible("Lambda would run code, and the service runs none: use Keras' other layers.")
    if kind.__module__.split(".")[0] not in KERAS:
        raise NotExpressible(
            f"{kind.__name__} is a layer of your own: it is code, and the service runs none. Use Keras' own layers."
        )
    extra = [] if layer.trainable else ["trainable=False"]
    if _policy(layer) == "float32" and any(_policy(other) != "float32" for other in layers):
        extra.append("dtype='float32'")
    return _object(layer, extra)


def _optimizer(optimizer: Any) -> str:
    # Keras wraps it where a model trains in mixed precision.
    return _object(getattr(optimizer, "inner_optimizer", optimizer))


def _object(thing: Any, extra: list[str] | None = None) -> str:
    """Something of Keras' with a configuration, as its constructor: what it must be given first, then what differs."""
    kind = type(thing)
    known = parameters(kind)
    _refuse_own_code(thing, known)
    values = {name: _meant(thing, name, value) for name, value in thing.get_config().items() if name not in ASIDE}
    if "strides" in values and values.get("strides") == values.get("pool_size"):
        del values["strides"]
    words: list[str] = []
    named: list[str] = []
    for name, value in given(kind, values):
        text = _text(value, f"{kind.__name__}: {name}")
        if text == repr(known[name].default):
            continue
        required = known[name].default is known[name].empty and not named
        (words if required else named).append(text if required else f"{name}={text}")
    return f"{kind.__name__}({', '.join([*words, *named, *(extra or [])])})"


def _refuse_own_code(thing: Any, known: Iterable[str]) -> None:
    """Functions of one's own: Keras writes them as their name, which it may know for another, or as their bytecode."""
    for name in known:
        live = getattr(thing, name, None)
        module = getattr(live, "__module__", None) or ""
        if callable(live) and not hasattr(live, "get_config") and module.split(".")[0] not in KERAS:
            called = getattr(live, "__name__", type(live).__name__)
            raise NotExpressible(f"{type(thing).__name__}: {name} is {called}, {NOT_KERAS}")


def _meant(thing: Any, name: str, value: Any) -> Any:
    """A value as it was given: the object itself where the configuration describes one, None where it was open."""
    if FILLED_IN.get(name) == value:
        return None
    if name == "learning_rate" and isinstance(value, float):
        return single(value)
    live = getattr(thing, name, None)
    return live if isinstance(value, Mapping) and hasattr(live, "get_config") else value


def _text(value: Any, name: str) -> str:
    if isinstance(value, Mapping):
        raise NotExpressible(f"{name} is a {value.get('class_name', 'mapping')}, {NOT_SENT}")
    if hasattr(value, "get_config"):
        if type(value).__module__.split(".")[0] not in KERAS:
            raise NotExpressible(f"{name}: {type(value).__name__} is code of your own, and the service runs none.")
        written = _object(value)
        # A layer stands for itself, also where it is another one's activation; anything else has a name in Keras.
        named = written.endswith("()") and not hasattr(value, "count_params")
        return repr(_snake(written[:-2])) if named else written
    return literal(value, name)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _loss(model: Any) -> str:
    loss = model.loss
    if isinstance(loss, str):
        return repr(loss)
    if hasattr(loss, "get_config"):
        return _text(loss, "loss")
    if callable(loss) and (loss.__module__ or "").split(".")[0] in KERAS:
        return repr(loss.__name__)
    raise NotExpressible("Compile the model with one of Keras' losses, such as loss='sparse_categorical_crossentropy'.")


def _fit(training: Training) -> str:
    named = {
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "validation_split": training.validation_split,
    }
    words = ["x_train", "y_train"]
    words += [f"{name}={literal(value, name)}" for name, value in named.items() if value is not None]
    if training.callbacks:
        words.append(f"callbacks=[{', '.join(_callback(callback) for callback in training.callbacks)}]")
    return f"model.fit({', '.join(words)})"


def _callback(callback: Any) -> str:
    kind = type(callback)
    if not _from_keras(kind) or kind.__name__ != "EarlyStopping":
        raise NotExpressible(f"The callback {kind.__name__} cannot be sent: there is EarlyStopping.")
    values = {
        name: getattr(callback, name)
        for name in ("monitor", "patience", "baseline", "restore_best_weights", "start_from_epoch")
        if hasattr(callback, name)
    }
    values["mode"] = getattr(callback, "mode", None) or _direction(callback)
    values["min_delta"] = abs(callback.min_delta)  # Keras keeps it with the sign of the direction
    return f"EarlyStopping({', '.join(f'{name}={literal(value, name)}' for name, value in given(kind, values))})"


def _direction(callback: Any) -> str:
    """Whether more is better or less: older versions of Keras keep this alone of `mode`."""
    comparison = getattr(getattr(callback, "monitor_op", None), "__name__", "")
    return {"greater": "max", "less": "min"}.get(comparison, "auto")
