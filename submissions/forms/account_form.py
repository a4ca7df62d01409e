"""The form with which a student creates an account when joining a group."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.utils.translation import gettext_lazy as _

from submissions.models import User


class AccountForm(UserCreationForm):
    """Name, username, optional student number, and the password twice."""

    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))

    class Meta:
        model = User
        fields = ("username", "student_number")
        labels = {"student_number": _("Student number")}
        help_texts = {
            "username": _("Used to log in. Letters, digits and @ . + - _ only."),
            "student_number": _("Optional; only instructors see it."),
        }

    field_order = ("name", "username", "student_number", "password1", "password2")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        self.fields["username"].widget.attrs |= {"autofocus": False, "autocomplete": "username"}
        self.fields["password1"].help_text = _("At least eight characters; common passwords are refused.")
        self.fields["password2"].help_text = ""

    def save(self, commit: bool = True) -> User:
        person: User = super().save(commit=False)
        person.first_name, _space, person.last_name = self.cleaned_data["name"].rpartition(" ")
        if commit:
            person.save()
        return person
