"""The history of the instructors' desk, for everything that is not part of a submission's own history."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from submissions.database import clock
from submissions.models.people import Course, User


class DeskEvent(models.Model):
    """One action of an instructor: time, actor, kind and subject. Rows are only ever added."""

    class Kind(models.TextChoices):
        COURSE_CREATED = "course_created", _("created the course")
        COURSE_ARCHIVED = "course_archived", _("archived the course")
        COURSE_RESTORED = "course_restored", _("restored the course")
        COURSE_PURGED = "course_purged", _("erased the personal data of")
        TERM_STARTED = "term_started", _("started the term")
        GROUP_CREATED = "group_created", _("created the group")
        IMPORTED = "imported", _("imported a class list into")
        QUEST_CREATED = "quest_created", _("created the quest")
        QUEST_CHANGED = "quest_changed", _("changed the quest")
        QUEST_MOVED = "quest_moved", _("changed the status of the quest")
        ANNOUNCED = "announced", _("announced in")
        EXTENDED = "extended", _("gave an extension to")
        LOGIN_RESET = "login_reset", _("reset the login of")
        LOGIN_UNLOCKED = "login_unlocked", _("unlocked the login")
        WORKER_PAUSED = "worker_paused", _("paused the worker")
        WORKER_DRAINED = "worker_drained", _("drained the worker")
        WORKER_RESUMED = "worker_resumed", _("resumed the worker")

    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=20, choices=Kind)
    actor = models.CharField(max_length=200, help_text="The instructor's name.")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    course = models.ForeignKey(Course, on_delete=models.SET_NULL, null=True, related_name="+")
    person = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", help_text="The person whose login was changed."
    )
    subject = models.CharField(
        max_length=200, blank=True, help_text="Name of the course, group, quest or worker; never a student's."
    )
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%d/%m %H:%M} {self.actor} {self.kind} {self.about}"

    @classmethod
    def record(
        cls,
        kind: Kind,
        *,
        user: User | None = None,
        actor: str = "",
        subject: object = "",
        person: User | None = None,
        course: Course | None = None,
        detail: str = "",
    ) -> DeskEvent:
        """Add one line to the desk's history, within the caller's transaction.

        `user` is the person who acted; `actor` names the part of the service if it acted by itself.
        """
        return cls._default_manager.create(
            kind=kind,
            at=clock.now(),
            actor=user.display_name if user else actor,
            user=user,
            subject=str(subject)[:200],
            person=person,
            course=course,
            detail=detail,
        )

    @property
    def about(self) -> str:
        return self.person.username if self.person else self.subject
