"""What can go wrong, each in a sentence for the person who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_quest.run import Run


class QuestError(Exception):
    """Anything that this client raises by itself."""


class QuestWarning(UserWarning):
    """The service read the model, and left something aside that changes its score."""


class CannotReach(QuestError):
    """No connection, or something else answers at that address. `passing`: it may be gone in a moment."""

    passing = False


class ServiceTrouble(QuestError):
    """The service answers, but with an error of its own."""


class NotSignedIn(QuestError):
    """There is no token, or the service does not take it."""


class ClientTooOld(QuestError):
    """The service asks for a newer version of this package."""


class NotExpressible(QuestError, ValueError):
    """A model, or a value in it, that cannot be written as notation; nothing was sent."""


class Refused(QuestError):
    """The service refused what it was sent; `errors` has a (field, message) for each reason."""

    def __init__(self, errors: Sequence[tuple[str, str]], status: int) -> None:
        self.errors = list(errors)
        self.status = status
        super().__init__("\n".join(f"{field}: {message}" if field else message for field, message in self.errors))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.errors, self.status)


class TryLater(Refused):
    """The quota is used up, or requests came too fast; `retry_after` is in seconds, where the service says it."""

    def __init__(self, errors: Sequence[tuple[str, str]], status: int = 429, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(errors, status)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.errors, self.status, self.retry_after)


class RunFailed(QuestError):
    """The run ended without a score; `run` has its state and reason."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(run.told())
