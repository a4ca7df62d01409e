"""Processes that share numba's cache do not compile the same kernels at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from workers.engines.compile_lock import compile_lock


def test_a_lock_has_one_holder_at_a_time_and_another_lock_does_not_wait_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "not yet there"))
    stays = []

    def stay(name):
        with compile_lock(name):  # each thread opens the lock file itself, as a process of its own would
            began = time.monotonic()
            time.sleep(0.1)
            stays.append((name, began, time.monotonic()))

    with ThreadPoolExecutor() as pool:
        list(pool.map(stay, ["knn", "knn", "knn", "cnn"]))

    knn = [(began, ended) for name, began, ended in sorted(stays, key=lambda stay: stay[1]) if name == "knn"]
    assert all(ended <= begins for (_, ended), (begins, _) in pairwise(knn))
    cnn = next(ended for name, _, ended in stays if name == "cnn")
    assert cnn < knn[-1][0]
