"""The errors that this client raises; each message is for the person who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_quest.run import Run


class QuestError(Exception):
    """Base class of all errors of this client."""


class QuestWarning(UserWarning):
    """The service ignored lines of the model that may change its score."""


class CannotReach(QuestError):
    """There is no connection, or another service answers at that address. `passing`: a retry may help."""

    passing = False


class ServiceTrouble(QuestError):
    """The service answered with an internal error."""


class NotSignedIn(QuestError):
    """There is no token, or the service does not accept it."""


class ClientTooOld(QuestError):
    """The service requires a newer version of this package."""


class NotExpressible(QuestError, ValueError):
    """A model, or a value in it, cannot be written as text. Nothing was sent."""


class Refused(QuestError):
    """The service refused the request; `errors` has a (field, message) pair for each reason."""

    def __init__(self, errors: Sequence[tuple[str, str]], status: int) -> None:
        self.errors = list(errors)
        self.status = status
        super().__init__("\n".join(f"{field}: {message}" if field else message for field, message in self.errors))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.errors, self.status)


class TryLater(Refused):
    """The quota is used up, or requests came too fast. `retry_after` is in seconds, or None if unknown."""

    def __init__(self, errors: Sequence[tuple[str, str]], status: int = 429, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(errors, status)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.errors, self.status, self.retry_after)


class RunFailed(QuestError):
    """The run ended without a score; `run.state` and `run.reason` say why."""

    def __init__(self, run: Run) -> None:
        self.run = run
        super().__init__(run.summary())
