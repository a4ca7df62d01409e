"""Environment variables, read as numbers, flags and lists; a wrong value is reported in one sentence."""

from __future__ import annotations

import os

# Whole numbers: (default, minimum). The README's table describes them.
NUMBERS = {
    "QUEST_LEASE_SECONDS": (60, 1),
    "QUEST_REAP_SECONDS": (15, 1),
    "QUEST_SOFT_SHUTDOWN_SECONDS": (60, 0),
    "QUEST_TOKEN_RATE": (3000, 0),
    "QUEST_GROUP_RATE": (6000, 0),
    "QUEST_WEB_THREADS": (8, 1),
    "QUEST_SLOTS": (0, 0),
    "QUEST_WATTS_PER_CORE": (0, 0),
}


class InvalidVariable(ValueError):
    """An environment variable has an invalid value; the message is one sentence."""


def number(name: str) -> int:
    """The value of a variable in NUMBERS, or its default if it is not set. Raises InvalidVariable."""
    default, minimum = NUMBERS[name]
    value = os.environ.get(name, "").strip() or str(default)
    if not (value.isascii() and value.isdigit()) or int(value) < minimum:
        raise InvalidVariable(f"{name} must be a whole number of at least {minimum}, not {value!r}.")
    return int(value)


def check() -> None:
    """Raise InvalidVariable for the first variable in NUMBERS with an invalid value."""
    for name in NUMBERS:
        number(name)


def flag(name: str, *, default: bool = False) -> bool:
    return os.environ.get(name, str(int(default))).strip().lower() in {"1", "true", "yes", "on"}


def words(name: str) -> list[str]:
    """The words of a list separated by commas or spaces."""
    return os.environ.get(name, "").replace(",", " ").split()
