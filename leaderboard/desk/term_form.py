"""The form that starts a new term of a course."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from submissions.models import Course

WEEKS_OF_A_YEAR = 52  # whole weeks, so that weekdays stay the same
MOST_WEEKS = 520


class TermForm(forms.Form):
    """The new term's name, and by how many weeks its times move."""

    term = forms.CharField(label=_("Term"), max_length=40, help_text=_("For example “autumn 2027”."))
    weeks = forms.IntegerField(
        label=_("Move all times by (weeks)"),
        min_value=0,
        max_value=MOST_WEEKS,
        initial=WEEKS_OF_A_YEAR,
        help_text=_("52 weeks is a year later, on the same weekday. You can change each time in its draft."),
    )

    def __init__(self, *args: Any, course: Course, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.course = course

    def clean_term(self) -> str:
        term: str = self.cleaned_data["term"]
        if Course.objects.filter(name=self.course.name, term=term).exists():
            raise forms.ValidationError(_now("This term already exists."))
        return term
