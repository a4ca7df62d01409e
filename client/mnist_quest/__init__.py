"""Submit models to an MNIST Search Quest from a notebook or a terminal, and follow their runs."""

from mnist_quest.errors import (
    CannotReach,
    ClientTooOld,
    NotExpressible,
    NotSignedIn,
    QuestError,
    QuestWarning,
    Refused,
    RunFailed,
    ServiceTrouble,
    TryLater,
)
from mnist_quest.models import notation
from mnist_quest.quest import Quest
from mnist_quest.run import Run

__version__ = "0.1.0"

__all__ = [
    "CannotReach",
    "ClientTooOld",
    "NotExpressible",
    "NotSignedIn",
    "Quest",
    "QuestError",
    "QuestWarning",
    "Refused",
    "Run",
    "RunFailed",
    "ServiceTrouble",
    "TryLater",
    "notation",
]
