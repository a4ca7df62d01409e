"""Workers, the hardware they run on, attempts, scores and insights."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Hardware(models.Model):
    """A normalised description of a machine or GPU, shared by the attempts that ran on it."""

    key = models.CharField(max_length=64, unique=True, help_text="A hash of the other columns.")
    cpu_model = models.CharField(max_length=200)
    cores = models.PositiveIntegerField(help_text="Logical cores.")
    physical_cores = models.PositiveIntegerField(null=True)
    instruction_sets = models.JSONField(default=list)
    ram_bytes = models.BigIntegerField()
    os = models.CharField(max_length=200)
    gpu_name = models.CharField(max_length=200, blank=True)
    gpu_memory_bytes = models.BigIntegerField(null=True)
    gpu_driver = models.CharField(max_length=60, blank=True)
    cuda = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name_plural = "hardware"

    def __str__(self) -> str:
        return self.gpu_name or f"{self.cpu_model}, {self.cores} cores"

    def label(self, device: str) -> str:
        """The name shown on board and feed for a run on `device`."""
        return self.gpu_name if device == "gpu" and self.gpu_name else f"{self.cpu_model}, {self.cores} cores"


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> WorkerQuerySet:
        since = Now() - Value(timedelta(seconds=settings.WORKER_ALIVE_SECONDS))
        return self.filter(stopped_at=None, last_seen_at__gte=since)

    def serving(self) -> WorkerQuerySet:
        """Workers that are alive and neither paused nor drained."""
        return self.alive().filter(duty=Duty.ON)


class Duty(models.TextChoices):
    """Whether a worker takes runs; instructors change it."""

    ON = "on", _("takes runs")
    PAUSED = "paused", _("finishes its current runs, takes no more")
    DRAINED = "drained", _("releases its runs, takes no more")


class Worker(models.Model):
    """One start of one Celery worker."""

    name = models.CharField(max_length=200, help_text="Celery's node name.")
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    device = models.CharField(max_length=10)
    slots = models.PositiveIntegerField(default=1)
    version = models.CharField(max_length=40)
    duty = models.CharField(max_length=10, choices=Duty, default=Duty.ON)
    hardware = models.ForeignKey(Hardware, on_delete=models.PROTECT, related_name="workers")
    started_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)
    reaped_at = models.DateTimeField(
        null=True, help_text="When this upkeep worker last checked the queue for expired leases."
    )

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return self.name


class Exit(models.TextChoices):
    """How an attempt ended."""

    SCORED = "scored", _("Scored")
    ERROR = "error", _("error in training")
    TIMED_OUT = "timed_out", _("time limit")
    OUT_OF_MEMORY = "out_of_memory", _("out of memory")
    CRASHED = "crashed", _("trainer crashed")
    LOST = "lost", _("worker lost")
    DRAINED = "drained", _("worker shut down")
    CANCELLED = "cancelled", _("Cancelled")


class Attempt(models.Model):
    """One attempt of a worker to run a submission. All `_s` fields are seconds by a monotonic clock."""

    submission = models.ForeignKey("submissions.Submission", on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    lease = models.UUIDField(unique=True)
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="attempts")
    hardware = models.ForeignKey(Hardware, on_delete=models.PROTECT, related_name="attempts")
    device = models.CharField(max_length=10)
    engine = models.CharField(max_length=20)
    engine_version = models.CharField(max_length=80, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    exit = models.CharField(max_length=20, choices=Exit, blank=True)
    counted = models.BooleanField(default=False, help_text="Counts towards the submission's limit of attempts.")
    reason = models.TextField(blank=True)
    progress = models.JSONField(default=dict, help_text="The trainer's latest progress report while it runs.")

    queue_wait_s = models.FloatField(null=True)
    startup_s = models.FloatField(null=True)
    data_load_s = models.FloatField(null=True)
    preprocess_s = models.FloatField(null=True, help_text="Scaling, PCA and the like, before the training time.")
    first_step_s = models.FloatField(null=True, help_text="Tracing and compilation, within the training time.")
    train_s = models.FloatField(null=True)
    predict_s = models.FloatField(null=True)
    total_s = models.FloatField(null=True)
    cpu_s = models.FloatField(null=True, help_text="CPU seconds, children included.")
    peak_memory_bytes = models.BigIntegerField(null=True)
    epochs = models.JSONField(default=list)
    threads_asked = models.IntegerField(null=True)
    threads_used = models.IntegerField(null=True)
    load_average = models.FloatField(null=True)
    other_runs = models.IntegerField(null=True, help_text="Other runs on the host when this one began.")
    contended = models.BooleanField(null=True, help_text="Other processes were using the CPU.")
    exclusive = models.BooleanField(default=False, help_text="The run had its machine and all cores to itself.")
    stock_predicted_s = models.FloatField(
        null=True,
        help_text="Predicted seconds of training and scoring with the stock engine on this machine.",
    )
    seed = models.BigIntegerField(null=True)
    versions = models.JSONField(default=dict)
    data_checksum = models.CharField(max_length=64, blank=True)
    energy_joules = models.FloatField(null=True)
    energy_method = models.CharField(max_length=20, blank=True)
    traceback = models.TextField(blank=True)
    output = models.TextField(blank=True, help_text="The last 64 KB of what the trainer printed.")

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["submission", "number"], name="attempt_number_once"),
            models.UniqueConstraint(
                fields=["submission"], condition=Q(ended_at=None), name="one_attempt_going_a_submission"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, exit="") | (Q(ended_at__isnull=False) & ~Q(exit="")),
                name="attempt_ended_has_exit",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} at {self.submission_id}"

    @property
    def hardware_label(self) -> str:
        return self.hardware.label(self.device)


class Score(models.Model):
    """The score of the attempt that finished. `errors` is a list of [test index, predicted class]."""

    submission = models.OneToOneField("submissions.Submission", on_delete=models.CASCADE, related_name="score")
    attempt = models.OneToOneField(Attempt, on_delete=models.CASCADE, related_name="score")
    correct = models.PositiveIntegerField()
    total = models.PositiveIntegerField()
    private_correct = models.PositiveIntegerField(default=0)
    private_total = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(correct__lte=F("total"), total__gt=0), name="score_within_total"),
            models.CheckConstraint(
                condition=Q(private_correct__lte=F("private_total")), name="score_private_within_total"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.correct}/{self.total}"

    @property
    def accuracy(self) -> float:
        return self.correct / self.total

    @property
    def private_accuracy(self) -> float | None:
        return self.private_correct / self.private_total if self.private_total else None


class Insight(models.Model):
    """Data for pictures of a trained model, at most 200 KB, collected by the trainer after the timing has ended."""

    submission = models.OneToOneField("submissions.Submission", on_delete=models.CASCADE, related_name="insight")
    data = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"insight of {self.submission_id}"
