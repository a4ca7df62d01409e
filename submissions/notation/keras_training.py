"""Reads how a network is trained: compile, fit with its callbacks, and the global settings."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Any

from submissions.notation.draft import Draft, Use
from submissions.notation.keras_names import check_only, snake, word
from submissions.notation.literals import NotationError, Text, refuse
from submissions.specs.training import OPTIMIZERS, EarlyStopping

COMPILE = ("optimizer", "loss", "loss_weights", "metrics")
COMPILE_IGNORED = (
    "metrics",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
    "auto_scale_loss",
)
FIT = (
    "x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle",
    "class_weight", "sample_weight", "initial_epoch", "steps_per_epoch", "validation_steps", "validation_batch_size",
    "validation_freq",
)  # fmt: skip
FIT_FIELDS = ("epochs", "batch_size", "validation_split")
FIT_IGNORED = (
    "validation_data", "validation_steps", "validation_batch_size", "validation_freq", "workers",
    "use_multiprocessing", "max_queue_size",
)  # fmt: skip
FIT_ONLY: dict[str, tuple[object, ...]] = {
    "shuffle": (True,), "initial_epoch": (0,), "steps_per_epoch": (None,),
}  # fmt: skip
FIT_WEIGHTS = ("class_weight", "sample_weight")
LOSSES = {"mse": "mean_squared_error"}
OPTIMIZER_RENAMED = {"lr": "learning_rate"}
EARLY_STOPPING = (
    "monitor",
    "min_delta",
    "patience",
    "verbose",
    "mode",
    "baseline",
    "restore_best_weights",
    "start_from_epoch",
)
MONITORS = {"val_acc": "val_accuracy", "acc": "accuracy"}
OBSERVERS = frozenset({"ModelCheckpoint", "TensorBoard", "History", "CSVLogger", "ProgbarLogger", "BackupAndRestore"})


def read_compile(text: Text, call: ast.Call) -> Draft:
    given = check_only(text, text.arguments(call, COMPILE), {"loss_weights": (None,)})
    return _joined(_compile_argument(text, name, node) for name, node in given.items())


def _compile_argument(text: Text, name: str, node: ast.expr) -> Draft:
    if name == "optimizer":
        return _optimizer(text, node)
    if name == "loss":
        return _loss(text, node)
    if name in COMPILE_IGNORED:
        return Draft.ignoring(node.lineno, name)
    refuse(node, f"{name} is not supported in compile: remove it.", name)


def read_fit(text: Text, call: ast.Call) -> Draft:
    """The training parameters of fit. The data that it names is the quest's in any case."""
    given = check_only(text, text.arguments(call, FIT), FIT_ONLY)
    draft = _joined(_fit_argument(text, name, node) for name, node in given.items())
    if "validation_data" in given and "validation_split" not in given:
        _refuse_unmonitored(draft)
    return draft


def _fit_argument(text: Text, name: str, node: ast.expr) -> Draft:
    if name in FIT_FIELDS:
        return Draft({name: text.literal(node)}, {name: node.lineno})
    if name in FIT_WEIGHTS:
        why = "all images have the same weight here"
        return Draft() if _is_none(text, node) else Draft.ignoring(node.lineno, name, why)
    if name == "callbacks":
        return _callbacks(text, node)
    if name in FIT_IGNORED:
        return Draft.ignoring(node.lineno, name)
    if name in ("x", "y"):
        return Draft()
    refuse(node, f"{name} is not supported in fit: remove it.", name)


def _joined(drafts: Iterable[Draft]) -> Draft:
    return reduce(or_, drafts, Draft())


