"""Forms of the desk: quests, courses and class lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from submissions.database import clock
from submissions.database.write_lock import writing
from submissions.groups.class_list import MAX_BYTES
from submissions.models import Course, DeskEvent, Device, Extension, Group, Quest, User
from submissions.models.quests import LOCKED_BY_SUBMISSIONS, default_time_zone, validate_time_zone
from submissions.queue.wakeups import QUEUES, wake

OPENING_TIMES = ("opens_at", "closes_at")
# Constraint of a quest → the field that shows its error.
FIELD_OF_CONSTRAINT = {"quest_opens_before_it_closes": "closes_at", "models_shown_from_a_date": "models_shown_from"}
DATETIMES = (*OPENING_TIMES, "models_shown_from")
SECTIONS = (
    (_("Quest"), ("course", "name", "announcement", "dataset", "private_share", "split_seed")),
    (_("Schedule"), ("time_zone", *OPENING_TIMES)),
    (_("Visibility"), ("models_shown", "models_shown_from", "pseudonyms", "final_runs")),
    (_("Submission limits"), ("daily_quota", "min_interval_seconds", "group_limit")),
    (_("Engine and machines"), ("engine_policy", "exclusive", "board_needs_exclusive")),
    (_("Run limits"), ("run_seconds", "memory_mb", "max_epochs", "max_parameters", "max_trees")),
)


def _date_time_input() -> forms.DateTimeInput:
    return forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"})


class QuestForm(forms.ModelForm):
    """An instructor's form for a quest. Times are entered in the quest's own time zone."""

    class Meta:
        model = Quest
        fields = tuple(name for _title, names in SECTIONS for name in names)
        labels = {
            "course": _("Course"),
            "name": _("Name"),
            "announcement": _("Announcement"),
            "private_share": _("Private share"),
            "split_seed": _("Split seed"),
            "time_zone": _("Time zone"),
            "opens_at": _("Opens at"),
            "closes_at": _("Closes at"),
            "daily_quota": _("Daily quota"),
            "min_interval_seconds": _("Seconds between submissions"),
            "group_limit": _("Runs at a time"),
            "engine_policy": _("Engine"),
            "run_seconds": _("Time per run (seconds)"),
            "memory_mb": _("Memory per run (MB)"),
            "models_shown": _("Models are shown"),
            "models_shown_from": _("Shown from"),
            "pseudonyms": _("Pseudonyms"),
            "final_runs": _("Finals per group"),
            "max_epochs": _("Maximum epochs"),
            "max_parameters": _("Maximum parameters"),
            "max_trees": _("Maximum trees"),
        }
        help_texts = {
            "time_zone": _("Applies to the times below, and to all times that groups see."),
            "opens_at": _("Leave empty to start when you open the quest."),
            "closes_at": _("Leave empty to close by hand. Submissions accepted by then still run and count."),
            "engine_policy": _("The default, and whether groups may choose the other. Finished runs stay as they are."),
            "models_shown": _("To everybody. Groups always see their own models, and instructors see all."),
            "models_shown_from": _("Only if models are shown from a date."),
            "pseudonyms": _("Groups see each other under names such as “Amber Heron”; instructors see the real names."),
            "final_runs": _("Only with private images: at the reveal, a group's best final on them counts."),
            "max_epochs": _("Leave empty for the service's limit."),
            "max_parameters": _("Leave empty for the service's limit."),
            "max_trees": _("Leave empty for the service's limit."),
        }
        widgets = {"announcement": forms.Textarea(attrs={"rows": 3})} | {name: _date_time_input() for name in DATETIMES}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in DATETIMES:
            if at := self.initial.get(name):
                self.initial[name] = _naive(at, self.instance.zone)
        if self.instance.pk:
            del self.fields["course"]
        else:
            self.fields["course"].queryset = Course.objects.current()  # type: ignore[attr-defined]
        if self.instance.has_submissions:
            for name in LOCKED_BY_SUBMISSIONS:
                # A form opened before the first submission still posts these; the model refuses changes to them.
                self.fields[name].disabled = name not in self.data
                self.fields[name].help_text = _("Locked: this quest has submissions.")

    def _clean_fields(self) -> None:
        with timezone.override(self._zone()):
            super()._clean_fields()  # type: ignore[misc]

    def _zone(self) -> ZoneInfo:
        """The time zone of the posted times. An invalid one is reported by its own field."""
        name = self.data.get("time_zone", "")
        try:
            validate_time_zone(name)
        except forms.ValidationError:
            name = default_time_zone()
        return ZoneInfo(name)

    def _update_errors(self, errors: forms.ValidationError) -> None:
        fields = {rule.violation_error_message: FIELD_OF_CONSTRAINT.get(rule.name) for rule in Quest._meta.constraints}
        for error in errors.error_dict.pop(NON_FIELD_ERRORS, []):
            self.add_error(fields.get(error.message), error)
        super()._update_errors(errors)  # type: ignore[misc]

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Pairs of heading and fields."""
        return [(str(title), [self[name] for name in names if name in self.fields]) for title, names in SECTIONS]

    def save(self, commit: bool = True) -> Quest:
        quest: Quest = self.instance
        # Only the form's fields: another request may have changed the quest's state since.
        names = list(self.fields)
        if "announcement" in self.changed_data:
            quest.announced_at = clock.now() if quest.announcement else None
            names.append("announced_at")
        quest.save(update_fields=names if quest.pk else None)
        wake(QUEUES[Device.AUTO])  # a higher limit may let waiting submissions start
        return quest


