"""The form for a group's private note on a submission."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from submissions.database.write_lock import writing
from submissions.models import Submission, User
from submissions.models.submission import LONGEST_NOTE


class NoteForm(forms.Form):
    """Group members and the submitter can edit the note; instructors can read it."""

    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Visible to your group and the instructors."),
    )

    def __init__(self, submission: Submission, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"note": submission.note}, label_suffix="")
        self.submission = submission

    def may_be_used_by(self, user: User) -> bool:
        if self.submission.quest.course.archived:
            return False
        group = self.submission.group
        own = group is not None and group.memberships.filter(user=user).exists()
        return own or self.submission.submitter_id == user.pk

    def save(self) -> None:
        with writing():
            Submission.objects.filter(pk=self.submission.pk).update(note=self.cleaned_data["note"])
