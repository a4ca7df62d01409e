"""A run's queries to a database that may answer, be away, hang or refuse."""

from __future__ import annotations

import time
from collections.abc import Callable
from traceback import format_exception
from typing import Any

import structlog
from django.conf import settings
from django.db import Error as DatabaseError  # InterfaceError, raised for a cut connection, is not a DatabaseError
from django.db import InterfaceError, OperationalError, connections

from submissions.models import Attempt, Exit
from submissions.queue import leases
from submissions.queue.lifecycle import MoveRefused
from workers.supervisor import database_timeout
from workers.supervisor.registration import heartbeat_if_overdue

logger = structlog.get_logger(__name__)
RETRY_SECONDS = 1.0  # between two queries to a database that did not answer
NOT_SAVED = "Its result could not be saved (%s): a fault of the service, which does not count towards your quota."


class Fenced(Exception):
    """The lease is no longer ours, so nothing that we know may be written."""


class Interval:
    """`due()` is true once in each `seconds`: the first time at once (`first`), or after the first interval."""

    def __init__(self, seconds: float, *, first: bool = False) -> None:
        self.seconds = seconds
        self.due_at = time.monotonic() + (0 if first else seconds)

    def due(self) -> bool:
        if time.monotonic() < self.due_at:
            return False
        self.due_at = time.monotonic() + self.seconds
        return True


class LeaseKeeper:
    """The lease of an attempt, from its claim to its end."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.renewal = Interval(settings.HEARTBEAT_SECONDS)
        self.retry_at = time.monotonic()

    def renew_if_due(self) -> None:
        """Renew the lease if it is time. Raises Fenced if it is no longer ours.

        A database that does not answer is not fencing, however long it is away: only the lease's row decides. Until it
        is back nobody else can take the run, and then the reaper lets us renew first.
        """
        if not self.renewal.due():
            return
        ours = self.try_query(lambda: leases.renew(self.attempt))
        if ours:
            self.try_query(heartbeat_if_overdue)
        elif ours is False:
            raise Fenced
        else:
            self.renewal.due_at = self.retry_at

    def try_query(self, query: Callable[[], Any]) -> Any:
        """The answer to `query`, or None if there was none. The next query then waits for as long as this one took."""
        asked = time.monotonic()
        if asked < self.retry_at:
            return None
        try:
            with database_timeout.limited():
                return query()
        except DatabaseError as error:
            logger.warning("database does not answer", error=str(error))
            connections.close_all()
            self.retry_at = time.monotonic() + max(RETRY_SECONDS, time.monotonic() - asked)
            return None

    def persist(self, write: Callable[[], object]) -> bool:
        """Do `write`, which ends the run, however long the database is away. Raises Fenced if the lease was lost.

        False if the database is there and refuses it: the run then ends as lost, without cost to the group.
        """
        try:
            self._retry_until_written(write)
        except DatabaseError as error:
            logger.exception("end of run cannot be written")
            connections.close_all()
            reason = NOT_SAVED % type(error).__name__
            traceback = "".join(format_exception(error)).replace("\0", "\ufffd")
            self._retry_until_written(
                lambda: leases.fail(self.attempt, exit_=Exit.LOST, reason=reason, traceback=traceback)
            )
            return False
        return True

    def _retry_until_written(self, write: Callable[[], object]) -> None:
        """Retry while the database is away, and renew the lease between two tries: it may accept that already."""
        while True:
            try:
                write()
                return
            except MoveRefused as refused:
                raise Fenced from refused
            except (OperationalError, InterfaceError) as error:
                logger.warning("end of run not written yet", error=str(error))
                connections.close_all()
                time.sleep(RETRY_SECONDS)
            self.renew_if_due()
