"""A model's mistakes: the matrix, the chosen images, and who may see them."""

from __future__ import annotations

import pytest

from submissions.images.split import private_indexes
from submissions.models import Quest, QuestState
from submissions.queue import leases
from submissions.results.mistakes import Mistake, Mistakes, mistakes
from tests.cast import claim_one, reload, result_of
from workers.datasets import store

TRUTHS = bytes([0, 1, 2, 2, 9])
EVERYTHING = frozenset(range(5))


@pytest.fixture
def digits(digits_home, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    return store.load("digits")


@pytest.fixture
def wrong_everywhere(submission, worker, digits):
    """A submission that predicts the next digit for every image; half of the images are private."""
    Quest.objects.update(private_share=0.5)
    errors = [[index, (int(truth) + 1) % 10] for index, truth in enumerate(digits.test_labels)]
    leases.record_score(claim_one(worker), {**result_of(0, 180, private=(0, 180)), "errors": errors})
    return reload(submission)


def test_the_matrix_has_true_classes_as_rows_and_predictions_as_columns():
    found = Mistakes(TRUTHS, EVERYTHING, [(2, 7), (4, 4 + 3)])

    assert found.counts[2] == [0, 0, 1, 0, 0, 0, 0, 1, 0, 0]
    assert found.counts[9][7] == 1
    assert sum(map(sum, found.counts)) == 5
    assert found.right == 3
    assert found.matrix()[2].accuracy == 0.5
    assert found.matrix()[5].accuracy is None


def test_the_most_frequent_confusion_has_the_strongest_colour_and_empty_cells_have_none():
    found = Mistakes(bytes([1] * 9 + [2]), frozenset(range(10)), [*((index, 7) for index in range(8)), (9, 3)])

    cells = found.matrix()[1].cells
    assert cells[7].level == 6
    assert cells[1].level == cells[0].level == 0
    assert cells[1].right
    assert 0 < found.matrix()[2].cells[3].level < 6


def test_mistakes_are_selected_by_true_class_by_prediction_or_by_both():
    found = Mistakes(TRUTHS, EVERYTHING, [(2, 7), (3, 8), (4, 7)])

    assert found.of(truth=2) == [Mistake(2, 2, 7), Mistake(3, 2, 8)]
    assert found.of(given=7) == [Mistake(2, 2, 7), Mistake(4, 9, 7)]
    assert found.of(truth=2, given=7) == [Mistake(2, 2, 7)]


def test_mistakes_on_private_images_are_hidden_until_the_reveal(wrong_everywhere):
    private = private_indexes(360, 0.5, wrong_everywhere.quest.split_seed)

    before = mistakes(wrong_everywhere)
    Quest.objects.update(state=QuestState.REVEALED)
    after = mistakes(reload(wrong_everywhere))

    assert before
    assert after
    assert len(before) == 180
    assert not private & before.given.keys()
    assert sum(sum(row) for row in before.counts) == 180
    assert len(after) == 360


def test_a_submission_without_a_score_has_no_mistakes(submission, digits):
    assert mistakes(submission) is None


def test_without_the_labels_there_are_no_mistakes_to_show(wrong_everywhere, tmp_path, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path))

    assert mistakes(wrong_everywhere) is None
