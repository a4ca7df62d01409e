"""The data files of a quest's archive: ranking, scores and the quest itself, with public information only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from leaderboard.exports import tables
from leaderboard.ranking import queries
from leaderboard.ranking.rows import HEAVY_RUN_COLUMNS, with_runs
from submissions.models import Quest, Submission
from submissions.quests.readers import public_submissions
from submissions.quests.visibility import Visibility

CHUNK = 200
_PERSONAL = ("submitter", "reason")
_MODEL = ("model", "parameters", "spec")
_DEFERRED = [f"score__attempt__{name}" for name in HEAVY_RUN_COLUMNS if name != "versions"]
COLUMNS = tuple(name for name in tables.COLUMNS if name not in _PERSONAL)
RANKED_COLUMNS = ("rank", "ranked_score", *COLUMNS)


def scores(visibility: Visibility) -> QuerySet[Submission]:
    """Every score in the feed, oldest first, with its run, mistakes and configuration."""
    rows = with_runs(public_submissions(visibility)).select_related("score__attempt__hardware")
    return rows.defer(None).defer(*_DEFERRED).order_by("pk")


def data_files(visibility: Visibility) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The name and content of each data file."""
    quest, every = visibility.quest, scores(visibility)
    ranking = with_runs(queries.board(quest, visibility=visibility))
    ranked = (public(tables.ranked(row), row, visibility) for row in _rows(ranking))
    yield "data/quest.json", [json.dumps(facts(quest), ensure_ascii=False, indent=2).encode()]
    yield "data/ranking.csv", _csv(ranked, RANKED_COLUMNS)
    yield "data/scores.csv", _csv((public(tables.record(row), row, visibility) for row in _rows(every)), COLUMNS)
    yield "data/scores.json", _json(public(tables.with_spec(row), row, visibility) for row in _rows(every))


def public(record: tables.Record, row: Submission, visibility: Visibility) -> tables.Record:
    """An exported row with public information only: no persons, and no model that is still hidden."""
    hidden = () if visibility.shows_model(row) else _MODEL
    columns = {name: None if name in hidden else value for name, value in record.items() if name not in _PERSONAL}
    return columns | {"group": visibility.name(row.group)}


def facts(quest: Quest) -> tables.Record:
    """The quest's settings; times in its own zone."""
    times = {name: getattr(quest, name) for name in ("opens_at", "closes_at")}
    return {
        "name": quest.name,
        "course": str(quest.course),
        "data_set": quest.dataset,
        "private_share": quest.private_share,
        "split_seed": quest.split_seed,
        **{name: at.astimezone(quest.zone).isoformat(timespec="seconds") if at else None for name, at in times.items()},
        "time_zone": quest.time_zone,
        "final_runs": quest.final_runs,
        "engine_policy": quest.engine_policy,
        "exclusive": quest.exclusive,
        "pseudonyms": quest.pseudonyms,
    }


def _rows(rows: QuerySet[Submission]) -> Iterator[Submission]:
    return rows.iterator(chunk_size=CHUNK)


def _csv(records: Iterable[tables.Record], columns: tuple[str, ...]) -> Iterator[bytes]:
    return (line.encode() for line in tables.csv_lines(records, columns))


def _json(records: Iterable[tables.Record]) -> Iterator[bytes]:
    return (line.encode() for line in tables.json_lines(records))
