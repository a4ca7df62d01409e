"""Which test images a model got wrong, as what: until the reveal on the public ones alone, whoever asks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from submissions.images import idx_files
from submissions.images.split import private_indexes
from submissions.models import Quest, State, Submission

CLASSES = 10
NAMES: dict[str, tuple[str, ...]] = {
    "fashion-mnist": (
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
}  # fmt: skip
LEVELS = 6  # of a cell's colour


@dataclass(frozen=True, slots=True)
class Mistake:
    """The test image `index` is a `truth`, and the model read it as a `given`."""

    index: int
    truth: int
    given: int


@dataclass(frozen=True, slots=True)
class Cell:
    """How many images of one class were read as `given`; `level` is 0 for none up to LEVELS for the most frequent."""

    given: int
    count: int
    level: int
    right: bool


@dataclass(frozen=True, slots=True)
class MatrixRow:
    truth: int
    images: int
    cells: list[Cell]

    @property
    def accuracy(self) -> float | None:
        """Of this class alone."""
        return self.cells[self.truth].count / self.images if self.images else None


class Mistakes:
    """What a model got wrong of the images with these indexes; `truths` are the labels of all test images."""

    def __init__(self, truths: bytes, shown: frozenset[int], errors: Iterable[tuple[int, int]]) -> None:
        self.truths, self.shown = truths, shown
        self.given = {index: given for index, given in errors if index in shown}

    def __iter__(self) -> Iterator[Mistake]:
        return (Mistake(index, self.truths[index], given) for index, given in sorted(self.given.items()))

    def __len__(self) -> int:
        return len(self.given)

    @property
    def images(self) -> int:
        return len(self.shown)

    @property
    def right(self) -> int:
        return len(self.shown) - len(self.given)

    def of(self, *, truth: int | None = None, given: int | None = None) -> list[Mistake]:
        """Those of a true class, those read as a class, or those of a pair."""
        return [one for one in self if truth in (None, one.truth) and given in (None, one.given)]

    @cached_property
    def counts(self) -> list[list[int]]:
        """The confusion matrix: how many images of a true class (row) were read as a class (column)."""
        pairs = Counter((self.truths[index], self.truths[index]) for index in self.shown)
        for mistake in self:
            pairs[mistake.truth, mistake.truth] -= 1
            pairs[mistake.truth, mistake.given] += 1
        return [[pairs[truth, given] for given in range(CLASSES)] for truth in range(CLASSES)]

    def matrix(self) -> list[MatrixRow]:
        """The confusion matrix with how strongly each cell is to be coloured."""
        wrong = [count for truth, row in enumerate(self.counts) for given, count in enumerate(row) if truth != given]
        most = max(wrong)
        return [
            MatrixRow(truth, sum(row), [_cell(truth, given, count, most) for given, count in enumerate(row)])
            for truth, row in enumerate(self.counts)
        ]


def _cell(truth: int, given: int, count: int, most: int) -> Cell:
    """By the logarithm, or one frequent confusion would leave the others without colour."""
    right = truth == given
    level = 0 if right or count <= 0 else max(1, round(LEVELS * math.log1p(count) / math.log1p(most)))
    return Cell(given, count, level, right)


def mistakes(submission: Submission) -> Mistakes | None:
    """The errors of a scored submission; None without a score, or where the data set's labels are not at hand."""
    score = getattr(submission, "score", None)
    if score is None or submission.state != State.SCORED:
        return None
    truths = idx_files.labels(submission.quest.dataset)
    if truths is None or len(truths) != score.total + score.private_total:
        return None
    return Mistakes(truths, shown(submission.quest, len(truths)), ((index, given) for index, given in score.errors))


def shown(quest: Quest, images: int) -> frozenset[int]:
    """The test images of which anything may be told: the public ones, and after the reveal all."""
    everything = frozenset(range(images))
    if quest.is_revealed:
        return everything
    return everything - private_indexes(images, quest.private_share, quest.split_seed)


def class_names(dataset: str) -> tuple[str, ...]:
    """What the classes are called: most are digits."""
    return NAMES.get(dataset) or tuple(str(digit) for digit in range(CLASSES))
