"""The trainer: a process of its own that trains and scores the jobs that the supervisor sends it.

Jobs come on stdin and events go to stdout, each a line of JSON in the shapes of `workers.processes.protocol`. A job to
train is answered by `started` as `fit` begins, by `progress`, and last by `done` or `failed`.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence

from submissions.specs.families import family_named
from workers.datasets import store
from workers.engines.registry import WARM_ORDER, engine_named
from workers.processes.parent_death import die_with_parent
from workers.processes.protocol import FailedEvent, RunReport, TrainerEvent, TrainerJob, TrainJob
from workers.trainer import faults, machine_speed
from workers.trainer.scoring import score

MESSAGE_LENGTH, TRACEBACK_LENGTH = 2_000, 20_000


class Channel:
    """Sends events on the real stdout; whatever else prints there, from Python or from C, goes to stderr instead."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        os.dup2(2, 1)

    def send(self, event: TrainerEvent) -> None:
        with self._lock:
            self._out.write(json.dumps(event) + "\n")
            self._out.flush()


def read_jobs(jobs: queue.Queue[tuple[float, TrainerJob]]) -> None:
    """Queue each job with the time since which it has waited, on `time.monotonic`'s clock.

    The end of stdin means that nobody waits for an answer: the process exits.
    """
    for line in sys.stdin:
        job: TrainerJob = json.loads(line)
        jobs.put((job.get("sent", time.monotonic()), job))
    os._exit(0)


class Trainer:
    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.jobs: queue.Queue[tuple[float, TrainerJob]] = queue.Queue()
        self.not_yet_warm: deque[tuple[str, str]] = deque()  # (engine, family)

    def serve(self, families: Sequence[str], dataset: str, *, began: float) -> None:
        threading.Thread(target=read_jobs, args=(self.jobs,), daemon=True).start()
        self.channel.send({"event": "ready", "pid": os.getpid(), "startup_s": round(time.monotonic() - began, 3)})
        self.warm(families, dataset)
        while True:
            self.handle(*self.jobs.get())
            gc.collect()
            if self.not_yet_warm:
                self.warm((), "")

    def handle(self, since: float, job: TrainerJob) -> None:
        if job["do"] == "warm":
            self.warm(job.get("families", ()), job.get("dataset", ""))
        else:
            self.train(since, job)

    def warm(self, families: Sequence[str], dataset: str) -> None:
        """Import the families' libraries until a job arrives: it may not need those that are left."""
        began = time.monotonic()
        self.not_yet_warm.extend((engine, family) for engine in WARM_ORDER for family in families)
        if dataset:
            _try_early(lambda: store.load(dataset).train_images.max())  # brings the file into memory
        while self.not_yet_warm and self.jobs.empty():
            engine, family = self.not_yet_warm.popleft()
            _try_early(lambda: engine_named(engine).warm(family_named(family)))  # noqa: B023 - called at once
        if not self.not_yet_warm:
            _try_early(machine_speed.measure)
        # The libraries stay for good, so the garbage collector need not scan them: 2 ms between two runs, not 200.
        gc.collect()
        gc.freeze()
        self.channel.send({"event": "warmed", "seconds": round(time.monotonic() - began, 3)})

    def train(self, since: float, job: TrainJob) -> None:
        attempt = job["attempt"]

        def report(event: RunReport) -> None:
            event["attempt"] = attempt
            self.channel.send(event)

        try:
            result = score(job, since=since, report=report)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a model is the answer to its job
            self.channel.send(failure(error, attempt=attempt))
        else:
            self.channel.send({"event": "done", "result": result, "attempt": attempt})


def _try_early(get_ready: Callable[[], object]) -> None:
    """Do this before a job needs it. An error is only printed: such a job meets it again, and reports it."""
    try:
        get_ready()
    except Exception:  # noqa: BLE001
        traceback.print_exc()


def failure(error: Exception, *, attempt: int) -> FailedEvent:
    """The event for an error; the group reads the first lines of its message."""
    return {
        "event": "failed",
        "attempt": attempt,
        "kind": faults.kind_of(error),
        "message": _writable(faults.message_of(error)[:MESSAGE_LENGTH]),
        "traceback": _writable("".join(traceback.format_exception(error))[-TRACEBACK_LENGTH:]),
    }


def _writable(text: str) -> str:
    """Postgres takes no NUL in a text."""
    return text.replace("\0", "\ufffd")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m workers.trainer")
    parser.add_argument("--parent", type=int, required=True, help="the process id of the supervisor")
    parser.add_argument("--warm", default="", help="families whose libraries to import at once, comma-separated")
    parser.add_argument("--dataset", default="", help="the data set to read at once")
    parser.add_argument("--began", type=float, default=time.monotonic(), help="its start, by time.monotonic()")
    options = parser.parse_args(arguments)
    die_with_parent(options.parent)
    # Numba keeps compiled kernels beside the data: the project's own folder may be read-only.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(store.data_home() / "compiled"))
    faulthandler.enable()  # a crash in a library prints its stack to stderr
    families = [name for name in options.warm.split(",") if name]
    Trainer(Channel()).serve(families, options.dataset, began=options.began)


if __name__ == "__main__":
    main()
