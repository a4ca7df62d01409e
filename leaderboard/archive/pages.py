"""The pages of a quest's archive: board, feed, and one for each score whose model anybody may read."""

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


def page_files(seen: Visibility) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield "style.css", [Path(finders.find(name) or "").read_bytes() for name in STYLES]
    yield "index.html", [_board(seen)]
    yield from ((feed_name(number), [page]) for number, page in enumerate(_feed(seen), start=1))
    for row in scores(seen).iterator(chunk_size=CHUNK):
        if seen.shows_model(row):
            yield f"submissions/{row.pk}.html", [_score(row, seen)]


def feed_name(number: int) -> str:
    return "feed.html" if number == 1 else f"feed-{number}.html"


def _board(seen: Visibility) -> bytes:
    rows = list(queries.board(seen.quest, seen=seen))
    before = movement.ranks_before(seen.quest, seen)
    return _page(
        "board",
        seen,
        rows=rows,
        movements=movement.movements(rows, before),
        snapshot=queries.snapshot(seen.quest, seen),
        by_private=queries.ranks_by_private(seen.quest),
        made_at=timezone.now(),
    )


def _feed(seen: Visibility) -> Iterator[bytes]:
    """The chronicle, newest first; at least one page, though it be empty."""
    rows = queries.feed(seen.quest, seen=seen).iterator(chunk_size=CHUNK)
    lines = ((feed_line(row, seen), seen.shows_model(row)) for row in rows)
    following = list(islice(lines, FEED_PAGE))
    for number in count(1):
        shown, following = following, list(islice(lines, FEED_PAGE))
        newer, older = feed_name(number - 1) if number > 1 else "", feed_name(number + 1) if following else ""
        yield _page("feed", seen, lines=shown, newer=newer, older=older)
        if not following:
            return


def _score(row: Submission, seen: Visibility) -> bytes:
    """What anybody may read of a score: the model and what it yields, but not who in the group it was."""
    score, found = row.score, mistakes(row)
    return _page(
        "submission",
        seen,
        up="../",
        submission=row,
        attempt=score.attempt,
        parts=parts(score.attempt),
        mistakes=found,
        matrix=found.matrix() if found else [],
        names=class_names(seen.quest.dataset),
        spec=json.dumps(row.spec, indent=2),
    )


def _page(name: str, seen: Visibility, **shown: Any) -> bytes:
    """`up` leads from the page to the archive's root."""
    context = {"at": name, "up": "", "quest": seen.quest, "visibility": seen}
    return render_to_string(f"leaderboard/archive/{name}.html", context | shown).encode()
