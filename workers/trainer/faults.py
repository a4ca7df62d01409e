"""Decides whether the model or the worker is to blame for an error in a trainer.

The model: errors from its parameters, its construction or its `fit`. They would only happen again.
The worker: errors in anything that every model needs (libraries, data, a GPU). Also, wherever it is raised, a failed
import, or a file, socket or process that the system refuses: no model here opens one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from workers.probes import hardware
from workers.processes.protocol import DEVICE, FailureKind, Unfit

# TensorFlow's own error has no common base with Python's.
MEMORY_ERRORS = {"MemoryError", "ResourceExhaustedError", "_ArrayMemoryError"}


@contextmanager
def what_any_model_needs() -> Iterator[None]:
    """Blame the worker for any error in here but a lack of memory."""
    try:
        yield
    except Exception as error:
        if kind_of(error) == "memory":
            raise
        raise Unfit(_type_and_text(error)) from error


def kind_of(error: Exception) -> FailureKind:
    """`memory`: the process ran out of it; `platform`: the worker is to blame; `error`: the model is."""
    if type(error).__name__ in MEMORY_ERRORS or getattr(error, "errno", None) == errno.ENOMEM:
        return "memory"
    if isinstance(error, (Unfit, ImportError, OSError)) or _gpu_lost():
        return "platform"
    return "error"


def message_of(error: Exception) -> str:
    """The error's type and text; of Unfit the text alone, which is a sentence."""
    return str(error) if isinstance(error, Unfit) and str(error) else _type_and_text(error)


def _type_and_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip(" :")


def _gpu_lost() -> bool:
    """TensorFlow has many errors for a GPU that is gone, so this asks the driver."""
    return os.environ.get(DEVICE) == "gpu" and not hardware.gpu_answers()
