"""Keeps a result on disk until the database has it, so that no outage loses one."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from submissions.models import Attempt
from submissions.queue import leases
from submissions.queue.lifecycle import MoveRefused
from workers.processes.protocol import TrainerResult

logger = structlog.get_logger(__name__)


def folder() -> Path:
    return Path(settings.QUEST_HOME) / "spool"


def _file(attempt: Attempt) -> Path:
    return folder() / f"{attempt.lease}.json"


def keep(attempt: Attempt, result: TrainerResult) -> IO[str] | None:
    """Save `result`. Returns the open file, or None if the disk refuses it: the run is scored all the same.

    The file stays locked until the process ends, so that `deliver` of another process leaves it alone.
    """
    path = _file(attempt)
    unfinished = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = unfinished.open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(result))
        file.flush()
        os.replace(unfinished, path)
    except OSError as error:
        logger.warning("result not spooled", error=str(error))
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        return None
    return file


def drop(attempt: Attempt, file: IO[str] | None) -> None:
    if file:
        _file(attempt).unlink(missing_ok=True)
        file.close()


def score_spooled(attempt: Attempt) -> bool:
    """Score the attempt from its saved result; False if it has none. Raises MoveRefused if the lease is lost."""
    path = _file(attempt)
    try:
        result = json.loads(path.read_text())
    except (OSError, ValueError):
        return False
    leases.record_score(attempt, result)
    path.unlink(missing_ok=True)
    return True


def deliver() -> int:
    """Score the results that dead processes left, as far as their leases still hold; returns how many."""
    return sum(_deliver(path) for path in sorted(folder().glob("*.json")))


def _deliver(path: Path) -> bool:
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            attempt = Attempt.objects.select_related("worker").get(lease=UUID(path.stem))
            leases.record_score(attempt, json.load(file))
    except (BlockingIOError, FileNotFoundError):
        return False  # its process lives, and writes it or has written it
    except (OperationalError, InterfaceError) as error:
        logger.warning("spooled result not delivered yet", lease=path.stem, error=str(error))
        connections.close_all()
        return False
    except (MoveRefused, Attempt.DoesNotExist):
        logger.info("spooled result came too late", lease=path.stem)
        path.unlink(missing_ok=True)
        return False
    except Exception as error:  # noqa: BLE001 - a foreign file must not keep a worker from its work
        logger.warning("spooled result cannot be read and is set aside", file=path.name, error=repr(error))
        os.replace(path, path.with_suffix(".unreadable"))
        return False
    path.unlink(missing_ok=True)
    return True
