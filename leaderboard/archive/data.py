"""The data of a quest's archive: the ranking, every score and the quest itself, as anybody may know them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from leaderboard.exports import tables
from leaderboard.exports.rows import with_runs
from leaderboard.ranking import queries
from submissions.models import Quest, Submission
from submissions.quests.readers import open_to_others
from submissions.quests.visibility import Visibility

CHUNK = 200
_OF_A_PERSON = ("submitter", "reason")
_OF_THE_MODEL = ("model", "parameters", "spec")
_UNSEEN = [f"score__attempt__{name}" for name in ("epochs", "progress", "traceback", "output")]
COLUMNS = tuple(name for name in tables.COLUMNS if name not in _OF_A_PERSON)
RANKED_COLUMNS = ("rank", "ranked_score", *COLUMNS)


def scores(seen: Visibility) -> QuerySet[Submission]:
    """Every score that stands in the feed, with its run, its errors and its configuration, as handed in."""
    rows = with_runs(open_to_others(seen)).select_related("score__attempt__hardware")
    return rows.defer(None).defer(*_UNSEEN).order_by("pk")


def data_files(seen: Visibility) -> Iterator[tuple[str, Iterable[bytes]]]:
    ranking, every = with_runs(queries.board(seen.quest, seen=seen)), scores(seen)
    yield "data/quest.json", [json.dumps(facts(seen.quest), ensure_ascii=False, indent=2).encode()]
    yield "data/ranking.csv", _csv((known(tables.ranked(row), row, seen) for row in _rows(ranking)), RANKED_COLUMNS)
    yield "data/scores.csv", _csv((known(tables.record(row), row, seen) for row in _rows(every)), COLUMNS)
    yield "data/scores.json", _json(known(tables.with_spec(row), row, seen) for row in _rows(every))


def known(record: tables.Record, row: Submission, seen: Visibility) -> tables.Record:
    """What anybody may know of an exported row."""
    hidden = () if seen.shows_model(row) else _OF_THE_MODEL
    told = {name: None if name in hidden else value for name, value in record.items() if name not in _OF_A_PERSON}
    return told | {"group": seen.name(row.group)}


def facts(quest: Quest) -> tables.Record:
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
