"""Detects a notebook, and writes messages where the person sees them."""

from __future__ import annotations

import sys
from typing import Any, TextIO


def in_notebook() -> bool:
    """Whether this is Jupyter, Colab or similar: an IPython that shows HTML, unlike IPython in a terminal."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and hasattr(ipython, "get_ipython") else None
    return hasattr(shell, "kernel")


def say(text: str, to: TextIO | None = None) -> None:
    """Write to a notebook's output; elsewhere to standard error, so that a program's own output stays clean."""
    stream = to or (sys.stdout if in_notebook() else sys.stderr)
    stream.write(text + "\n")
    stream.flush()
