"""The confusion matrix, the misclassified images and the model insight on a submission's page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from submissions.images import idx_files
from submissions.models import Insight, Submission
from submissions.requests import number
from submissions.results.insights import parse_insight
from submissions.results.mistakes import CLASSES, MatrixRow, Mistake, Mistakes, class_names, mistakes

PER_PAGE = 48


@dataclass(frozen=True)
class MistakesTable:
    """A submission's confusion matrix and a page of its mistakes, filtered by true or predicted class or both."""

    mistakes: Mistakes
    dataset: str
    revealed: bool
    truth: int | None = None
    given: int | None = None
    page_number: str = ""

    @cached_property
    def matrix(self) -> list[MatrixRow]:
        return self.mistakes.matrix()

    @cached_property
    def page(self) -> Page[Mistake]:
        chosen = self.mistakes.of(truth=self.truth, given=self.given)
        return Paginator(chosen, PER_PAGE).get_page(self.page_number or 1)

    @property
    def names(self) -> tuple[str, ...]:
        return class_names(self.dataset)

    @property
    def query(self) -> str:
        """The filters as a query string, ready for a page number to be appended."""
        chosen = {name: value for name, value in (("true", self.truth), ("given", self.given)) if value is not None}
        return f"{urlencode(chosen)}&" if chosen else ""


def mistakes_table(submission: Submission, params: QueryDict) -> MistakesTable | None:
    """None if the mistakes are unavailable; see `results.mistakes.mistakes`."""
    found = mistakes(submission)
    if found is None:
        return None
    return MistakesTable(
        mistakes=found,
        dataset=submission.quest.dataset,
        revealed=submission.quest.is_revealed,
        truth=_class(params.get("true", "")),
        given=_class(params.get("given", "")),
        page_number=params.get("page", ""),
    )


def _class(text: str) -> int | None:
    value = number(text)
    return value if value is not None and value < CLASSES else None


def insight_context(submission: Submission) -> dict[str, Any]:
    """The model insight from the trainer and its kind, for the template; empty if there is none."""
    found = Insight.objects.filter(submission=submission).first()
    shown = parse_insight(found.data) if found else None
    if isinstance(shown, list):
        shown = _with_true_classes(shown, submission.quest.dataset)
    return {"insight": shown, "insight_kind": found.data["kind"]} if found and shown else {}


def _with_true_classes(wrong: list[dict[str, Any]], dataset: str) -> list[dict[str, Any]]:
    """The rows with their true classes, which are None if the labels are not on this server."""
    truths = idx_files.labels(dataset)
    return [{**row, "truth": truths[row["index"]] if truths else None} for row in wrong]
