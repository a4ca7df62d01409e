"""The desk's tables as CSV, JSON and XLSX, row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.text import slugify

from leaderboard.exports.workbook import workbook
from submissions.models import Attempt, Quest, Submission

Record = dict[str, Any]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_MEASURED = ("startup_s", "data_load_s", "preprocess_s", "first_step_s", "train_s", "predict_s", "total_s", "cpu_s")
_CONDITIONS = ("threads_asked", "threads_used", "load_average", "other_runs", "contended", "exclusive")
COLUMNS = (
    *("id", "quest", "data_set", "group", "submitter", "competes", "family", "model", "parameters"),
    *("state", "reason", "score", "correct", "total", "private_score"),
    *("submitted_at", "ranked_at", "finished_at", "time_zone", "rerun_of", "counts", "final", "disqualified"),
    *("attempts", "queue_wait_s", *_MEASURED, "stock_predicted_s", "peak_memory_bytes"),
    *("device", "hardware", "engine", "engine_version", *_CONDITIONS, "energy_joules", "energy_method"),
)
RANKED_COLUMNS = ("rank", "ranked_score", *COLUMNS)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def record(submission: Submission) -> Record:
    """A submission and its last attempt as a flat row: durations in seconds, times in the quest's zone."""
    return _model(submission) | _result(submission) | _times(submission) | _run(submission.last_attempt)


def with_spec(submission: Submission) -> Record:
    """`record` with the whole configuration, for JSON."""
    return record(submission) | {"spec": submission.spec}


def ranked(row: Submission) -> Record:
    """`record` of a row of `queries.board`, with its rank in front."""
    return {"rank": row.rank, "ranked_score": row.ranked_score} | record(row)  # type: ignore[attr-defined]


def _model(submission: Submission) -> Record:
    quest = submission.quest
    return {
        "id": submission.pk,
        "quest": quest.name,
        "data_set": quest.dataset,
        "group": submission.group.name if submission.group else "",
        "submitter": submission.submitter.username if submission.submitter else "",
        "competes": not submission.out_of_competition,
        "family": submission.family,
        "model": submission.headline,
        "parameters": submission.parameters,
        "state": submission.state,
        "reason": submission.reason,
    }


def _result(submission: Submission) -> Record:
    score = getattr(submission, "score", None) if submission.quest.is_revealed else None
    return {
        "score": submission.accuracy,
        "correct": submission.correct,
        "total": submission.total,
        "private_score": score.private_accuracy if score else None,
    }


def _times(submission: Submission) -> Record:
    quest = submission.quest
    return {
        "submitted_at": _at(submission.submitted_at, quest),
        "ranked_at": _at(submission.ranked_at, quest),
        "finished_at": _at(submission.finished_at, quest),
        "time_zone": quest.time_zone,
        "rerun_of": submission.rerun_of_id,
        "counts": submission.counts,
        "final": submission.final,
        "disqualified": submission.disqualified,
    }


def _run(attempt: Attempt | None) -> Record:
    measured = {name: getattr(attempt, name, None) for name in _MEASURED}
    conditions = {name: getattr(attempt, name, None) for name in _CONDITIONS}
    return {
        "attempts": attempt.number if attempt else 0,
        "queue_wait_s": attempt.queue_wait_s if attempt else None,
        **measured,
        "stock_predicted_s": attempt.stock_predicted_s if attempt else None,
        "peak_memory_bytes": attempt.peak_memory_bytes if attempt else None,
        "device": attempt.device if attempt else "",
        "hardware": attempt.hardware_label if attempt else "",
        "engine": attempt.engine if attempt else "",
        "engine_version": attempt.engine_version if attempt else "",
        **conditions,
        "energy_joules": attempt.energy_joules if attempt else None,
        "energy_method": attempt.energy_method if attempt else "",
    }


def _at(moment: datetime | None, quest: Quest) -> str:
    return moment.astimezone(quest.zone).isoformat(timespec="seconds") if moment else ""


def as_file(ending: str, records: Iterable[Record], columns: Sequence[str], name: str) -> HttpResponseBase:
    """The records as `csv`, `json` or `xlsx`. JSON has all their fields, the tables only `columns`."""
    if ending == "json":
        return as_json(records, name)
    return (as_xlsx if ending == "xlsx" else as_csv)(records, columns, name)


def as_csv(records: Iterable[Record], columns: Sequence[str], name: str) -> StreamingHttpResponse:
    return _streamed(csv_lines(records, columns), "text/csv; charset=utf-8", f"{name}.csv")


def as_json(records: Iterable[Record], name: str) -> StreamingHttpResponse:
    return _streamed(json_lines(records), "application/json", f"{name}.json")


def as_xlsx(records: Iterable[Record], columns: Sequence[str], name: str) -> FileResponse:
    """The workbook as a download. It is written to disk first: a zip has its table of contents at the end."""
    file = workbook(records, columns, title=name.split("-")[0])
    response = FileResponse(file, content_type=XLSX, as_attachment=True, filename=f"{name}.xlsx")
    response["Cache-Control"] = "no-store"
    return response


def file_name(table: str, quest: Quest | None) -> str:
    """`submissions-mnist-search-quest-2026-10-12`, without its ending."""
    return "-".join(filter(None, [table, slugify(quest.name) if quest else "", f"{timezone.localdate():%Y-%m-%d}"]))


def _streamed(lines: Iterator[str], content_type: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


class _Echo:
    """A file for `csv.writer` that makes `writerow` return the line."""

    def write(self, line: str) -> str:
        return line


def csv_lines(records: Iterable[Record], columns: Sequence[str]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # The byte order mark tells spreadsheets that this is UTF-8.
    yield "\ufeff" + writer.writerow(columns)
    for each in records:
        yield writer.writerow([_cell(each[column]) for column in columns])


def _cell(value: object) -> object:
    """The value, quoted where a spreadsheet would compute it, such as a group named `=1+1`."""
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_STARTS)
    return f"'{value}" if is_formula else value


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    """A JSON array, one record a line, with null for every empty text."""
    before = "["
    for each in records:
        nulled = {name: None if value == "" else value for name, value in each.items()}
        yield f"{before}\n{json.dumps(nulled, ensure_ascii=False)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"
