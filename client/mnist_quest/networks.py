"""Writes a compiled Keras model as the code that builds, compiles and fits it. The weights are not sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mnist_quest.errors import NotExpressible
from mnist_quest.literals import changed, literal, parameters, single

KERAS = ("keras", "tf_keras", "tensorflow", "keras_core")
# What Keras fills in for arguments that were left out.
FILLED_IN = {"data_format": "channels_last", "activation": "linear"}
# They do not change the score. dtype is written separately, where it differs from the model's policy.
OMITTED = ("name", "dtype", "jit_compile")
NOT_SENT = "which cannot be submitted: give a plain value, or a name that Keras knows."
NOT_KERAS = f"your own code, {NOT_SENT}"
SEQUENTIAL = "write its layers, in order, as keras.Sequential([…])"


@dataclass
class Training:
    """The arguments of `fit`. `callbacks` takes Keras' EarlyStopping."""

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
    """The code. Raises NotExpressible if the model is not Sequential, not compiled, or `epochs` is missing."""
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
        what = "A functional Model" if kind == "Functional" else f"{kind}, a subclassed model,"
        raise NotExpressible(f"{what} cannot be submitted: {SEQUENTIAL}.")
    if not getattr(model, "optimizer", None):
        raise NotExpressible("This model is not compiled: call model.compile(optimizer=…, loss=…) first.")
    compiled = getattr(getattr(model, "_compile_config", None), "config", {})
    if compiled.get("loss_weights") is not None:
        raise NotExpressible("compile(loss_weights=…) cannot be submitted: a model here has one loss. Leave it out.")
    if training.epochs is None:
        raise NotExpressible(
            "Say how long to train: quest.submit(model, epochs=5). A Keras model does not store its epochs."
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
    # A model that was never built has no input shape; the service then derives it from the first layer.
    shape = getattr(model, "input_shape", None) if getattr(model, "built", False) else None
    if isinstance(shape, tuple):
        yield f"Input({literal(tuple(shape[1:]), 'Input')})"


def _settings(layers: list[Any], training: Training) -> Iterator[str]:
    policies = {_policy(layer) for layer in layers} - {"float32"}
    if len(policies) > 1:
        raise NotExpressible(f"The layers differ in precision ({', '.join(sorted(policies))}): use the same for all.")
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
        raise NotExpressible("Lambda contains code, which the service does not run: use other Keras layers.")
    if kind.__module__.split(".")[0] not in KERAS:
        raise NotExpressible(
            f"{kind.__name__} is your own layer, and the service does not run your code: use Keras' layers."
        )
    extra = [] if layer.trainable else ["trainable=False"]
    if _policy(layer) == "float32" and any(_policy(other) != "float32" for other in layers):
        extra.append("dtype='float32'")
    return _object(layer, extra)


def _optimizer(optimizer: Any) -> str:
    # Keras wraps the optimizer when a model trains in mixed precision.
    return _object(getattr(optimizer, "inner_optimizer", optimizer))


def _object(thing: Any, extra: list[str] | None = None) -> str:
    """The constructor call of a Keras object: required arguments first, then those that differ from their defaults."""
    kind = type(thing)
    known = parameters(kind)
    _refuse_own_code(thing, known)
    values = {name: _argument(thing, name, value) for name, value in thing.get_config().items() if name not in OMITTED}
    if "strides" in values and values.get("strides") == values.get("pool_size"):
        del values["strides"]
    words: list[str] = []
    named: list[str] = []
    for name, value in changed(kind, values):
        text = _text(value, f"{kind.__name__}: {name}")
        if text == repr(known[name].default):
            continue
        required = known[name].default is known[name].empty and not named
        (words if required else named).append(text if required else f"{name}={text}")
    return f"{kind.__name__}({', '.join([*words, *named, *(extra or [])])})"


def _refuse_own_code(thing: Any, known: Iterable[str]) -> None:
    """Refuse the student's functions: Keras stores them by a name that may mean another function, or as bytecode."""
    for name in known:
        live = getattr(thing, name, None)
        module = getattr(live, "__module__", None) or ""
        if callable(live) and not hasattr(live, "get_config") and module.split(".")[0] not in KERAS:
            function = getattr(live, "__name__", type(live).__name__)
            raise NotExpressible(f"{type(thing).__name__}: {name} is {function}, {NOT_KERAS}")


def _argument(thing: Any, name: str, value: Any) -> Any:
    """The argument behind a configuration's value: the described object, or None for a value that Keras filled in."""
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
            raise NotExpressible(f"{name}: {type(value).__name__} is your own code, which the service does not run.")
        written = _object(value)
        # Keras knows activations and losses by name. A layer is written as a constructor, also as an activation.
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
    raise NotExpressible("Compile the model with a Keras loss, for example loss='sparse_categorical_crossentropy'.")


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
        raise NotExpressible(f"The callback {kind.__name__} cannot be submitted: only EarlyStopping can.")
    values = {
        name: getattr(callback, name)
        for name in ("monitor", "patience", "baseline", "restore_best_weights", "start_from_epoch")
        if hasattr(callback, name)
    }
    values["mode"] = getattr(callback, "mode", None) or _direction(callback)
    values["min_delta"] = abs(callback.min_delta)  # Keras stores it with the sign of the direction
    return f"EarlyStopping({', '.join(f'{name}={literal(value, name)}' for name, value in changed(kind, values))})"


def _direction(callback: Any) -> str:
    """max, min or auto, from the comparison: older versions of Keras do not store `mode`."""
    comparison = getattr(getattr(callback, "monitor_op", None), "__name__", "")
    return {"greater": "max", "less": "min"}.get(comparison, "auto")
