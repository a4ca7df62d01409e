"""The history of the instructors' desk: what no submission's own history tells."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from submissions.database import clock
from submissions.models.people import Course, User


class DeskEvent(models.Model):
    """One thing that an instructor did: time, actor, what, to whom or what. Rows are only added."""

    class Kind(models.TextChoices):
        COURSE_CREATED = "course_created", _("created the course")
        COURSE_ARCHIVED = "course_archived", _("archived the course")
        COURSE_RESTORED = "course_restored", _("brought back the course")
        COURSE_PURGED = "course_purged", _("erased the personal data of")
        TERM_STARTED = "term_started", _("started the term")
        GROUP_CREATED = "group_created", _("created the group")
        IMPORTED = "imported", _("imported a class list into")
        QUEST_CREATED = "quest_created", _("created the quest")
        QUEST_CHANGED = "quest_changed", _("changed the quest")
        QUEST_MOVED = "quest_moved", _("moved the quest")
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
        User, on_delete=models.SET_NULL, null=True, related_name="+", help_text="Whose login it was about."
    )
    subject = models.CharField(max_length=200, blank=True, help_text="What it was about, by name; never a student.")
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

        `user` is who acted; `actor` names a part of the service that acted by itself.
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
