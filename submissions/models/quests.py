"""A quest: one competition round."""

from __future__ import annotations

import secrets
from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from submissions.models.people import Course, Group, User
from submissions.specs import engines
from submissions.specs.spec import Limits

DATASETS = [("mnist", "MNIST"), ("fashion-mnist", "Fashion-MNIST"), ("digits", _("digits (8×8)"))]
LOCKED_BY_SUBMISSIONS = ("dataset", "split_seed", "private_share")


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        words = gettext("%(name)s is not a time zone; use a name like Europe/Copenhagen.")
        raise ValidationError(words % {"name": name})


def default_time_zone() -> str:
    return settings.TIME_ZONE


def any_split() -> int:
    """A random seed: the share is public, so anyone who guessed the seed could work out the private images."""
    return secrets.randbelow(2**31)


class ModelsShown(models.TextChoices):
    """From when everybody may read every group's model."""

    ALWAYS = "always", _("always")
    FROM = "from", _("from a date")
    AFTER_CLOSING = "after_closing", _("after closing")


class QuestState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")
    REVEALED = "revealed", _("Revealed")
    ARCHIVED = "archived", _("Archived")


QUEST_MOVES: dict[str, frozenset[str]] = {
    QuestState.DRAFT: frozenset({QuestState.OPEN}),
    QuestState.OPEN: frozenset({QuestState.CLOSED}),
    QuestState.CLOSED: frozenset({QuestState.OPEN, QuestState.REVEALED}),
    QuestState.REVEALED: frozenset({QuestState.ARCHIVED}),
    QuestState.ARCHIVED: frozenset(),
}


class QuestQuerySet(models.QuerySet["Quest"]):
    def published(self) -> QuestQuerySet:
        return self.exclude(state=QuestState.DRAFT)

    def visible_to(self, user: User | AnonymousUser | None) -> QuestQuerySet:
        """Quests that `user` may see; only instructors see drafts."""
        return self.all() if user is not None and user.is_staff else self.published()

    def accepting(self, at: datetime | None = None) -> QuestQuerySet:
        """Quests that take submissions at this moment."""
        at = at or timezone.now()
        return self.filter(
            Q(opens_at=None) | Q(opens_at__lte=at),
            Q(closes_at=None) | Q(closes_at__gt=at),
            state=QuestState.OPEN,
            course__archived=False,
        )


