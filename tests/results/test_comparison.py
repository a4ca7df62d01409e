"""Comparing the mistakes of two models."""

from __future__ import annotations

import pytest

from submissions.models import Submission
from submissions.results.comparison import Comparison, differences, mcnemar
from submissions.results.mistakes import Mistake, Mistakes

TRUTHS = bytes([0, 1, 2, 3, 4, 5])
EVERYTHING = frozenset(range(6))


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        (1, 9, 22 / 1024),  # 2 · (1 + 10) / 2¹⁰
        (9, 1, 22 / 1024),
        (0, 5, 2 / 32),
        (5, 5, 1.0),
        (0, 0, 1.0),
        (59, 6, 4.96465e-12),
    ],
)
def test_the_p_value_is_the_exact_two_tailed_binomial_one(only_first, only_second, p):
    assert mcnemar(only_first, only_second) == pytest.approx(p, rel=1e-6)


def test_the_p_value_is_exact_for_thousands_of_images():
    assert mcnemar(4_000, 4_100) == pytest.approx(0.271, abs=0.002)  # normal: z = 99 / √8100 = 1.1
    assert mcnemar(9_000, 20) == 0.0


def test_each_image_is_counted_in_one_of_four_cells():
    comparison = Comparison(
        Mistakes(TRUTHS, EVERYTHING, [(0, 9), (1, 9)]), Mistakes(TRUTHS, EVERYTHING, [(1, 8), (2, 8), (3, 8)])
    )

    assert comparison.only_first == [Mistake(2, 2, 8), Mistake(3, 3, 8)]
    assert comparison.only_second == [Mistake(0, 0, 9)]
    assert (comparison.neither, comparison.both) == (1, 2)
    assert comparison.difference == pytest.approx(1 / 6)
    assert comparison.p == 1.0
    assert comparison.may_be_chance


def test_only_images_visible_for_both_models_are_compared():
    comparison = Comparison(
        Mistakes(TRUTHS, frozenset({0, 1, 2}), [(0, 9)]), Mistakes(TRUTHS, frozenset({1, 2, 3}), [(1, 8), (3, 8)])
    )

    assert comparison.shown == {1, 2}
    assert comparison.only_first == [Mistake(1, 1, 8)]
    assert comparison.only_second == []


def test_the_differing_parameters_of_two_models_of_a_family_are_listed():
    first = Submission(family="knn", spec={"n_neighbors": 4, "p": 2, "weights": "uniform"})
    second = Submission(family="knn", spec={"n_neighbors": 4, "p": 3, "weights": "distance"})

    assert differences(first, second) == [("p", 2, 3), ("weights", "uniform", "distance")]
    assert differences(first, Submission(family="cnn", spec={"epochs": 5})) == []
