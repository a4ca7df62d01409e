"""A line of the feed, as page, text, API and archive show it."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.ranking import queries
from submissions.quests.visibility import Visibility
from submissions.wording import about, score, seconds, stamp


@dataclass(frozen=True, slots=True)
class FeedLine:
    """What a group posts: `12/10 11:13> "ITMALGrp17: best: dat=mnist, score=0.97206, model=…, train=7.1 s, …"`."""

    id: int
    at: str
    group: str
    best: bool
    facts: dict[str, str]

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f'{self.at}> "{self.group}: {"best: " if self.best else ""}{facts}"'


def feed_line(row: queries.Posted, seen: Visibility) -> FeedLine:
    """The line of a submission as `queries.feed` gives it, as one reader may know it."""
    attempt = row.score.attempt
    stock = {} if attempt.stock_predicted_s is None else {"stock": f"{about(attempt.stock_predicted_s)} (predicted)"}
    facts = {
        "dat": seen.quest.dataset,
        "score": score(row.accuracy),
        "model": row.headline if seen.shows_model(row) else f"({seen.models_shown_when})",
        "train": seconds(attempt.train_s),
        "predict": seconds(attempt.predict_s),
        **stock,
        "hw": attempt.hardware_label,
        "engine": " ".join(filter(None, (attempt.engine, attempt.engine_version))),
    }
    return FeedLine(row.pk, stamp(row.finished_at, seen.quest), seen.name(row.group), row.improved, facts)
