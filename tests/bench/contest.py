"""Ours and the peer by turns: the accelerated engine in the service's own trainer, and a notebook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

import numpy as np

from submissions.specs.spec import Spec, dump
from tests.bench.limits import Size, limit_of
from tests.bench.peaks import Peaks
from tests.bench.rows import Row, Target
from tests.trainers import train
from workers.datasets import store
from workers.processes.trainer_process import PROJECT, TrainerProcess

LONGEST_S = 1800
MAX_ERROR_CHARS = 4000  # of a failed process's output


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How thoroughly to measure, on which data, and this machine's peak rates."""

    runs: int
    peaks: Peaks
    dataset: str = "mnist"
    quick: bool = False

    def limit(self, spec: Spec) -> float:
        return limit_of(spec, Size.of(self.dataset), self.peaks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One run: its seconds, the part that was measured if they are scaled, and digits by index of the test image."""

    seconds: float
    scaled: str = ""
    answers: Mapping[int, int] = field(default_factory=dict)

    def accuracy(self, dataset: str) -> float:
        labels = store.load(dataset).test_labels
        return sum(int(labels[at]) == digit for at, digit in self.answers.items()) / len(self.answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A notebook's model; `sample` is explained in `tests.bench.notebook`."""

    label: str
    spec: Spec
    sample: int | None = None
    target: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Our model and the peers to measure it against.

    `trees` is the number that ours grows of a forest too large to be grown whole. With `seeds`, there are that many
    runs, each with another seed on both sides, and test accuracies are compared instead of answers.
    """

    name: str
    spec: Spec
    peers: tuple[Peer, ...]
    trees: int | None = None
    seeds: int = 0

    def seeded(self, spec: Spec, run: int) -> Spec:
        return spec.model_copy(update={"seed": run}) if self.seeds else spec


def run_contest(contest: Contest, bench: Bench) -> Iterator[Row]:
    """Run the contest, and give a row for each peer."""
    ours: list[Measurement] = []
    theirs: list[list[Measurement]] = [[] for _ in contest.peers]
    runs = contest.seeds or bench.runs
    for run in range(1, runs + 1):
        ours.append(accelerated(contest.seeded(contest.spec, run), bench.dataset, trees=contest.trees))
        for peer, measurements in zip(contest.peers, theirs, strict=True):
            measurements.append(notebook(contest.seeded(peer.spec, run), bench.dataset, sample=peer.sample))
    for peer, measurements in zip(contest.peers, theirs, strict=True):
        yield Row(
            name=contest.name,
            runs=runs,
            ours_s=median_seconds(ours),
            peer=peer.label,
            peer_s=median_seconds(measurements),
            limit_s=bench.limit(contest.spec),
            scaled=measurements[0].scaled or ours[0].scaled,
            target=peer.target,
            **accuracy_fields(ours, measurements, bench.dataset)
            if contest.seeds
            else {"remark": differing_answers(ours, measurements)},
        )


def median_seconds(runs: Sequence[Measurement]) -> float:
    return median(run.seconds for run in runs)


def differing_answers(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> str:
    """A sentence that says how many answers differ over all runs; empty if none does."""
    pairs = [
        (one.answers[at], other.answers[at])
        for one, other in zip(ours, theirs, strict=True)
        for at in one.answers.keys() & other.answers.keys()
    ]
    differing = sum(one != other for one, other in pairs)
    of_runs = f" in {len(ours)} runs" if len(ours) > 1 else ""
    return f"{differing} of {len(pairs):,} answers{of_runs} differ." if differing else ""


def accuracy_fields(ours: Sequence[Measurement], theirs: Sequence[Measurement], dataset: str) -> dict[str, Any]:
    """A row's `accuracies` and `remark`: the test accuracies of both sides."""
    sides = {"ours": ours, "peer": theirs}
    found = {side: [run.accuracy(dataset) for run in runs] for side, runs in sides.items()}
    texts = [f"{mean(values):.4f} ({min(values):.4f}–{max(values):.4f})" for values in found.values()]
    return {"accuracies": found, "remark": f"test accuracy {texts[0]} against {texts[1]}, {len(ours)} seeds."}


def accelerated(spec: Spec, dataset: str, *, trees: int | None = None) -> Measurement:
    """Training and predicting as the service records them, in a trainer with all cores."""
    asked = dump(spec)
    share, scaled = 1.0, ""
    if trees:
        share, scaled = trees / asked["n_estimators"], f"{trees} of {asked['n_estimators']:,} trees"
        asked["n_estimators"] = trees
    trainer = TrainerProcess()
    trainer.start(threads=os.cpu_count() or 1, warm=[spec.family], dataset=dataset)
    try:
        result = train(trainer, asked, within=LONGEST_S, dataset=dataset, engine="accelerated")
    finally:
        trainer.kill()
    seconds = (result["timing"]["train_s"] + result["timing"]["predict_s"]) / share
    return Measurement(seconds=seconds, scaled=scaled, answers=answers_of(result["errors"], dataset))


def answers_of(errors: Sequence[Sequence[int]], dataset: str) -> dict[int, int]:
    """All answers, digits by the index of the test image, from the wrong ones (index, digit)."""
    answers = np.array(store.load(dataset).test_labels)
    for at, digit in errors:
        answers[at] = digit
    return dict(enumerate(answers.tolist()))


def notebook(spec: Spec, dataset: str, *, sample: int | None = None) -> Measurement:
    """The same with plain scikit-learn or Keras, in a process of its own."""
    asked = json.dumps({"spec": dump(spec), "dataset": dataset, "sample": sample})
    quiet = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    answer = json.loads(run_module("tests.bench.notebook", asked, **quiet))
    return Measurement(
        seconds=answer["seconds"],
        scaled=answer["scaled"],
        answers={int(at): digit for at, digit in answer["answers"].items()},
    )


def run_module(module: str, asked: str = "", **env: str) -> str:
    """The last line that `python -m module` prints for the input `asked`; RuntimeError with its output if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=asked,
        env={**os.environ, **env},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed with exit code {done.returncode}:\n{done.stderr[-MAX_ERROR_CHARS:]}")
    return done.stdout.strip().rpartition("\n")[2]
