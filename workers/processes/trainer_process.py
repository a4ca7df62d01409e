"""The supervisor's side of a trainer: starts it, sends it jobs, receives its events, watches it and ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import psutil

from submissions.processes.json_lines_child import ChildGone, JsonLinesChild
from workers.processes.output_tail import OutputTail
from workers.processes.protocol import DEVICE, THREADS, TrainerEvent, TrainerJob

PROJECT = Path(__file__).resolve().parents[2]

# TensorFlow takes its threads once, as it loads. The other libraries take an upper limit, and fewer for each run.
FIXED_THREADS = (THREADS, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
MOST_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


class TrainerGone(RuntimeError):
    """The trainer has ended or does not respond."""


class TrainerProcess(JsonLinesChild):
    """One trainer. Start it from the main thread: the kernel ends it when the *thread* that started it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0
        self.threads = 0
        self._output: OutputTail | None = None

    def start(
        self,
        *,
        threads: int,
        most: int = 0,
        device: str = "cpu",
        warm: Sequence[str] = (),
        dataset: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start a fresh interpreter; `env` is added to this process's environment.

        A job runs on `threads` threads unless it sets another number, at most `most`.
        """
        command = [sys.executable, "-m", "workers.trainer", "--parent", str(os.getpid())]
        command += ["--warm", ",".join(warm), "--dataset", dataset, "--began", str(time.monotonic())]
        environ = {**os.environ, **environment(threads, max(threads, most), device), **(env or {})}
        process = self.launch(command, env=environ, stderr=subprocess.PIPE)
        self.runs, self.threads = 0, threads
        assert process.stderr
        self._output = OutputTail(process.stderr)

    @property
    def output_tail(self) -> str:
        """The last 64 KB that the trainer and its libraries have printed since its latest job to train."""
        return str(self._output or "")

    def send(self, job: TrainerJob) -> None:
        """Send a job; raises TrainerGone if the trainer does not take it."""
        if not self.alive():
            raise TrainerGone(f"it has ended already (exit code {self.exit_code}).")
        if job["do"] == "train" and self._output:
            self._output.clear()  # output about another group's model must not be kept with this one's
        try:
            self.write_line({"sent": time.monotonic(), **job})
        except ChildGone as error:
            raise TrainerGone(f"it no longer reads its input: {error}.") from error
        self.runs += job["do"] == "train"

    def receive(self, timeout: float) -> TrainerEvent | None:
        """The next event, or None if there is none within `timeout` seconds.

        After a dead trainer's last event every call returns an `exited` event at once.
        """
        deadline = time.monotonic() + timeout
        try:
            while (line := self.read_line(deadline=deadline)) is not None:
                if event := parse_event(line):
                    return event
        except ChildGone:
            self.kill()
            return {"event": "exited", "code": self.exit_code}
        return None

    def memory_bytes(self) -> int:
        """Resident memory of the trainer and its children; 0 if it is gone."""
        with suppress(psutil.Error):
            trainer = psutil.Process(self.pid)
            return sum(_resident_bytes(process) for process in (trainer, *trainer.children(recursive=True)))
        return 0

    def kill(self) -> None:
        """End the trainer and everything that it started, and keep what it printed last."""
        if not self._ended:
            super().kill()
            if self._output:
                self._output.join(timeout=1)


def parse_event(line: bytes) -> TrainerEvent | None:
    """The event on this line; None if the line is something else."""
    with suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict) and "event" in event:
            return cast(TrainerEvent, event)
    return None


def environment(threads: int, most: int, device: str) -> dict[str, str]:
    """The variables that tell the trainer and its libraries their device and how many threads they may use."""
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        DEVICE: device,
        **dict.fromkeys(FIXED_THREADS, str(threads)),
        **dict.fromkeys(MOST_THREADS, str(most)),
        **({"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {}),
    }


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
