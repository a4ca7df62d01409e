"""Keras code about training as a network's spec: compile, fit with its callbacks, and the global settings."""

from __future__ import annotations

import ast
from typing import Any

from submissions.notation.draft import Draft, Use
from submissions.notation.keras_names import check_only, snake, word
from submissions.notation.literals import NotationError, Text, refuse
from submissions.specs.training import OPTIMIZERS, EarlyStopping

COMPILE = ("optimizer", "loss", "loss_weights", "metrics")
COMPILE_ASIDE = ("metrics", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss")
FIT = (
    "x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle",
    "class_weight", "sample_weight", "initial_epoch", "steps_per_epoch", "validation_steps", "validation_batch_size",
    "validation_freq",
)  # fmt: skip
FIT_FIELDS = ("epochs", "batch_size", "validation_split")
FIT_ASIDE = (
    "validation_data", "validation_steps", "validation_batch_size", "validation_freq", "workers",
    "use_multiprocessing", "max_queue_size",
)  # fmt: skip
FIT_ONLY: dict[str, tuple[object, ...]] = {
    "shuffle": (True,), "initial_epoch": (0,), "steps_per_epoch": (None,),
}  # fmt: skip
FIT_WEIGHTS = ("class_weight", "sample_weight")
LOSSES = {"mse": "mean_squared_error"}
OPTIMIZER_RENAMED = {"lr": "learning_rate"}
STOPPING = (
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
WATCHING = frozenset({"ModelCheckpoint", "TensorBoard", "History", "CSVLogger", "ProgbarLogger", "BackupAndRestore"})


def read_compile(text: Text, call: ast.Call, draft: Draft) -> None:
    given = check_only(text, text.arguments(call, COMPILE), {"loss_weights": (None,)})
    for name, node in given.items():
        if name == "optimizer":
            draft.data["optimizer"] = _optimizer(text, node, draft)
        elif name == "loss":
            draft.data["loss"] = _loss(text, node, draft)
        elif name in COMPILE_ASIDE:
            draft.leave(node.lineno, name)
        else:
            refuse(node, f"{name} is not offered in compile: leave it out.", name)


def read_fit(text: Text, call: ast.Call, draft: Draft) -> None:
    """What fit says of the training; the data that it names is the quest's in any case."""
    given = check_only(text, text.arguments(call, FIT), FIT_ONLY)
    for name, node in given.items():
        if name in FIT_FIELDS:
            draft.data[name] = text.literal(node)
            draft.lines[name] = node.lineno
        elif name in FIT_WEIGHTS:
            if not _is_none(text, node):
                draft.leave(node.lineno, name, "every image counts the same here")
        elif name == "callbacks":
            _callbacks(text, node, draft)
        elif name in FIT_ASIDE:
            draft.leave(node.lineno, name)
        elif name not in ("x", "y"):
            refuse(node, f"{name} is not offered in fit: leave it out.", name)
    if "validation_data" in given and "validation_split" not in given:
        _refuse_unwatched(draft)


def _refuse_unwatched(draft: Draft) -> None:
    """Early stopping by images that are set aside with `validation_data`."""
    stopping = draft.data.get("early_stopping")
    monitor = stopping.get("monitor", EarlyStopping().monitor) if stopping is not None else ""
    if str(monitor).startswith("val_"):
        why = "validation_data is left aside, so nothing is there to watch: give validation_split=0.1, which is offered"
        line = draft.lines["early_stopping"]
        raise NotationError.of("early_stopping", f"Line {line}: EarlyStopping watches {monitor}, but {why}.")


def read_setting(text: Text, use: Use, draft: Draft) -> None:
    """`keras.utils.set_random_seed(7)` and `keras.mixed_precision.set_global_policy('mixed_float16')`."""
    name = "seed" if "seed" in use.name else "precision"
    given = text.arguments(use.call, (name,))
    if list(given) != [name]:
        refuse(use.call, f"{use.name} takes one value.", name)
    draft.data[name] = text.literal(given[name])
    draft.lines[name] = use.call.lineno


def _optimizer(text: Text, node: ast.expr, draft: Draft) -> dict[str, Any]:
    draft.lines["optimizer"] = node.lineno
    call = text.resolve(node)
    name = (text.called(call) if isinstance(call, ast.Call) else word(text, call) or "").lower().replace("_", "")
    if name not in OPTIMIZERS:
        refuse(call, f"the optimizer {name!r} is not offered: there are {', '.join(OPTIMIZERS)}.", "optimizer")
    kind, data = OPTIMIZERS[name], {"name": name}
    if isinstance(call, ast.Call):
        given = check_only(text, text.arguments(call, kind.POSITIONAL), {})
        data |= _values(
            text, {OPTIMIZER_RENAMED.get(key, key): value for key, value in given.items()}, "optimizer", draft
        )
    return data


def _loss(text: Text, node: ast.expr, draft: Draft) -> dict[str, Any]:
    draft.lines["loss"] = node.lineno
    call = text.resolve(node)
    if not isinstance(call, ast.Call):
        written = word(text, call) or ""
        return {"name": LOSSES.get(written, written)}
    given = check_only(
        text, text.arguments(call, ("from_logits",)), {"axis": (-1,), "reduction": ("sum_over_batch_size", "auto")}
    )
    return {"name": snake(text.called(call)), **_values(text, given, "loss", draft)}


def _callbacks(text: Text, node: ast.expr, draft: Draft) -> None:
    if _is_none(text, node):
        return
    listed = text.resolve(node)
    for item in listed.elts if isinstance(listed, ast.List | ast.Tuple) else [listed]:
        call = text.resolve(item)
        name = text.called(call) if isinstance(call, ast.Call) else ""
        if name in WATCHING:
            draft.leave(item.lineno, name)
        elif name == "EarlyStopping" and isinstance(call, ast.Call):
            _early_stopping(text, call, draft)
        else:
            draft.leave(item.lineno, name or "a callback", "of callbacks there is EarlyStopping alone")


def _is_none(text: Text, node: ast.expr) -> bool:
    value = text.resolve(node)
    return isinstance(value, ast.Constant) and value.value is None


def _early_stopping(text: Text, call: ast.Call, draft: Draft) -> None:
    if "early_stopping" in draft.data:
        refuse(call, "there is a second EarlyStopping.", "early_stopping")
    draft.lines["early_stopping"] = call.lineno
    given = text.arguments(call, STOPPING)
    monitor = text.literal(given["monitor"]) if "monitor" in given else EarlyStopping().monitor
    mode = "max" if "acc" in str(monitor) else "min"
    given = check_only(text, given, {"mode": ("auto", mode), "baseline": (None,), "start_from_epoch": (0,)})
    data = _values(text, given, "early_stopping", draft)
    if isinstance(monitor, str) and "monitor" in data:
        data["monitor"] = MONITORS.get(monitor, monitor)
    draft.data["early_stopping"] = data


def _values(text: Text, given: dict[str, ast.expr], field: str, draft: Draft) -> dict[str, Any]:
    draft.lines.update({f"{field}.{name}": node.lineno for name, node in given.items()})
    return {name: text.literal(node) for name, node in given.items()}
