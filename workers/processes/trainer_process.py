"""The supervisor's end of a trainer: starts it, talks to it in JSON lines, watches it and ends it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from workers.processes.output_tail import LastWords
from workers.processes.protocol import DEVICE, THREADS, Message

PROJECT = Path(__file__).resolve().parents[2]
READ_BYTES = 1 << 16

FIXED_THREADS = (THREADS, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
MOST_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


class TrainerGone(RuntimeError):
    """There is no trainer to talk to."""


class TrainerProcess:
    """One trainer. Start it from the main thread: the kernel ends it when the *thread* that started it ends."""

    def __init__(self) -> None:
        self.runs = 0
        self.threads = 0
        self._killed = True
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = bytearray()
        self._output: LastWords | None = None

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
        """Start a fresh interpreter in its own session; `env` is added to this process's environment.

        A job has `threads`, unless it says otherwise; `most` is the most that one may say.
        """
        command = [sys.executable, "-m", "workers.trainer", "--parent", str(os.getpid())]
        command += ["--warm", ",".join(warm), "--dataset", dataset, "--began", str(time.monotonic())]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment(threads, max(threads, most), device), **(env or {})},
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.runs, self.threads = 0, threads
        self._unread = bytearray()
        self._killed = False
        if self._process.stderr:
            self._output = LastWords(self._process.stderr)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """None while it lives or before it was started; −9 for SIGKILL, as `subprocess` has it."""
        return self._process.poll() if self._process else None

    @property
    def output_tail(self) -> str:
        """The last 64 KB that the trainer and its libraries printed since they were given this job."""
        return str(self._output or "")

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, job: Mapping[str, Any]) -> None:
        """Hand over a job; raises TrainerGone if nobody takes it."""
        if not self.alive():
            raise TrainerGone(f"it has ended already (exit code {self.exit_code}).")
        if job.get("do") == "train" and self._output:
            self._output.forget()  # what was said about another group's model is none of this one's
        try:
            os.write(self._pipe("stdin"), json.dumps({"sent": time.monotonic(), **job}).encode() + b"\n")
        except OSError as error:
            raise TrainerGone(f"it does not listen any more: {error}.") from error
        self.runs += job.get("do") == "train"

    def receive(self, timeout: float) -> Message | None:
        """The next message, or None if there is none within `timeout` seconds.

        After a dead trainer's last message every call gives {"event": "exited", "code": …} at once.
        """
        deadline = time.monotonic() + timeout
        while (message := self._next_message()) is None:
            chunk = self._read(max(0.0, deadline - time.monotonic()))
            if chunk is None:
                return None
            if not chunk:
                self.kill()
                return {"event": "exited", "code": self.exit_code}
            self._unread += chunk
        return message

    def memory_bytes(self) -> int:
        """Resident memory of the trainer and its children; 0 if it is gone."""
        with suppress(psutil.Error):
            trainer = psutil.Process(self.pid)
            return sum(_resident(process) for process in (trainer, *trainer.children(recursive=True)))
        return 0

    def kill(self) -> None:
        """End the trainer and whatever it started, at once; nothing happens if that was done already."""
        if not self._process or self._killed:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._killed = True
        if self._output:
            self._output.join(timeout=1)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _pipe(self, name: str) -> int:
        pipe = getattr(self._process, name)
        return int(pipe.fileno())

    def _read(self, timeout: float) -> bytes | None:
        """What the trainer has sent, None if that is nothing yet, or no bytes at all once it is gone."""
        if self._killed:
            return b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._pipe("stdout"), selectors.EVENT_READ)
            return os.read(self._pipe("stdout"), READ_BYTES) if selector.select(timeout) else None

    def _next_message(self) -> Message | None:
        """Take the first whole line that is a message; lines that are none are passed over."""
        while b"\n" in self._unread:
            line, _, rest = self._unread.partition(b"\n")
            self._unread[:] = rest
            with suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict) and "event" in message:
                    return message
        return None


def environment(threads: int, most: int, device: str) -> dict[str, str]:
    """What tells the trainer and its libraries how many threads they may use, and on which device."""
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        DEVICE: device,
        **dict.fromkeys(FIXED_THREADS, str(threads)),
        **dict.fromkeys(MOST_THREADS, str(most)),
        **({"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {}),
    }


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
