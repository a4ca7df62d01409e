"""K nearest neighbours: each metric against `ball_tree`, as in most of the feed; p = 2 also against brute force."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from submissions.specs.knn import KNN
from tests.bench.contest import Bench, Contest, Peer, run_contest
from tests.bench.rows import Row, Target

BALL_TREE = "scikit-learn, ball_tree"


def rows(bench: Bench) -> Iterator[Row]:
    for contest in contests(quick=bench.quick):
        yield from run_contest(contest, bench)


def contests(*, quick: bool) -> Iterator[Contest]:
    """The peer takes about ten seconds for the queries of a sample; a quick benchmark has a quarter of them."""
    part = 4 if quick else 1
    both_cores = Peer(
        label="scikit-learn, brute, n_jobs=-1",
        spec=KNN(algorithm="brute", n_jobs=-1),
        target=Target(ratio=2),
    )
    posted = KNN(leaf_size=40, p=4)
    as_posted = Peer(label="scikit-learn, as posted", spec=posted, sample=40 // part)
    yield Contest(name="KNN p=2", spec=KNN(), peers=(_ball_tree(120 // part, 150, p=2), both_cores))
    yield Contest(name="KNN p=1", spec=KNN(p=1), peers=(_ball_tree(120 // part, 40, p=1),))
    yield Contest(name="KNN p=3", spec=KNN(p=3), peers=(_ball_tree(40 // part, 40, p=3),))
    yield Contest(
        name="KNeighborsClassifier(leaf_size=40, p=4)", spec=posted, peers=(_ball_tree(40 // part, 120, p=4), as_posted)
    )
    if quick:
        return
    yield Contest(name="KNN p=1.5", spec=KNN(p=1.5), peers=(_ball_tree(12, None, p=1.5),))
    yield Contest(name="KNN p=6", spec=KNN(p=6), peers=(_ball_tree(12, None, p=6),))
    yield Contest(name="KNN chebyshev", spec=KNN(metric="chebyshev"), peers=(_ball_tree(80, None, metric="chebyshev"),))
    yield Contest(
        name="KNN cosine",
        spec=KNN(metric="cosine"),
        peers=(Peer(label="scikit-learn, brute", spec=KNN(metric="cosine")),),
    )


def _ball_tree(sample: int, ratio: float | None, **parameters: Any) -> Peer:
    spec = KNN(algorithm="ball_tree", **parameters)
    return Peer(label=BALL_TREE, spec=spec, sample=sample, target=Target(ratio=ratio) if ratio else None)
