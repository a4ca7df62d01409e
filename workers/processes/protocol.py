"""The protocol between supervisor and trainer: JSON lines on stdin and stdout, and the environment."""

from __future__ import annotations

from typing import Any

# What the trainer is granted, told by environment since the libraries read it as they load: what every run has that
# is not granted something else, and the most that a run may be granted of libraries which can be told anew.
DEVICE, THREADS = "QUEST_DEVICE", "QUEST_THREADS"


Message = dict[str, Any]


class Unfit(Exception):
    """This worker lacks what a run needs; another one may have it."""
