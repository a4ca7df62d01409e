"""Optimizers' steps as Keras defines them, all weights in one pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from submissions.specs import training
from workers.engines.fast_cnn.image_kernels import compiled
from workers.engines.run import Values

Step = Callable[[Values, Values], None]
Floats = tuple[np.float32, ...]


@compiled
def _adam(w: Values, g: Values, m: Values, v: Values, most: Values, numbers: Floats) -> None:
    keep, rate, rest_1, rest_2, epsilon = numbers
    for j in range(w.size):
        m[j] += (g[j] - m[j]) * rest_1
        v[j] += (g[j] * g[j] - v[j]) * rest_2
        w[j] = w[j] * keep - m[j] * rate / (np.sqrt(v[j]) + epsilon)


@compiled
def _amsgrad(w: Values, g: Values, m: Values, v: Values, most: Values, numbers: Floats) -> None:
    keep, rate, rest_1, rest_2, epsilon = numbers
    for j in range(w.size):
        m[j] += (g[j] - m[j]) * rest_1
        v[j] += (g[j] * g[j] - v[j]) * rest_2
        most[j] = max(most[j], v[j])
        w[j] = w[j] * keep - m[j] * rate / (np.sqrt(most[j]) + epsilon)


@compiled
def _sgd(w: Values, g: Values, m: Values, numbers: Floats, nesterov: bool) -> None:
    keep, rate, momentum = numbers
    for j in range(w.size):
        m[j] = m[j] * momentum - g[j] * rate
        w[j] = w[j] * keep + (m[j] * momentum - g[j] * rate if nesterov else m[j])


@compiled
def _rmsprop(w: Values, g: Values, v: Values, m: Values, numbers: Floats) -> None:
    keep, rate, rho, rest, epsilon, momentum = numbers
    for j in range(w.size):
        v[j] = rho * v[j] + rest * g[j] * g[j]
        m[j] = momentum * m[j] + rate * g[j] / np.sqrt(v[j] + epsilon)
        w[j] = w[j] * keep - m[j]


@compiled
def _adagrad(w: Values, g: Values, v: Values, numbers: Floats) -> None:
    keep, rate, epsilon = numbers
    for j in range(w.size):
        v[j] += g[j] * g[j]
        w[j] = w[j] * keep - rate * g[j] / np.sqrt(v[j] + epsilon)


def _floats(*numbers: float) -> Floats:
    return tuple(np.float32(number) for number in numbers)


def _keep(spec: training.Optimizer) -> float:
    """What weight decay leaves of a weight in a step."""
    return 1 - spec.learning_rate * (spec.weight_decay or 0)


def _adam_step(spec: training.Adam | training.AdamW, size: int) -> Step:
    m, v = np.zeros(size, np.float32), np.zeros(size, np.float32)
    most = np.zeros(size if spec.amsgrad else 0, np.float32)
    kernel = _amsgrad if spec.amsgrad else _adam
    steps = 0

    def step(weights: Values, gradients: Values) -> None:
        nonlocal steps
        steps += 1
        rate = spec.learning_rate * math.sqrt(1 - spec.beta_2**steps) / (1 - spec.beta_1**steps)
        kernel(
            weights, gradients, m, v, most, _floats(_keep(spec), rate, 1 - spec.beta_1, 1 - spec.beta_2, spec.epsilon)
        )

    return step


def _sgd_step(spec: training.SGD, size: int) -> Step:
    m, numbers = np.zeros(size, np.float32), _floats(_keep(spec), spec.learning_rate, spec.momentum)
    nesterov = spec.nesterov and spec.momentum > 0
    return lambda weights, gradients: _sgd(weights, gradients, m, numbers, nesterov)


def _rmsprop_step(spec: training.RMSprop, size: int) -> Step:
    v, m = np.zeros(size, np.float32), np.zeros(size, np.float32)
    numbers = _floats(_keep(spec), spec.learning_rate, spec.rho, 1 - spec.rho, spec.epsilon, spec.momentum)
    return lambda weights, gradients: _rmsprop(weights, gradients, v, m, numbers)


def _adagrad_step(spec: training.Adagrad, size: int) -> Step:
    v = np.full(size, spec.initial_accumulator_value, np.float32)
    numbers = _floats(_keep(spec), spec.learning_rate, spec.epsilon)
    return lambda weights, gradients: _adagrad(weights, gradients, v, numbers)


_STEPS: dict[str, Callable[..., Step]] = {
    "adam": _adam_step,
    "adamw": _adam_step,
    "sgd": _sgd_step,
    "rmsprop": _rmsprop_step,
    "adagrad": _adagrad_step,
}


def known(spec: training.Optimizer) -> bool:
    return spec.name in _STEPS and not spec.use_ema and not getattr(spec, "centered", False)


def optimizer_step(spec: training.Optimizer, variables: Sequence[slice], size: int) -> Step:
    """Moves flat float32 weights by flat gradients, in place; `variables` are where each of Keras' variables lies."""
    step, clip = _STEPS[spec.name](spec, size), _clip(spec, variables)

    def clipped(weights: Values, gradients: Values) -> None:
        clip(gradients)
        step(weights, gradients)

    return clipped


def _clip(spec: training.Optimizer, variables: Sequence[slice]) -> Callable[[Values], object]:
    if spec.clipvalue is not None:
        bound = spec.clipvalue
        return lambda gradients: np.clip(gradients, -bound, bound, out=gradients)
    norm = spec.clipnorm if spec.clipnorm is not None else spec.global_clipnorm
    if norm is None:
        return lambda gradients: None
    places = variables if spec.clipnorm is not None else [slice(None)]
    return lambda gradients: _shorten(gradients, places, norm)


def _shorten(gradients: Values, places: Sequence[slice], norm: float) -> None:
    for place in places:
        length = float(np.linalg.norm(gradients[place]))
        if length > norm:
            gradients[place] *= np.float32(norm / length)
