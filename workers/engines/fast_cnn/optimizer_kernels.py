"""Optimizer steps as Keras 3 defines them (`keras.optimizers`), over all weights of a network in one pass.

Every array is flat, (n_weights,) float32, and changed in place: `w` weights, `g` gradients, `m` the first moment or the
velocity, `v` the second moment or the sum of squares. `constants` are float32 scalars, computed once for a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from submissions.specs import training
from workers.engines.fast_cnn.image_kernels import compiled
from workers.engines.run import Values

OptimizerStep = Callable[[Values, Values], None]  # (weights, gradients), both changed in place
Float32s = tuple[np.float32, ...]


@compiled
def _adam(w: Values, g: Values, m: Values, v: Values, v_max: Values, constants: Float32s) -> None:
    """Adam (Kingma & Ba, 2015, algorithm 1), with decoupled weight decay; `v_max` is unused."""
    decay, rate, one_minus_beta_1, one_minus_beta_2, epsilon = constants
    for j in range(w.size):
        m[j] += (g[j] - m[j]) * one_minus_beta_1
        v[j] += (g[j] * g[j] - v[j]) * one_minus_beta_2
        w[j] = w[j] * decay - m[j] * rate / (np.sqrt(v[j]) + epsilon)


@compiled
def _amsgrad(w: Values, g: Values, m: Values, v: Values, v_max: Values, constants: Float32s) -> None:
    """AMSGrad (Reddi et al., 2018): Adam with the largest second moment so far, `v_max`."""
    decay, rate, one_minus_beta_1, one_minus_beta_2, epsilon = constants
    for j in range(w.size):
        m[j] += (g[j] - m[j]) * one_minus_beta_1
        v[j] += (g[j] * g[j] - v[j]) * one_minus_beta_2
        v_max[j] = max(v_max[j], v[j])
        w[j] = w[j] * decay - m[j] * rate / (np.sqrt(v_max[j]) + epsilon)


@compiled
def _sgd(w: Values, g: Values, m: Values, constants: Float32s, nesterov: bool) -> None:
    """Gradient descent with momentum, Nesterov's where `nesterov`."""
    decay, rate, momentum = constants
    for j in range(w.size):
        m[j] = m[j] * momentum - g[j] * rate
        w[j] = w[j] * decay + (m[j] * momentum - g[j] * rate if nesterov else m[j])


@compiled
def _rmsprop(w: Values, g: Values, v: Values, m: Values, constants: Float32s) -> None:
    """RMSprop (Tieleman & Hinton, 2012), not centred, with momentum."""
    decay, rate, rho, one_minus_rho, epsilon, momentum = constants
    for j in range(w.size):
        v[j] = rho * v[j] + one_minus_rho * g[j] * g[j]
        m[j] = momentum * m[j] + rate * g[j] / np.sqrt(v[j] + epsilon)
        w[j] = w[j] * decay - m[j]


@compiled
def _adagrad(w: Values, g: Values, v: Values, constants: Float32s) -> None:
    """Adagrad (Duchi et al., 2011)."""
    decay, rate, epsilon = constants
    for j in range(w.size):
        v[j] += g[j] * g[j]
        w[j] = w[j] * decay - rate * g[j] / np.sqrt(v[j] + epsilon)


def _float32s(*numbers: float) -> Float32s:
    return tuple(np.float32(number) for number in numbers)


def _decay_factor(spec: training.Optimizer) -> float:
    """The factor by which decoupled weight decay multiplies each weight in a step."""
    return 1 - spec.learning_rate * (spec.weight_decay or 0)


def _adam_step(spec: training.Adam | training.AdamW, size: int) -> OptimizerStep:
    m, v = np.zeros(size, np.float32), np.zeros(size, np.float32)
    v_max = np.zeros(size if spec.amsgrad else 0, np.float32)
    kernel = _amsgrad if spec.amsgrad else _adam
    steps = 0

    def step(weights: Values, gradients: Values) -> None:
        nonlocal steps
        steps += 1
        # Keras folds both bias corrections into the learning rate.
        rate = spec.learning_rate * math.sqrt(1 - spec.beta_2**steps) / (1 - spec.beta_1**steps)
        constants = _float32s(_decay_factor(spec), rate, 1 - spec.beta_1, 1 - spec.beta_2, spec.epsilon)
        kernel(weights, gradients, m, v, v_max, constants)

    return step


def _sgd_step(spec: training.SGD, size: int) -> OptimizerStep:
    m, constants = np.zeros(size, np.float32), _float32s(_decay_factor(spec), spec.learning_rate, spec.momentum)
    nesterov = spec.nesterov and spec.momentum > 0
    return lambda weights, gradients: _sgd(weights, gradients, m, constants, nesterov)


def _rmsprop_step(spec: training.RMSprop, size: int) -> OptimizerStep:
    v, m = np.zeros(size, np.float32), np.zeros(size, np.float32)
    constants = _float32s(_decay_factor(spec), spec.learning_rate, spec.rho, 1 - spec.rho, spec.epsilon, spec.momentum)
    return lambda weights, gradients: _rmsprop(weights, gradients, v, m, constants)


def _adagrad_step(spec: training.Adagrad, size: int) -> OptimizerStep:
    v = np.full(size, spec.initial_accumulator_value, np.float32)
    constants = _float32s(_decay_factor(spec), spec.learning_rate, spec.epsilon)
    return lambda weights, gradients: _adagrad(weights, gradients, v, constants)


_STEPS: dict[str, Callable[..., OptimizerStep]] = {
    "adam": _adam_step,
    "adamw": _adam_step,
    "sgd": _sgd_step,
    "rmsprop": _rmsprop_step,
    "adagrad": _adagrad_step,
}


def supports_optimizer(spec: training.Optimizer) -> bool:
    """Whether there is a kernel for the optimizer: not with moving averages of weights, nor for a centred RMSprop."""
    return spec.name in _STEPS and not spec.use_ema and not getattr(spec, "centered", False)


def optimizer_step(spec: training.Optimizer, variables: Sequence[slice], size: int) -> OptimizerStep:
    """A function (weights, gradients) that clips the gradients and updates the weights; both (size,) float32, in place.

    `variables` are the slices of Keras' variables, for `clipnorm`, which is per variable.
    """
    step, clip = _STEPS[spec.name](spec, size), _clipper(spec, variables)

    def clip_and_step(weights: Values, gradients: Values) -> None:
        clip(gradients)
        step(weights, gradients)

    return clip_and_step


def _clipper(spec: training.Optimizer, variables: Sequence[slice]) -> Callable[[Values], object]:
    """A function that clips flat gradients in place by the spec's one clipping option, if it has any."""
    if spec.clipvalue is not None:
        bound = spec.clipvalue
        return lambda gradients: np.clip(gradients, -bound, bound, out=gradients)
    max_norm = spec.clipnorm if spec.clipnorm is not None else spec.global_clipnorm
    if max_norm is None:
        return lambda gradients: None
    slices = variables if spec.clipnorm is not None else [slice(None)]
    return lambda gradients: _clip_norms(gradients, slices, max_norm)


def _clip_norms(gradients: Values, slices: Sequence[slice], max_norm: float) -> None:
    """Scale each slice of the gradients whose Euclidean norm exceeds `max_norm` down to it."""
    for part in slices:
        norm = float(np.linalg.norm(gradients[part]))
        if norm > max_norm:
            gradients[part] *= np.float32(max_norm / norm)