class Quest(models.Model):
    """Data set, split, opening and closing times, quotas and limits. Only `quests.lifecycle` changes its state."""

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="quests")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=QuestState, default=QuestState.DRAFT, editable=False)
    announcement = models.TextField(blank=True, help_text=_("Shown above the board."))
    announced_at = models.DateTimeField(null=True, editable=False, help_text="When the announcement was posted.")
    dataset = models.CharField(_("data set"), max_length=20, choices=DATASETS, default="mnist")
    private_share = models.FloatField(
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(0.9)],
        help_text=_("Share of the test images kept private until the reveal, 0 to 0.9."),
    )
    split_seed = models.PositiveIntegerField(default=any_split, help_text=_("Chooses which test images are private."))
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, default=default_time_zone, validators=[validate_time_zone])

    daily_quota = models.PositiveIntegerField(
        null=True, blank=True, default=20, help_text=_("Submissions per group and day; leave blank for no limit.")
    )
    min_interval_seconds = models.PositiveIntegerField(
        default=0, help_text=_("Minimum time between two submissions of a group.")
    )
    group_limit = models.PositiveIntegerField(
        default=2, validators=[MinValueValidator(1)], help_text=_("Runs that one group may have at the same time.")
    )
    run_seconds = models.PositiveIntegerField(
        default=3600, validators=[MinValueValidator(10)], help_text=_("A run that takes longer is stopped.")
    )
    memory_mb = models.PositiveIntegerField(
        default=8192, validators=[MinValueValidator(512)], help_text=_("A run that needs more memory is stopped.")
    )
    engine_policy = models.CharField(
        _("engine"), max_length=20, choices=engines.policy_choices, default=engines.ACCELERATED
    )
    exclusive = models.BooleanField(
        _("exclusive runs"), default=False, help_text=_("Each run has a machine and all its cores to itself.")
    )
    board_needs_exclusive = models.BooleanField(
        _("only exclusive runs on the board"),
        default=False,
        help_text=_("A run that shared its machine is scored but not ranked."),
    )
    models_shown = models.CharField(
        _("models are shown"), max_length=20, choices=ModelsShown, default=ModelsShown.ALWAYS
    )
    models_shown_from = models.DateTimeField(_("from"), null=True, blank=True)
    pseudonyms = models.BooleanField(default=False, help_text=_("Groups see each other under pseudonyms."))
    final_runs = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("How many submissions a group may mark as final; the best private score among them counts."),
    )
    frozen_at = models.DateTimeField(
        null=True, editable=False, help_text="Everybody but instructors sees the board as of this time."
    )
    max_epochs = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    max_parameters = models.PositiveBigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    max_trees = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = QuestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["course", "name"], name="quest_name_once_a_course"),
            models.CheckConstraint(
                condition=Q(private_share__gte=0) & Q(private_share__lte=0.9), name="quest_private_share_in_range"
            ),
            models.CheckConstraint(
                condition=Q(opens_at=None) | Q(closes_at=None) | Q(opens_at__lt=F("closes_at")),
                name="quest_opens_before_it_closes",
                violation_error_message=_("A quest opens before it closes."),
            ),
            models.CheckConstraint(
                condition=~Q(models_shown=ModelsShown.FROM) | Q(models_shown_from__isnull=False),
                name="models_shown_from_a_date",
                violation_error_message=_("Give the date from which the models are shown."),
            ),
            models.CheckConstraint(condition=Q(state__in=QuestState.values), name="quest_state_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def limits(self) -> Limits:
        return Limits(epochs=self.max_epochs, parameters=self.max_parameters, trees=self.max_trees, owner="quest")

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that a submission may ask for, the default first."""
        return engines.allowed(self.engine_policy)

    @property
    def default_engine(self) -> str:
        return self.engines[0]

    @property
    def is_open(self) -> bool:
        return Quest.objects.accepting().filter(pk=self.pk).exists()

    @property
    def is_archived(self) -> bool:
        """Whether the quest or its course is archived: everything in it is then read-only."""
        return self.state == QuestState.ARCHIVED or self.course.archived

    @property
    def is_revealed(self) -> bool:
        return self.state in (QuestState.REVEALED, QuestState.ARCHIVED)

    @property
    def has_submissions(self) -> bool:
        return self.pk is not None and self.submissions.exists()

    def clean(self) -> None:
        super().clean()
        if self.board_needs_exclusive and not self.exclusive:
            words = gettext("This needs exclusive runs, or no run would be ranked.")
            raise ValidationError({"board_needs_exclusive": words})
        if self.run_seconds is not None and self.run_seconds > settings.LONGEST_RUN_SECONDS:
            words = gettext("A run may take at most %(most)s seconds.")
            raise ValidationError({"run_seconds": words % {"most": f"{settings.LONGEST_RUN_SECONDS:,}"}})
        if not self.has_submissions:
            return
        before = Quest.objects.get(pk=self.pk)
        changed = [name for name in LOCKED_BY_SUBMISSIONS if getattr(before, name) != getattr(self, name)]
        if changed:
            raise ValidationError(dict.fromkeys(changed, gettext("Locked: this quest has submissions.")))


class Extension(models.Model):
    """A later deadline for one group, or more submissions on the day it was granted. Rows are only ever added."""

    quest = models.ForeignKey(Quest, on_delete=models.PROTECT, related_name="extensions")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="extensions")
    extra_submissions = models.PositiveIntegerField(default=0, help_text=_("For the day on which they are granted."))
    closes_at = models.DateTimeField(null=True, blank=True, help_text=_("The group's own deadline."))
    reason = models.TextField()
    granted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    granted_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["granted_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(extra_submissions__gt=0) | Q(closes_at__isnull=False),
                name="extension_extends",
                violation_error_message=_("Give more submissions, a later deadline, or both."),
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="extension_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"extension for {self.group} in {self.quest}"
