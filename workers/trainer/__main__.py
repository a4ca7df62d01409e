"""The trainer: a process of its own that trains and scores what the supervisor sends, a JSON line a message.

In:  {"do": "train", "attempt", "spec", "engine", "dataset", "seed", "device", "private_share", "split_seed", "threads"}
     {"do": "warm", "families": [...], "dataset"}
Out: {"event": "ready", "pid", "startup_s"} once it reads jobs; {"event": "warmed", "seconds"};
     for a job {"event": "started"} as `fit` begins, {"event": "progress", …}, then either
     {"event": "done", "result"} or {"event": "failed", "kind", "message", "traceback"}, with a kind of
     `workers.trainer.faults`; every message about a job carries its "attempt". A job may say when it was "sent", on
     `time.monotonic`'s clock.
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
from typing import Any

from submissions.specs.families import family_named
from workers.datasets import store
from workers.engines.registry import WARM_ORDER, engine_named
from workers.processes.parent_death import die_with_parent
from workers.trainer import faults, machine_speed
from workers.trainer.scoring import score

MESSAGE_LENGTH, TRACEBACK_LENGTH = 2_000, 20_000

Message = dict[str, Any]


class Channel:
    """The real stdout. Everything else that prints, from Python or from C, is led to stderr."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        os.dup2(2, 1)

    def send(self, message: Message) -> None:
        with self._lock:
            self._out.write(json.dumps(message) + "\n")
            self._out.flush()


def read_jobs(jobs: queue.Queue[tuple[float, Message]]) -> None:
    """Queue each line with the time since when it waits. The end of stdin means that nobody waits for an answer."""
    for line in sys.stdin:
        job = json.loads(line)
        jobs.put((job.get("sent", time.monotonic()), job))
    os._exit(0)


class Trainer:
    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.jobs: queue.Queue[tuple[float, Message]] = queue.Queue()
        self.cold: deque[tuple[str, str]] = deque()

    def serve(self, families: Sequence[str], dataset: str, *, began: float) -> None:
        threading.Thread(target=read_jobs, args=(self.jobs,), daemon=True).start()
        self.channel.send({"event": "ready", "pid": os.getpid(), "startup_s": round(time.monotonic() - began, 3)})
        self.warm(families, dataset)
        while True:
            self.handle(*self.jobs.get())
            gc.collect()
            if self.cold:
                self.warm((), "")

    def handle(self, since: float, job: Message) -> None:
        if job["do"] == "warm":
            self.warm(job.get("families", ()), job.get("dataset", ""))
        else:
            self.train(since, job)

    def warm(self, families: Sequence[str], dataset: str) -> None:
        """Import what the families need, as long as no job waits: it may not need these libraries."""
        began = time.monotonic()
        self.cold.extend((engine, family) for engine in WARM_ORDER for family in families)
        if dataset:
            _without_fail(lambda: store.load(dataset).train_images.max())  # brings the file into memory
        while self.cold and self.jobs.empty():
            engine, family = self.cold.popleft()
            _without_fail(lambda: engine_named(engine).warm(family_named(family)))  # noqa: B023 - called at once
        if not self.cold:
            _without_fail(machine_speed.measure)
        # What was imported stays: without it, looking for garbage between two runs takes 2 ms instead of 200.
        gc.collect()
        gc.freeze()
        self.channel.send({"event": "warmed", "seconds": round(time.monotonic() - began, 3)})

    def train(self, since: float, job: Message) -> None:
        about = {"attempt": job["attempt"]}
        try:
            result = score(job, since=since, report=lambda message: self.channel.send({**message, **about}))
        except Exception as error:  # noqa: BLE001 - whatever a model does wrong is the answer to its job
            self.channel.send({**about, **failure(error)})
        else:
            self.channel.send({"event": "done", "result": result, **about})


def _without_fail(get_ready: Callable[[], object]) -> None:
    """Do this beforehand: a job that needs it meets the same error, and can tell its group."""
    try:
        get_ready()
    except Exception:  # noqa: BLE001
        traceback.print_exc()


def failure(error: Exception) -> Message:
    """What the supervisor is told; the message's first lines are what the group reads."""
    return {
        "event": "failed",
        "kind": faults.kind_of(error),
        "message": _writable(faults.told(error)[:MESSAGE_LENGTH]),
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
    parser.add_argument("--began", type=float, default=time.monotonic(), help="when it was started: time.monotonic()")
    options = parser.parse_args(arguments)
    die_with_parent(options.parent)
    # What numba compiles is kept beside the data: the project's own folder may be read-only.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(store.data_home() / "compiled"))
    faulthandler.enable()  # a crash in a library says where it was, among the output
    families = [name for name in options.warm.split(",") if name]
    Trainer(Channel()).serve(families, options.dataset, began=options.began)


if __name__ == "__main__":
    main()
