"""What a run asks of the database and writes to it, whether that answers, is away, hangs or refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from traceback import format_exception
from typing import Any

import structlog
from django.conf import settings
from django.db import Error as DatabaseError  # InterfaceError, of a connection that was cut, is no DatabaseError
from django.db import InterfaceError, OperationalError, connections

from submissions.models import Attempt, Exit
from submissions.queue import leases
from submissions.queue.lifecycle import MoveRefused
from workers.supervisor import database_timeout
from workers.supervisor.registration import heartbeat

logger = structlog.get_logger(__name__)
RETRY_SECONDS = 1.0  # between two questions to a database that did not answer
NOT_WRITTEN = "Its end could not be written down (%s): a fault of the service, which does not count towards your quota."


class Fenced(Exception):
    """The lease is no longer ours: whatever we know must not be written."""


class Interval:
    """True once in each `seconds`, the first time at once or after the first interval."""

    def __init__(self, seconds: float, *, first: bool = False) -> None:
        self.seconds = seconds
        self.next = time.monotonic() + (0 if first else seconds)

    def due(self) -> bool:
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + self.seconds
        return True


class LeaseKeeper:
    """The lease of an attempt, from its claim to its end."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.heart = Interval(settings.HEARTBEAT_SECONDS)
        self.ask_again = time.monotonic()

    def beat(self) -> None:
        """Renew the lease where that is due. Raises Fenced if it is no longer ours.

        A database that does not answer is not fencing, however long: the lease's row alone tells. While it is away
        nobody else takes the run, and when it is back the reaper lets us renew first.
        """
        if not self.heart.due():
            return
        ours = self.ask(lambda: leases.renew(self.attempt))
        if ours:
            self.ask(heartbeat)
        elif ours is False:
            raise Fenced
        else:
            self.heart.next = self.ask_again

    def ask(self, act: Callable[[], Any]) -> Any:
        """What `act` gives, or None if the database did not answer; it is left alone then for as long as that took."""
        asked = time.monotonic()
        if asked < self.ask_again:
            return None
        try:
            with database_timeout.at_most():
                return act()
        except DatabaseError as error:
            logger.warning("database does not answer", error=str(error))
            connections.close_all()
            self.ask_again = time.monotonic() + max(RETRY_SECONDS, time.monotonic() - asked)
            return None

    def persist(self, act: Callable[[], object]) -> bool:
        """Do `act`, however long the database is away; False if it takes everything but this, which ends the run too.

        Raises Fenced if the lease was taken from us.
        """
        try:
            self._insist(act)
        except DatabaseError as error:
            logger.exception("end of run cannot be written")
            connections.close_all()
            reason = NOT_WRITTEN % type(error).__name__
            told = "".join(format_exception(error)).replace("\0", "\ufffd")
            self._insist(lambda: leases.fail(self.attempt, exit_=Exit.LOST, reason=reason, traceback=told))
            return False
        return True

    def _insist(self, act: Callable[[], object]) -> None:
        """Again and again while the database is away, and beat the heart meanwhile: it may take that already."""
        while True:
            try:
                act()
                return
            except MoveRefused as refused:
                raise Fenced from refused
            except (OperationalError, InterfaceError) as error:
                logger.warning("end of run not written yet", error=str(error))
                connections.close_all()
                time.sleep(RETRY_SECONDS)
            self.beat()
