"""Whose fault an error in a trainer is: the model's, or that of the worker it was given to.

A model's own: what its parameters, its build or its fit raise, before or after `started`; it would only happen again.
The worker's: whatever goes wrong in what any model would have needed – libraries, data, a GPU – and, wherever it is
raised, an import that fails or a file, socket or process that the system refuses: no model here opens one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from workers.probes import hardware
from workers.processes.protocol import DEVICE, Unfit

# TensorFlow's own error has no common base with Python's.
MEMORY_ERRORS = {"MemoryError", "ResourceExhaustedError", "_ArrayMemoryError"}


@contextmanager
def what_any_model_needs() -> Iterator[None]:
    """Errors in here are the worker's, of whatever type, but for want of memory."""
    try:
        yield
    except Exception as error:
        if kind_of(error) == "memory":
            raise
        raise Unfit(_named(error)) from error


def kind_of(error: Exception) -> str:
    """`memory`, `platform` or `error`."""
    if type(error).__name__ in MEMORY_ERRORS or getattr(error, "errno", None) == errno.ENOMEM:
        return "memory"
    if isinstance(error, (Unfit, ImportError, OSError)) or _gpu_lost():
        return "platform"
    return "error"


def told(error: Exception) -> str:
    """The error by type and text; what this worker lacks is said in its own words."""
    return str(error) if isinstance(error, Unfit) and str(error) else _named(error)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip(" :")


def _gpu_lost() -> bool:
    """TensorFlow has many errors for a GPU that is gone; the driver is asked itself."""
    return os.environ.get(DEVICE) == "gpu" and not hardware.gpu_answers()
