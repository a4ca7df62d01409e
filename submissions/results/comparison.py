"""Compares two submissions: which images each got right, and whether the difference is significant."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import ndiff
from functools import cached_property

from submissions.models import Submission
from submissions.results.mistakes import Mistake, Mistakes, mistakes

SIGNIFICANCE_LEVEL = 0.05


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided p-value of McNemar's test; the arguments count the images that only one model got right.

    If both models were equally good, each of these images would go to either with probability 1/2, so the smaller count
    is binomial. Q. McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12 (1947), 153–157; for comparing classifiers T. G. Dietterich, Neural Computation
    10 (1998), 1895–1923.
    """
    images, ways, tail = only_first + only_second, 1, 0
    for count in range(min(only_first, only_second) + 1):
        tail += ways  # binomial coefficient (images over count), updated incrementally
        ways = ways * (images - count) // (count + 1)
    return min(1.0, 2 * tail / 2**images)


@dataclass(frozen=True)
class Comparison:
    """The results of two models on the images that both were scored on and that may be shown."""

    first: Mistakes
    second: Mistakes

    @cached_property
    def shown(self) -> frozenset[int]:
        return self.first.shown & self.second.shown

    @property
    def images(self) -> int:
        return len(self.shown)

    @cached_property
    def only_first(self) -> list[Mistake]:
        """The second's mistakes on images that the first got right."""
        return [one for one in self.second if one.index in self.shown and one.index not in self.first.given]

    @cached_property
    def only_second(self) -> list[Mistake]:
        return [one for one in self.first if one.index in self.shown and one.index not in self.second.given]

    @cached_property
    def neither(self) -> int:
        return len(self.shown & self.first.given.keys() & self.second.given.keys())

    @property
    def both(self) -> int:
        return self.images - len(self.only_first) - len(self.only_second) - self.neither

    @property
    def difference(self) -> float:
        """The first's accuracy minus the second's on these images."""
        return (len(self.only_first) - len(self.only_second)) / self.images

    @cached_property
    def p(self) -> float:
        return mcnemar(len(self.only_first), len(self.only_second))

    @property
    def may_be_chance(self) -> bool:
        return self.p >= SIGNIFICANCE_LEVEL


def compare(first: Submission, second: Submission) -> Comparison | None:
    """Compare two submissions; None if one has no score or they used different data sets."""
    if first.quest.dataset != second.quest.dataset:
        return None
    one, other = mistakes(first), mistakes(second)
    return None if one is None or other is None else Comparison(one, other)


def differences(first: Submission, second: Submission) -> list[tuple[str, object, object]]:
    """(name, first's value, second's value) of the parameters that differ; empty for networks or different families."""
    if first.family != second.family or "layers" in first.spec:
        return []
    names = [*first.spec, *(name for name in second.spec if name not in first.spec)]
    pairs = ((name, first.spec.get(name), second.spec.get(name)) for name in names)
    return [(name, one, other) for name, one, other in pairs if one != other]


def line_by_line(first: Submission, second: Submission) -> list[tuple[str, str]]:
    """A diff of two networks' notations: (mark, line), with "-" for the first's lines, "+" for the second's, or ""."""
    if first.family != second.family or "layers" not in first.spec:
        return []
    lines = ndiff(first.notation.splitlines(), second.notation.splitlines())
    return [(line[0].strip(), line[2:]) for line in lines if not line.startswith("?")]
