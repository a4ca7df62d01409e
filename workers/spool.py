"""Results on disk, from before they are written to the database until they are: an outage loses none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from submissions import leases
from submissions.models import Attempt
from submissions.moves import MoveRefused

logger = structlog.get_logger(__name__)


def _home() -> Path:
    return Path(settings.QUEST_HOME) / "spool"


def keep(attempt: Attempt, result: dict[str, Any]) -> Path | None:
    """Write `result` down; None if the disk does not take it, which is no reason not to score it."""
    path = _home() / f"{attempt.lease}.json"
    unfinished = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(result))
        os.replace(unfinished, path)
    except OSError as error:
        logger.warning("result not spooled", error=str(error))
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        return None
    return path


def drop(path: Path | None) -> None:
    if path:
        path.unlink(missing_ok=True)


def _left_over() -> Iterator[tuple[Path, Attempt | None]]:
    for path in sorted(_home().glob("*.json")):
        yield path, Attempt.objects.select_related("worker").filter(lease=path.stem).first()


def deliver() -> int:
    """Score what a worker that died had spooled and not yet written, if its lease still stands; how many."""
    delivered = 0
    for path, attempt in _left_over():
        try:
            if attempt:
                leases.finish(attempt, json.loads(path.read_text()))
                delivered += 1
        except (MoveRefused, FileNotFoundError):
            logger.info("spooled result came too late", lease=path.stem)
        except (ValueError, KeyError):
            logger.warning("spooled result cannot be read", lease=path.stem)
        path.unlink(missing_ok=True)
    return delivered
