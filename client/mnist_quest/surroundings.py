"""Whether this is a notebook, a terminal or neither, and how to say something there."""

from __future__ import annotations

import sys
from typing import Any, TextIO


def in_notebook() -> bool:
    """Jupyter, Colab and their like: an IPython that shows HTML, unlike the one in a terminal."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and hasattr(ipython, "get_ipython") else None
    return hasattr(shell, "kernel")


def say(sentence: str, to: TextIO | None = None) -> None:
    """Tell the person; in a terminal beside what a program prints, not in it."""
    stream = to or (sys.stdout if in_notebook() else sys.stderr)
    stream.write(sentence + "\n")
    stream.flush()
