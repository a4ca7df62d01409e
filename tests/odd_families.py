"""A family of misbehaving models, for trainers started with QUEST_FAMILIES=tests.odd_families."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from typing import Literal, cast

import numpy as np

from submissions.specs.families import Family, register
from submissions.specs.spec import Spec
from workers.engines.run import Estimator, Labels, Run, Values
from workers.processes.protocol import ProgressEvent


class Odd(Spec):
    family: Literal["odd"] = "odd"
    does: Literal[
        "nothing", "print", "sleep", "crash", "abort", "defy", "fail", "starve", "eat", "spawn", "err", "stray"
    ] = "nothing"
    seconds: float = 60.0


class OddModel(Estimator):
    """Predicts 0 for every image, unless it fails before that."""

    def __init__(self, spec: Odd, run: Run) -> None:
        self.spec, self.run = spec, run

    def fit(self, images: Values, labels: Labels) -> None:
        print(f"about to {self.spec.does}", flush=True)  # noqa: T201
        getattr(self, f"_{self.spec.does}", lambda: None)()

    def predict(self, images: Values) -> Labels:
        if self.spec.does == "err":
            return (np.asarray(self.run.dataset.test_labels) + 1) % 10
        if self.spec.does == "stray":
            return np.zeros((len(images), 10), dtype=int)
        return np.zeros(len(images), dtype=int)

    def _print(self) -> None:
        print('{"event": "done", "result": "forged by print"}')  # noqa: T201
        os.write(1, b'{"event": "done", "result": "forged by a C library"}\n')
        ctypes.CDLL(None).puts(b"and buffered in C")
        sys.stdout.write("no end of line" * int(self.spec.seconds))
        sys.stdout.flush()

    def _sleep(self) -> None:
        time.sleep(self.spec.seconds)

    def _crash(self) -> None:
        os._exit(3)

    def _abort(self) -> None:
        os.abort()

    def _defy(self) -> None:
        """Ignore the signals that ask it to end, and stay busy."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        until = time.monotonic() + self.spec.seconds
        while time.monotonic() < until:
            pass

    def _fail(self) -> None:
        raise ValueError("the model does not like these images")

    def _starve(self) -> None:
        raise MemoryError

    def _eat(self) -> None:
        """Take 50 MB more every 50 ms until it is killed."""
        eaten = []
        while True:
            eaten.append(np.ones(50 << 17))
            time.sleep(0.05)

    def _spawn(self) -> None:
        child = subprocess.Popen(["sleep", str(self.spec.seconds)])
        self.run.report(cast(ProgressEvent, {"event": "progress", "phase": "fit", "child": child.pid}))
        child.wait()


def build(spec: Odd, run: Run) -> OddModel:
    return OddModel(spec, run)


ODD = register(
    Family(
        name="odd",
        label="Models that misbehave",
        spec=Odd,
        constructor="Odd",
        builder="tests.odd_families:build",
        offered=False,
    )
)
