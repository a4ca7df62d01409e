"""The pages of a quest's archive: board, feed, and one page for each score with a public model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone

from leaderboard.archive.data import CHUNK, scores
from leaderboard.ranking import movement, queries
from leaderboard.ranking.feed_lines import feed_line
from submissions.models import Submission
from submissions.quests.visibility import Visibility
from submissions.results.mistakes import class_names, mistakes
from submissions.results.timing import parts

FEED_PAGE = 500
STYLES = ("quest.css", "board.css", "charts.css", "submissions/submissions.css", "submission.css", "archive.css")


def page_files(visibility: Visibility) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The name and content of each page, and of their style sheet."""
    yield "style.css", [Path(finders.find(name) or "").read_bytes() for name in STYLES]
    yield "index.html", [_board(visibility)]
    yield from ((feed_name(number), [page]) for number, page in enumerate(_feed(visibility), start=1))
    for row in scores(visibility).iterator(chunk_size=CHUNK):
        if visibility.shows_model(row):
            yield f"submissions/{row.pk}.html", [_score(row, visibility)]


def feed_name(number: int) -> str:
    return "feed.html" if number == 1 else f"feed-{number}.html"


def _board(visibility: Visibility) -> bytes:
    rows = list(queries.board(visibility.quest, visibility=visibility))
    before = movement.ranks_before(visibility.quest, visibility)
    return _page(
        "board",
        visibility,
        rows=rows,
        movements=movement.movements(rows, before),
        snapshot=queries.snapshot(visibility.quest, visibility),
        by_private=queries.ranks_by_private(visibility.quest),
        made_at=timezone.now(),
    )


def _feed(visibility: Visibility) -> Iterator[bytes]:
    """The pages of the feed, newest line first; at least one page, even if it is empty."""
    rows = queries.feed(visibility.quest, visibility=visibility).iterator(chunk_size=CHUNK)
    lines = ((feed_line(row, visibility), visibility.shows_model(row)) for row in rows)
    following = list(islice(lines, FEED_PAGE))
    for number in count(1):
        current, following = following, list(islice(lines, FEED_PAGE))
        newer, older = feed_name(number - 1) if number > 1 else "", feed_name(number + 1) if following else ""
        yield _page("feed", visibility, lines=current, newer=newer, older=older)
        if not following:
            return


def _score(row: Submission, visibility: Visibility) -> bytes:
    """The page of a score: its model, result and mistakes, but not which member of the group submitted it."""
    score, found = row.score, mistakes(row)
    return _page(
        "submission",
        visibility,
        up="../",
        submission=row,
        attempt=score.attempt,
        parts=parts(score.attempt),
        mistakes=found,
        matrix=found.matrix() if found else [],
        names=class_names(visibility.quest.dataset),
        spec=json.dumps(row.spec, indent=2),
    )


def _page(name: str, visibility: Visibility, **more: Any) -> bytes:
    """A rendered page. `up` in the context is the relative path from the page to the archive's root."""
    context = {"at": name, "up": "", "quest": visibility.quest, "visibility": visibility}
    return render_to_string(f"leaderboard/archive/{name}.html", context | more).encode()
