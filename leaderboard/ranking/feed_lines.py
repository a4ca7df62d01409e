"""The lines of the feed, the same on the page, as text, in the API and in the archive."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.ranking import queries
from submissions.quests.visibility import Visibility
from submissions.wording import about, score, seconds, stamp


@dataclass(frozen=True, slots=True)
class FeedLine:
    """One score in the feed: `12/10 11:13> "ITMALGrp17: best: dat=mnist, score=0.97206, model=…, train=7.1 s, …"`."""

    id: int
    at: str
    group: str
    best: bool
    facts: dict[str, str]

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f'{self.at}> "{self.group}: {"best: " if self.best else ""}{facts}"'


def feed_line(row: queries.FeedSubmission, visibility: Visibility) -> FeedLine:
    """The feed line of a row of `queries.feed`, with names and model as this reader may see them."""
    attempt = row.score.attempt
    stock = {} if attempt.stock_predicted_s is None else {"stock": f"{about(attempt.stock_predicted_s)} (predicted)"}
    facts = {
        "dat": visibility.quest.dataset,
        "score": score(row.accuracy),
        "model": row.headline if visibility.shows_model(row) else f"({visibility.models_shown_when})",
        "train": seconds(attempt.train_s),
        "predict": seconds(attempt.predict_s),
        **stock,
        "hw": attempt.hardware_label,
        "engine": " ".join(filter(None, (attempt.engine, attempt.engine_version))),
    }
    return FeedLine(row.pk, stamp(row.finished_at, visibility.quest), visibility.name(row.group), row.improved, facts)
