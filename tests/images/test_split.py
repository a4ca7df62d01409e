"""The split of the test images into public and private ones."""

from submissions.images.split import private_indexes
from submissions.models import Quest


def test_the_split_is_reproducible():
    assert sorted(private_indexes(10, 0.3, seed=1)) == [1, 7, 8]
    assert private_indexes(10_000, 0.5, seed=1) == private_indexes(10_000, 0.5, seed=1)


def test_another_seed_gives_another_split():
    assert private_indexes(10_000, 0.5, seed=1) != private_indexes(10_000, 0.5, seed=2)


def test_the_share_is_met_exactly():
    assert len(private_indexes(10_000, 0.3, seed=7)) == 3_000
    assert private_indexes(360, 1.0, seed=7) == frozenset(range(360))


def test_without_a_share_no_image_is_private():
    assert private_indexes(10_000, 0.0, seed=7) == frozenset()


def test_private_images_are_spread_over_the_whole_test_set():
    halves = [sum(index < 5_000 for index in private_indexes(10_000, 0.2, seed=seed)) for seed in range(20)]

    assert all(850 < half < 1_150 for half in halves)


def test_each_quest_has_its_own_random_seed():
    seeds = {Quest().split_seed for _ in range(5)}

    assert len(seeds) == 5
    assert all(0 <= seed < 2**31 for seed in seeds)
