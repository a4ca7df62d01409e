"""Settings as environment variables give them; what is no number is said in a sentence."""

from __future__ import annotations

import os

# Whole numbers, with their defaults and the least that makes sense; the README's table says what each is.
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


class WrongValue(ValueError):
    """A variable that cannot be what it says, in one sentence."""


def number(name: str) -> int:
    """The value of a variable in NUMBERS, or its default where it is not set. Raises WrongValue."""
    default, least = NUMBERS[name]
    said = os.environ.get(name, "").strip() or str(default)
    if not (said.isascii() and said.isdigit()) or int(said) < least:
        raise WrongValue(f"{name} is a whole number from {least} on, not {said!r}.")
    return int(said)


def check() -> None:
    """Raises WrongValue for the first variable that is none of the numbers it can be."""
    for name in NUMBERS:
        number(name)


def flag(name: str, *, default: bool = False) -> bool:
    return os.environ.get(name, str(int(default))).strip().lower() in {"1", "true", "yes", "on"}


def words(name: str) -> list[str]:
    """The words of a list, which commas or spaces part."""
    return os.environ.get(name, "").replace(",", " ").split()
