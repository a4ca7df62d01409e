"""Writes a network's spec as the Keras code that builds, compiles and fits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from submissions.specs.layers import Layer
from submissions.specs.spec import Spec, changed
from submissions.specs.training import Loss, Optimizer

if TYPE_CHECKING:
    from submissions.specs.network import CNN

# Keras 3's AveragePooling2D has no default for it, so the code must say it; RBF says its ten units as Dense does.
ALWAYS_WRITTEN = {"AveragePooling2D": ("pool_size",), "RBF": ("units",)}
LOSS_CLASSES = {
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
}


def write(spec: Spec) -> str:
    """The code, one layer per line. Defaults are left out unless Keras has different ones."""
    net = cast("CNN", spec)
    lines = [*_settings(net), "model = Sequential(["]
    lines += [f"    {write_layer(layer)}," for layer in net.layers]
    lines += ["])", f"model.compile(optimizer={_optimizer(net.optimizer)}, loss={_loss(net.loss)})", _fit(net)]
    return "\n".join(lines)


def headline(spec: Spec) -> str:
    """Only the network, on one line."""
    return f"Sequential([{', '.join(write_layer(layer) for layer in cast('CNN', spec).layers)}])"


def write_layer(layer: Layer) -> str:
    required = [name for name, field in type(layer).model_fields.items() if field.is_required()]
    required += ALWAYS_WRITTEN.get(layer.kind, ())
    placed = [name for name in layer.POSITIONAL if name in required]
    # A shape is not a pair: (28, 28) is not shortened to 28.
    values = [(repr if name == "shape" else write_value)(getattr(layer, name)) for name in placed]
    named = {name: value for name, value in changed(layer).items() if name not in placed}
    return f"{layer.kind}({', '.join([*values, *_named(named)])})"


def _settings(net: CNN) -> Iterator[str]:
    if net.precision != "float32":
        yield f"keras.mixed_precision.set_global_policy({net.precision!r})"
    if net.seed is not None:
        yield f"keras.utils.set_random_seed({net.seed})"


def _optimizer(optimizer: Optimizer) -> str:
    given = changed(optimizer)
    return f"{optimizer.CLASS}({', '.join(_named(given))})" if given else repr(optimizer.name)


def _loss(loss: Loss) -> str:
    return f"{LOSS_CLASSES[loss.name]}(from_logits=True)" if loss.from_logits else repr(loss.name)


def _fit(net: CNN) -> str:
    given = {name: value for name, value in changed(net).items() if name in ("batch_size", "validation_split")}
    stopping = net.early_stopping
    callbacks = [f"callbacks=[EarlyStopping({', '.join(_named(changed(stopping)))})]"] if stopping else []
    return f"model.fit({', '.join(['x_train', 'y_train', f'epochs={net.epochs}', *_named(given), *callbacks])})"


def _named(values: Mapping[str, Any]) -> Iterator[str]:
    return (f"{name}={write_value(value)}" for name, value in values.items())


def write_value(value: Any) -> str:
    """Writes a pair of equal numbers as one number; a pair of equal pairs stays, since one pair has another meaning."""
    if isinstance(value, tuple) and len(value) == 2:
        first, second = map(write_value, value)
        return first if first == second and not first.startswith("(") else f"({first}, {second})"
    return repr(value)
