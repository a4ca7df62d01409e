"""Chooses the test images that are private until a quest's reveal."""

from __future__ import annotations

import hashlib
from functools import lru_cache


@lru_cache(maxsize=64)  # hashing 10,000 indexes takes 10 ms, and every page of a quest needs the same
def private_indexes(total: int, share: float, seed: int) -> frozenset[int]:
    """`share` of the indexes 0 … total − 1, rounded to whole images; the same for the same seed, on any Python.

    The indexes are ordered by a hash of seed and index, and the first are taken: `random` may choose differently in
    another Python version.
    """
    count = round(total * share)
    if not count:
        return frozenset()
    return frozenset(sorted(range(total), key=lambda index: _rank(seed, index))[:count])


def _rank(seed: int, index: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{index}".encode(), digest_size=16).digest()