def save_quest(form: QuestForm, *, user: User) -> Quest | None:
    """Save the form; None if it is invalid. Holds the write lock, so that no submission arrives in between."""
    with writing():
        before = Quest.objects.filter(pk=form.instance.pk).first()
        if not form.is_valid():
            return None
        quest = form.save()
        kind = DeskEvent.Kind.QUEST_CHANGED if before else DeskEvent.Kind.QUEST_CREATED
        changes = _changes(before, quest, list(form.fields)) if before else ""
        if changes or not before:
            DeskEvent.record(kind, user=user, subject=quest, course=quest.course, detail=changes)
        return quest


def _changes(before: Quest, after: Quest, names: list[str]) -> str:
    """The changed fields, as `daily_quota: 20 → 10`."""
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in names]
    return "; ".join(f"{name}: {_brief(old)} → {_brief(new)}" for name, old, new in pairs if old != new)


def _brief(value: object) -> str:
    return "–" if value in (None, "") else Truncator(str(value)).chars(60)


class ExtensionForm(forms.ModelForm):
    """The extension of one group. Its deadline is entered in the quest's time zone."""

    class Meta:
        model = Extension
        fields = ("group", "extra_submissions", "closes_at", "reason")
        labels = {
            "group": _("Group"),
            "extra_submissions": _("Extra submissions today"),
            "closes_at": _("Own deadline"),
            "reason": _("Reason"),
        }
        help_texts = {"reason": _("Shown to the group.")}
        widgets = {"closes_at": _date_time_input(), "reason": forms.Textarea(attrs={"rows": 2, "maxlength": 500})}

    def __init__(self, *args: Any, quest: Quest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quest = quest
        self.fields["group"].queryset = quest.course.groups.all()  # type: ignore[attr-defined]
        self.fields["closes_at"].help_text = _("In %(zone)s. Leave empty for the quest's deadline.") % {
            "zone": quest.time_zone
        }

    def _clean_fields(self) -> None:
        with timezone.override(self.quest.zone):
            super()._clean_fields()  # type: ignore[misc]

    def clean_extra_submissions(self) -> int:
        return self.cleaned_data["extra_submissions"] or 0

    def _post_clean(self) -> None:
        """No model validation: `submissions.quests.extensions` has these rules."""


class CourseForm(forms.ModelForm):
    class Meta:
        model = Course
        fields = ("name", "term")
        labels = {"name": _("Name"), "term": _("Term")}
        help_texts = {"term": _("For example “autumn 2026”. Each term has its own groups.")}


class GroupForm(forms.ModelForm):
    """A group that is in no class list; its members are invited."""

    class Meta:
        model = Group
        fields = ("name",)
        labels = {"name": _("Name")}
        help_texts = {"name": _("For example ITMALGrp09.")}

    def __init__(self, data: QueryDict | None = None, *, course: Course) -> None:
        super().__init__(data, instance=Group(course=course))

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.instance.course.groups.filter(name__iexact=name).exists():
            raise forms.ValidationError(_("The course already has a group with this name."))
        return name


class ClassListForm(forms.Form):
    file = forms.FileField(
        label=_("Class list"),
        help_text=_(
            "CSV with group, username, name and student number. A header row may give another order. "
            "If any line is invalid, nothing is imported."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )

    def content(self) -> bytes:
        """The file's bytes; of a file that is too large, just enough to notice that."""
        return self.cleaned_data["file"].read(MAX_BYTES + 1)


def _naive(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
