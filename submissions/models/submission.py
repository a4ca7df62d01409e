"""Submissions and their history."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from submissions.models.people import Group, User
from submissions.models.quests import Quest
from submissions.models.runs import Attempt
from submissions.specs import engines
from submissions.specs.spec import Spec
from submissions.specs.validation import validate

LONGEST_NOTE = 2000  # characters


class State(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    SCORED = "scored", _("Scored")
    FAILED = "failed", _("Failed")
    TIMED_OUT = "timed_out", _("timed out")
    CANCELLED = "cancelled", _("Cancelled")


LIVE = (State.QUEUED, State.RUNNING)


class Device(models.TextChoices):
    CPU = "cpu", "CPU"
    GPU = "gpu", "GPU"
    AUTO = "auto", _("whichever is free")


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def live(self) -> SubmissionQuerySet:
        return self.filter(state__in=LIVE)

    def scored(self) -> SubmissionQuerySet:
        return self.filter(state=State.SCORED)

    def competing(self) -> SubmissionQuerySet:
        """Groups' submissions that are not disqualified; of a submission and its re-runs, only the run that counts."""
        return self.filter(out_of_competition=False, counts=True, disqualified=False)

    def visible_to(self, user: User) -> SubmissionQuerySet:
        """Submissions that `user` may see in full: those of their groups and their own, or all for an instructor."""
        if user.is_staff:
            return self
        return self.filter(Q(group__memberships__user=user) | Q(submitter=user)).distinct()

    def with_runs(self) -> SubmissionQuerySet:
        """Prefetch everything that a table row shows; three queries in all."""
        latest = Attempt.objects.select_related("hardware", "worker").order_by("number")
        return self.select_related("quest", "group", "submitter", "score").prefetch_related(
            models.Prefetch("attempts", queryset=latest)
        )


class Submission(models.Model):
    """A group's model in a quest. Only `submissions.queue.lifecycle` changes its state, lease and result."""

    quest = models.ForeignKey(Quest, on_delete=models.PROTECT, related_name="submissions")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="submissions", null=True)
    submitter = models.ForeignKey(User, on_delete=models.SET_NULL, related_name="submissions", null=True)
    out_of_competition = models.BooleanField(default=False)

    family = models.CharField(max_length=30)
    spec = models.JSONField()
    notation = models.TextField(help_text="The model as a person would type it.")
    headline = models.TextField(help_text="The notation's first statement, shown on board and feed.")
    parameters = models.BigIntegerField(null=True, help_text="Trainable and fixed, for a network.")
    device = models.CharField(max_length=10, choices=Device, default=Device.CPU)
    engine = models.CharField(max_length=20, choices=engines.choices, default=engines.STOCK)
    seed = models.BigIntegerField(help_text="The trainer's seed where the spec sets none.")
    note = models.TextField(blank=True, help_text="The group's own note, visible to the group and instructors.")

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    cancel_asked = models.BooleanField(default=False, editable=False)
    correct = models.PositiveIntegerField(null=True, editable=False)
    total = models.PositiveIntegerField(null=True, editable=False)
    reason = models.TextField(blank=True, editable=False, help_text="Why it ended as it did.")

    submitted_at = models.DateTimeField(default=timezone.now, editable=False)
    ranked_at = models.DateTimeField(
        editable=False, help_text="The time that counts for deadline and ties; a re-run keeps the original's."
    )
    finished_at = models.DateTimeField(null=True, editable=False)
    refunded = models.BooleanField(default=False, editable=False, help_text="Does not count towards the quota.")
    rerun_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="reruns", editable=False)
    counts = models.BooleanField(
        default=True, editable=False, help_text="Of a submission and its re-run, instructors choose which counts."
    )
    final = models.BooleanField(
        default=False, editable=False, help_text="Marked by its group for the final ranking by private score."
    )
    disqualified = models.BooleanField(default=False, editable=False, help_text="By an instructor; the event says why.")
    idempotency_key = models.CharField(max_length=200, null=True, editable=False)
    idempotency_body = models.CharField(max_length=64, blank=True, editable=False)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=State.RUNNING, lease__isnull=False, lease_until__isnull=False)
                | (~Q(state=State.RUNNING) & Q(lease=None, lease_until=None)),
                name="running_has_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(state=State.SCORED, correct__isnull=False, total__isnull=False)
                | (~Q(state=State.SCORED) & Q(correct=None, total=None)),
                name="scored_has_a_result",
            ),
            models.CheckConstraint(condition=Q(correct=None) | Q(correct__lte=F("total")), name="correct_within_total"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="submission_state_known"),
            models.CheckConstraint(condition=Q(device__in=Device.values), name="submission_device_known"),
            models.CheckConstraint(
                condition=Q(group__isnull=False) | Q(out_of_competition=True), name="who_competes_has_a_group"
            ),
            models.UniqueConstraint(fields=["submitter", "idempotency_key"], name="idempotency_key_once"),
        ]
        indexes = [
            models.Index(fields=["state", "device", "submitted_at"], name="claim_order"),
            models.Index(fields=["quest", "state", "-correct", "ranked_at"], name="board_order"),
            models.Index(fields=["group", "submitted_at"], name="quota_count"),
        ]

    def __str__(self) -> str:
        return f"submission {self.pk} ({self.state})"

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def accuracy(self) -> float | None:
        """The public score, 0 to 1; None while there is none."""
        return self.correct / self.total if self.correct is not None and self.total else None

    @property
    def model(self) -> Spec:
        return validate(self.spec, dataset=self.quest.dataset, offered_only=False)

    @property
    def owner_name(self) -> str:
        return self.group.name if self.group else gettext("instructors")

    @property
    def last_attempt(self) -> Attempt | None:
        attempts = list(self.attempts.all())
        return attempts[-1] if attempts else None


class Event(models.Model):
    """One line of a submission's history. Every move writes one in the same transaction."""

    class Kind(models.TextChoices):
        SUBMITTED = "submitted"
        CLAIMED = "claimed"
        REQUEUED = "requeued"
        CANCEL_ASKED = "cancel_asked"
        CANCELLED = "cancelled"
        SCORED = "scored"
        FAILED = "failed"
        TIMED_OUT = "timed_out"
        RERUN = "rerun"
        COUNTS = "counts"
        COUNTS_NOT = "counts_not"
        FINAL = "final"
        NOT_FINAL = "not_final"
        DISQUALIFIED = "disqualified"
        REINSTATED = "reinstated"

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=20, choices=Kind)
    actor = models.CharField(max_length=200, help_text="A user's name, a worker's, or the reaper.")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    attempt = models.ForeignKey(Attempt, on_delete=models.SET_NULL, null=True, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%d/%m %H:%M} {self.kind} by {self.actor}"