def _refuse_unmonitored(draft: Draft) -> None:
    """Refuses early stopping that monitors the images of `validation_data`, which is ignored."""
    stopping = draft.data.get("early_stopping")
    monitor = stopping.get("monitor", EarlyStopping().monitor) if stopping is not None else ""
    if str(monitor).startswith("val_"):
        why = "validation_data is ignored, so there is nothing to monitor: use validation_split=0.1 instead"
        line = draft.lines["early_stopping"]
        raise NotationError.of("early_stopping", f"Line {line}: EarlyStopping monitors {monitor}, but {why}.")


def read_setting(text: Text, use: Use) -> Draft:
    """Reads `keras.utils.set_random_seed(7)` and `keras.mixed_precision.set_global_policy('mixed_float16')`."""
    name = "seed" if "seed" in use.name else "precision"
    given = text.arguments(use.call, (name,))
    if list(given) != [name]:
        refuse(use.call, f"{use.name} takes one value.", name)
    return Draft({name: text.literal(given[name])}, {name: use.call.lineno})


def _optimizer(text: Text, node: ast.expr) -> Draft:
    call = text.resolve(node)
    name = (text.called(call) if isinstance(call, ast.Call) else word(text, call) or "").lower().replace("_", "")
    if name not in OPTIMIZERS:
        refuse(call, f"the optimizer {name!r} is not supported: use {', '.join(OPTIMIZERS)}.", "optimizer")
    given = (
        check_only(text, text.arguments(call, OPTIMIZERS[name].POSITIONAL), {}) if isinstance(call, ast.Call) else {}
    )
    renamed = {OPTIMIZER_RENAMED.get(key, key): value for key, value in given.items()}
    return _part(text, "optimizer", node, renamed, name=name)


def _loss(text: Text, node: ast.expr) -> Draft:
    call = text.resolve(node)
    if not isinstance(call, ast.Call):
        written = word(text, call) or ""
        return _part(text, "loss", node, {}, name=LOSSES.get(written, written))
    given = check_only(
        text, text.arguments(call, ("from_logits",)), {"axis": (-1,), "reduction": ("sum_over_batch_size", "auto")}
    )
    return _part(text, "loss", node, given, name=snake(text.called(call)))


def _callbacks(text: Text, node: ast.expr) -> Draft:
    if _is_none(text, node):
        return Draft()
    listed = text.resolve(node)
    draft = Draft()
    for item in listed.elts if isinstance(listed, ast.List | ast.Tuple) else [listed]:
        call = text.resolve(item)
        name = text.called(call) if isinstance(call, ast.Call) else ""
        if name == "EarlyStopping" and isinstance(call, ast.Call):
            if "early_stopping" in draft.data:
                refuse(call, "there is a second EarlyStopping.", "early_stopping")
            draft |= _early_stopping(text, call)
        else:
            why = "" if name in OBSERVERS else "EarlyStopping is the only supported callback"
            draft |= Draft.ignoring(item.lineno, name or "a callback", why)
    return draft


def _is_none(text: Text, node: ast.expr) -> bool:
    value = text.resolve(node)
    return isinstance(value, ast.Constant) and value.value is None


def _early_stopping(text: Text, call: ast.Call) -> Draft:
    given = text.arguments(call, EARLY_STOPPING)
    monitor = text.literal(given["monitor"]) if "monitor" in given else EarlyStopping().monitor
    mode = "max" if "acc" in str(monitor) else "min"
    given = check_only(text, given, {"mode": ("auto", mode), "baseline": (None,), "start_from_epoch": (0,)})
    draft = _part(text, "early_stopping", call, given)
    if isinstance(monitor, str) and "monitor" in given:
        draft.data["early_stopping"]["monitor"] = MONITORS.get(monitor, monitor)
    return draft


def _part(text: Text, field: str, place: ast.expr, given: Mapping[str, ast.expr], **data: Any) -> Draft:
    """A field that holds an object, from the arguments of its constructor."""
    values = {name: text.literal(node) for name, node in given.items()}
    lines = {f"{field}.{name}": node.lineno for name, node in given.items()}
    return Draft({field: data | values}, {field: place.lineno} | lines)
