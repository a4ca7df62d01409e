"""Best score over time: a step line for each leading group and the reader's own, and one for the rest."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leaderboard.charts.figure import Figure, Row, Subject, Table, below, score_limits
from leaderboard.charts.runs import ChartRun
from submissions.models import Quest
from submissions.wording import score, stamp

LEAST_SPAN = timedelta(hours=1)
MOST_LINES = 10
MOST_STEPS = 200  # of the line of the other groups


def figure(subject: Subject) -> Figure:
    """The lines by public scores, as everybody saw them at the time."""
    quest, runs = subject.quest, subject.runs
    if not runs:
        return Figure(name="progress")
    lines = improvements(runs)
    order = sorted(lines, key=lambda group: (-lines[group][-1].public, lines[group][-1].at))
    leading = [group for place, group in enumerate(order) if place < MOST_LINES or lines[group][0].own]
    rest = {group: lines[group] for group in order if group not in leading}
    end = max(run.at for run in runs)
    drawn = [run.public for group in leading for run in lines[group]]
    limits = score_limits(drawn)
    return Figure(
        name="progress",
        data={
            "lines": [row for place, group in enumerate(leading) for row in _line(lines[group], place, end, quest)],
            "rest": _rest(rest, end, quest),
        },
        limits=limits | _time_limits(runs[0].at, end, quest),
        words=_words(quest) | {"rest": bool(rest)},
        facts=_facts(runs, lines, order)
        | {
            "shown": len(leading),
            "rest": len(rest),
            "own_shown": any(run.own for run in runs),
            "below": below(drawn, limits),
        },
        table=_table(lines, order, leading, quest),
        records=[_record(run, quest) for group in order for run in lines[group]],
    )


def improvements(runs: list[ChartRun]) -> dict[int, list[ChartRun]]:
    """For each group the runs that were its best when they came in, oldest first."""
    lines: dict[int, list[ChartRun]] = defaultdict(list)
    for run in runs:
        line = lines[run.group_id]
        if not line or run.public > line[-1].public:
            line.append(run)
    return lines


def leads(runs: list[ChartRun]) -> list[ChartRun]:
    """The runs that took the lead from another group, oldest first."""
    taken: list[ChartRun] = []
    record = -1.0
    for run in runs:
        if run.public > record:
            record = run.public
            if not taken or taken[-1].group_id != run.group_id:
                taken.append(run)
    return taken


def _facts(runs: list[ChartRun], lines: dict[int, list[ChartRun]], order: list[int]) -> dict[str, Any]:
    taken = leads(runs)
    leader = lines[order[0]][-1]
    facts: dict[str, Any] = {"count": len(runs), "groups": len(order), "leader": leader, "changes": len(taken) - 1}
    own = [lines[group][-1] for group in order if lines[group][0].own]
    if own and not leader.own:
        facts["own"] = own[0]
        facts["points"] = round(100 * (leader.public - own[0].public), 2)
    return facts


def wall_clock(at: datetime, quest: Quest) -> float:
    """Milliseconds that a chart in UTC shows as the quest's local time, on any reader's machine."""
    return at.astimezone(quest.zone).replace(tzinfo=UTC).timestamp() * 1000


def _time_limits(begun: datetime, ended: datetime, quest: Quest) -> dict[str, float]:
    """From the first score to the last; an hour around a single score."""
    margin = timedelta() if ended - begun > LEAST_SPAN else LEAST_SPAN / 2
    return {"begun": wall_clock(begun - margin, quest), "ended": wall_clock(ended + margin, quest)}


def _line(line: list[ChartRun], place: int, end: datetime, quest: Quest) -> list[Row]:
    """A group's steps, and a last row without a score that extends the line to the end."""
    rows = [
        {
            "line": run.group, "place": place, "own": run.own, "at": wall_clock(run.at, quest), "score": run.public,
            "step": True, "score_text": score(run.public), "at_text": stamp(run.at, quest), "model": run.title,
        }
        for run in line
    ]  # fmt: skip
    return [*rows, {**rows[-1], "at": wall_clock(end, quest), "step": False}]


def _rest(lines: dict[int, list[ChartRun]], end: datetime, quest: Quest) -> list[Row]:
    """The median over time of the best scores of groups without a line of their own."""
    best: dict[int, float] = {}
    rows: list[Row] = []
    label = ngettext("the other group", "the median of the other {count} groups", len(lines)).format(count=len(lines))
    steps = sorted((run for line in lines.values() for run in line), key=lambda run: run.at)
    every = max(1, len(steps) // MOST_STEPS)
    for place, run in enumerate(steps):
        best[run.group_id] = run.public
        if place % every == 0 or place == len(steps) - 1:
            rows.append({"line": label, "at": wall_clock(run.at, quest), "score": median(best.values())})
    return [*rows, {**rows[-1], "at": wall_clock(end, quest)}] if rows else []


def _words(quest: Quest) -> dict[str, Any]:
    return {
        "at": _("Time ({zone})").format(zone=quest.time_zone), "score": _("Public score"), "group": _("Group"),
        "model": _("Model"), "when": _("When"),
    }  # fmt: skip


def _table(lines: dict[int, list[ChartRun]], order: list[int], shown: list[int], quest: Quest) -> Table:
    return Table(
        head=[_("Group"), _("Best"), _("Reached"), _("First score"), _("Improvements")],
        numeric=[False, True, True, True, True],
        rows=[
            [
                lines[group][-1].group, score(lines[group][-1].public), stamp(lines[group][-1].at, quest),
                score(lines[group][0].public), str(len(lines[group])),
            ]
            for group in shown
        ],
        left_out=len(order) - len(shown),
    )  # fmt: skip


def _record(run: ChartRun, quest: Quest) -> Row:
    return {
        "group": run.group,
        "at": run.at.astimezone(quest.zone).isoformat(timespec="seconds"),
        "best": run.public,
        "submission": run.number,
        "family": run.family,
        "model": run.model,
    }
