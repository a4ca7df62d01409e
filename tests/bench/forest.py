"""Random forests: the default hundred trees, and the feed's thousand."""

from __future__ import annotations

from collections.abc import Iterator

from submissions.specs.forest import Forest
from tests.bench.contest import Bench, Contest, Peer, run_contest
from tests.bench.rows import Row, Target

TREES, QUICK_TREES = 40, 20


def rows(bench: Bench) -> Iterator[Row]:
    for contest in contests(quick=bench.quick):
        yield from run_contest(contest, bench)


def contests(*, quick: bool) -> Iterator[Contest]:
    """Both sides grow the same number of trees."""
    hundred, thousand = Forest(random_state=0), Forest(n_estimators=1000, random_state=0)
    sample = QUICK_TREES if quick else None
    default = Peer(label="scikit-learn, default call", spec=hundred, sample=sample, target=Target(ratio=1.6))
    all_cores = Peer(
        label="scikit-learn, n_jobs=-1",
        spec=Forest(n_jobs=-1, random_state=0),
        sample=sample,
        target=Target(ratio=1.0),
    )
    yield Contest(name="RandomForestClassifier()", spec=hundred, peers=(all_cores, default), trees=sample)
    if not quick:
        posted = Peer(label="scikit-learn, as posted", spec=thousand, sample=TREES)
        yield Contest(name="RandomForestClassifier(n_estimators=1000)", spec=thousand, peers=(posted,), trees=TREES)
