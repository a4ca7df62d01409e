"""The protocol between supervisor and trainer: one JSON object a line, jobs on stdin and events on stdout.

The shapes below are what is on the wire. The result is also on disk (`workers.supervisor.result_spool`), where an
older version may have left one: its reader must expect that newer keys are missing.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

# Environment variables, because the libraries read them as they load: the device, and how many threads a run has
# unless its job says otherwise.
DEVICE, THREADS = "QUEST_DEVICE", "QUEST_THREADS"

FailureKind = Literal["memory", "platform", "error"]  # `workers.trainer.faults` explains them


class Unfit(Exception):
    """This worker lacks what a run needs; another one may have it."""


class TrainJob(TypedDict):
    do: Literal["train"]
    attempt: int
    spec: dict[str, Any]
    engine: str
    dataset: str
    seed: int
    device: str
    private_share: float
    split_seed: int
    threads: NotRequired[int]
    sent: NotRequired[float]  # when it was handed over, on `time.monotonic`'s clock


class WarmJob(TypedDict):
    """Import these families' libraries and read the data set before a job needs them."""

    do: Literal["warm"]
    families: NotRequired[list[str]]
    dataset: NotRequired[str]
    sent: NotRequired[float]


TrainerJob = TrainJob | WarmJob


class CorrectCount(TypedDict):
    correct: int
    total: int


class RunSeconds(TypedDict):
    """Seconds of each phase of a run; `workers.trainer.scoring.score` says what they include."""

    startup_s: float
    data_load_s: float
    preprocess_s: float | None
    train_s: float
    predict_s: float
    first_step_s: float | None
    total_s: float
    cpu_s: float


class EnergyReading(TypedDict):
    method: str  # see `workers.probes.energy.start`
    joules: float | None


class Answers(TypedDict):
    public: CorrectCount
    private: CorrectCount
    errors: list[list[int]]  # [index of the test image, predicted label]


class HostReadings(TypedDict):
    """Other work on the host during the run; see `workers.probes.usage.HostLoad`."""

    load_average: float
    other_runs: int
    other_cores: float
    contended: bool


class Measurements(HostReadings):
    timing: RunSeconds
    stock_predicted_s: float | None
    peak_memory_bytes: int
    threads_asked: int
    threads_used: int
    epochs: list[dict[str, Any]]
    energy: EnergyReading


class Provenance(TypedDict):
    """Everything needed to repeat a run."""

    seed: int
    device: str
    engine: str
    engine_version: str
    versions: dict[str, str]
    data_checksum: str
    parameters: int | None


class TrainerResult(Answers, Measurements, Provenance):
    insight: dict[str, Any]
    output: NotRequired[str]  # the end of what the trainer printed, which the supervisor adds


class ReadyEvent(TypedDict):
    """The trainer reads jobs."""

    event: Literal["ready"]
    pid: int
    startup_s: float


class WarmedEvent(TypedDict):
    event: Literal["warmed"]
    seconds: float


class StartedEvent(TypedDict):
    """`fit` begins."""

    event: Literal["started"]
    attempt: NotRequired[int]


class ProgressEvent(TypedDict):
    event: Literal["progress"]
    phase: str  # fit or predict
    done: float  # share, 0 to 1
    epoch: NotRequired[int]  # counted from 1
    epochs: NotRequired[int]
    seconds: NotRequired[float]  # of this epoch
    loss: NotRequired[float | None]  # None if it is not finite; the same holds for the other figures
    accuracy: NotRequired[float | None]
    val_loss: NotRequired[float | None]
    val_accuracy: NotRequired[float | None]
    attempt: NotRequired[int]


class DoneEvent(TypedDict):
    event: Literal["done"]
    result: TrainerResult
    attempt: NotRequired[int]


class FailedEvent(TypedDict):
    event: Literal["failed"]
    kind: FailureKind
    message: str
    traceback: str
    attempt: NotRequired[int]


class ExitedEvent(TypedDict):
    """The trainer has ended. `TrainerProcess.receive` creates this event itself."""

    event: Literal["exited"]
    code: int | None


class LateEvent(TypedDict):
    """The replay command stopped the run: it took too long."""

    event: Literal["late"]


# A report comes from within a run; the trainer adds the attempt to it.
RunReport = StartedEvent | ProgressEvent
TrainerEvent = ReadyEvent | WarmedEvent | StartedEvent | ProgressEvent | DoneEvent | FailedEvent | ExitedEvent
