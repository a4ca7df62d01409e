"""The Wilson interval beside a score."""

import pytest

from submissions.results.wilson import wilson


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (81, 263, 0.25527, 0.36621),  # Newcombe, Statistics in Medicine 17 (1998), table I: 0.2553 to 0.3662
        (15, 148, 0.06237, 0.16052),  # … 0.0624 to 0.1605
        (0, 20, 0.0, 0.16113),  # … 0.0000 to 0.1611
        (1, 29, 0.00611, 0.17176),  # … 0.0061 to 0.1718
    ],
)
def test_the_interval_agrees_with_published_values(correct, total, low, high):
    assert wilson(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_a_perfect_score_ends_at_one():
    low, high = wilson(10_000, 10_000)

    assert 0.9996 < low < 1.0
    assert high == 1.0


def test_the_interval_of_no_images_is_the_whole_range():
    assert wilson(0, 0) == (0.0, 1.0)


def test_ten_times_as_many_images_make_the_interval_about_three_times_narrower():
    few, many = wilson(970, 1000), wilson(9700, 10_000)

    assert (few[1] - few[0]) / (many[1] - many[0]) == pytest.approx(10**0.5, rel=0.02)
