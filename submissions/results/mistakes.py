"""The test images that a model got wrong, and its confusion matrix. Private images are hidden until the reveal."""

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
LEVELS = 6  # colour levels of a cell


@dataclass(frozen=True, slots=True)
class Mistake:
    """The model predicted class `given` for test image `index`, which is of class `truth`."""

    index: int
    truth: int
    given: int


@dataclass(frozen=True, slots=True)
class Cell:
    """The number of images of one class predicted as `given`; `level` is 0 for none, LEVELS for the largest count."""

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
        """The share of this class that was predicted correctly; None if it has no images."""
        return self.cells[self.truth].count / self.images if self.images else None


class Mistakes:
    """A model's errors among the test images `shown`; `truths` are the labels of all test images, a byte each."""

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
        """The mistakes with this true class, this predicted class, or both."""
        return [one for one in self if truth in (None, one.truth) and given in (None, one.given)]

    @cached_property
    def counts(self) -> list[list[int]]:
        """The confusion matrix, (10, 10): true classes are rows, predicted classes are columns."""
        pairs = Counter((self.truths[index], self.truths[index]) for index in self.shown)
        for mistake in self:
            pairs[mistake.truth, mistake.truth] -= 1
            pairs[mistake.truth, mistake.given] += 1
        return [[pairs[truth, given] for given in range(CLASSES)] for truth in range(CLASSES)]

    def matrix(self) -> list[MatrixRow]:
        """The confusion matrix with the colour level of each cell."""
        wrong = [count for truth, row in enumerate(self.counts) for given, count in enumerate(row) if truth != given]
        largest = max(wrong)
        return [
            MatrixRow(truth, sum(row), [_cell(truth, given, count, largest) for given, count in enumerate(row)])
            for truth, row in enumerate(self.counts)
        ]


def _cell(truth: int, given: int, count: int, largest: int) -> Cell:
    """Levels are logarithmic, or one frequent confusion would leave all others without colour."""
    right = truth == given
    level = 0 if right or count <= 0 else max(1, round(LEVELS * math.log1p(count) / math.log1p(largest)))
    return Cell(given, count, level, right)


def mistakes(submission: Submission) -> Mistakes | None:
    """The mistakes of a scored submission; None without a score or if the data set's labels are unavailable."""
    score = getattr(submission, "score", None)
    if score is None or submission.state != State.SCORED:
        return None
    truths = idx_files.labels(submission.quest.dataset)
    if truths is None or len(truths) != score.total + score.private_total:
        return None
    return Mistakes(
        truths, visible_images(submission.quest, len(truths)), ((index, given) for index, given in score.errors)
    )


def visible_images(quest: Quest, images: int) -> frozenset[int]:
    """Indexes of the test images whose results may be shown: the public ones, or all after the reveal."""
    everything = frozenset(range(images))
    if quest.is_revealed:
        return everything
    return everything - private_indexes(images, quest.private_share, quest.split_seed)


def class_names(dataset: str) -> tuple[str, ...]:
    """The names of the ten classes; for most data sets these are the digits."""
    return NAMES.get(dataset) or tuple(str(digit) for digit in range(CLASSES))
