"""Courses, their groups, and the people in them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person who can log in; instructors have `is_staff`."""

    student_number = models.CharField(max_length=32, blank=True)

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username

    def group_in(self, course: Course) -> Group | None:
        """The group that this person submits for in `course`."""
        return Group.objects.filter(memberships__user=self, memberships__course=course).first()


class CourseQuerySet(models.QuerySet["Course"]):
    def current(self) -> CourseQuerySet:
        return self.filter(archived=False)


class Course(models.Model):
    """A name and a term; owns groups and quests. Archived: read-only."""

    name = models.CharField(max_length=120)
    term = models.CharField(max_length=40, blank=True)
    archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = CourseQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "term"], name="course_once_a_term")]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} {self.term}".strip()

    @cached_property
    def time_zone(self) -> str:
        """The newest quest's time zone, used for things that belong to no quest, such as tokens."""
        newest = self.quests.order_by("-created_at").values_list("time_zone", flat=True).first()
        return newest or settings.TIME_ZONE

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Group(models.Model):  # type: ignore[django-manager-missing]
    """A team of users within a course; owns submissions."""

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="groups")
    name = models.CharField(max_length=60)
    pseudonym = models.CharField(
        max_length=60, blank=True, help_text="Shown to other groups where a quest hides names."
    )
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="teams"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["course", "name"], name="group_name_once_a_course"),
            models.UniqueConstraint(
                fields=["course", "pseudonym"], condition=~models.Q(pseudonym=""), name="pseudonym_once_a_course"
            ),
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user in a group. `course` repeats the group's, so that the database can enforce one group per course."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="memberships")
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "course"], name="one_group_a_course")]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"


class Invitation(models.Model):
    """A one-time invitation to a group. Only the SHA-256 digest of its code is stored; the code is shown once."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"invitation to {self.group}"

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.expires_at > timezone.now()


class ApiToken(AbstractAuthToken):
    """A member's token, which acts for one group. Only its SHA-512 digest is stored; the token is shown once."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="tokens", null=True, blank=True)
    name = models.CharField(max_length=60, default="token")
    scope = models.CharField(
        max_length=20, choices=[("submit", _("read and submit")), ("read", _("read"))], default="submit"
    )
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = AuthTokenManager()

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"
