"""The submit page, and the look at what was understood."""

from __future__ import annotations

from typing import Any

import pydantic
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from submissions import notation
from submissions.entry import Entry, enter, enterable, why_nowhere
from submissions.families.registry import family_of
from submissions.families.shapes import parameters, summary
from submissions.forms import FamilyForm, SubmissionForm, choice_of, digest_of
from submissions.models import Quest
from submissions.network_form import NetworkForm, WidthForm
from submissions.notation_pipeline import write_steps
from submissions.presets import presets
from submissions.specs import Spec, changed
from submissions.visitors import UserRequest, logged_in
from submissions.ways import PASTE, form_for, ways


@logged_in
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: UserRequest) -> HttpResponse:
    """The form; a POST submits and leads to the submission's page."""
    quests = enterable(request.user)
    entry = _entry(request, quests)
    if entry is None:
        return _nowhere(request)
    form = _form(request, entry)
    if form.is_bound and form.is_valid() and (submission := form.submit(request.user)):
        return redirect("submissions:detail", submission.pk)
    return _page(request, quests, form)


@logged_in
@require_POST
def check(request: UserRequest) -> HttpResponse:
    """What would be submitted; runs nothing and keeps nothing."""
    quests = enterable(request.user)
    entry = _entry(request, quests)
    if entry is None:
        return _nowhere(request)
    form = _form(request, entry)
    form.is_valid()
    if request.htmx:
        context = {"refusals": _refusals(form), **_understood(form)}
        return render(request, "submissions/_understood.html", context)
    return _page(request, quests, form)


def _entry(request: UserRequest, quests: list[Quest]) -> Entry | None:
    return enter(request.user, quests, request.POST.get("quest") or request.GET.get("quest"))


def _way(request: UserRequest) -> str:
    way = request.POST.get("way") or request.GET.get("way", PASTE)
    return way if way in ways() else PASTE


def _form(request: UserRequest, entry: Entry) -> SubmissionForm:
    data = request.POST if request.method == "POST" else None
    return form_for(_way(request), entry, data, preset=_preset(request, entry))


def _preset(request: UserRequest, entry: Entry) -> Spec | None:
    chosen = _width_form(request, entry)
    if chosen.is_valid():
        return chosen.net
    return presets(entry.quest).get(request.GET.get("preset", ""))


def _width_form(request: UserRequest, entry: Entry) -> WidthForm:
    return WidthForm(request.GET if "width" in request.GET else None, entry=entry)


def _page(request: UserRequest, quests: list[Quest], form: SubmissionForm) -> HttpResponse:
    quest = form.entry.quest
    context = {
        "form": form,
        "quest": quest,
        "quests": quests,
        "entry": form.entry,
        "way": _way(request),
        "ways": ways(),
        "presets": _examples(form),
        "width_form": _width_form(request, form.entry) if isinstance(form, NetworkForm) else None,
        **_understood(form),
    }
    return render(request, "submissions/submit.html", context)


def _examples(form: SubmissionForm) -> dict[str, Spec]:
    """The presets that this form can be filled with."""
    found = presets(form.entry.quest)
    if isinstance(form, FamilyForm):
        return {name: spec for name, spec in found.items() if isinstance(spec, form.family.spec)}
    return found


def _nowhere(request: UserRequest) -> HttpResponse:
    in_course = request.user.memberships.filter(course__archived=False).exists()
    context = {"in_course": in_course, "reasons": why_nowhere(request.user), "text": request.POST.get("model", "")}
    return render(request, "submissions/nowhere.html", context)


def _refusals(form: SubmissionForm) -> list[str]:
    """The form's errors in one list; those about a parameter name it, unless they name a line of the code."""
    names = {field.name: f"{field.label}: " for field in form.model_fields() if field.name != "model"}
    return [
        str(message) if str(message).startswith("Line ") else f"{names.get(name, '')}{message}"
        for name, messages in form.errors.items()
        if name not in ("chosen", "acknowledged")
        for message in messages
    ]


def _understood(form: SubmissionForm) -> dict[str, Any]:
    """What the fragment shows of what was read: the model, or those to choose from."""
    reading = form.reading
    choices = [(choice_of(one), one.line, notation.headline(one.spec)) for one in form.readings]
    if reading is None:
        return {"reading": None, "choices": choices}
    spec = reading.spec
    return {
        "reading": reading,
        "choices": choices if len(choices) > 1 else [],
        "chosen": choice_of(reading),
        "acknowledgement": digest_of(reading),
        "acknowledged": form.data.get("acknowledged") == digest_of(reading),
        "family": family_of(spec),
        "notation": notation.render(spec),
        "layers": summary(spec),
        "parameters": parameters(spec),
        "arguments": _arguments(spec),
    }


def _arguments(spec: Spec) -> dict[str, str]:
    """Every parameter with its value, those filled in as well; a network's layers stand in their own table."""
    names = (name for name in type(spec).model_fields if name not in ("family", "layers"))
    return {name: _written(getattr(spec, name)) for name in names}


def _written(value: Any) -> str:
    """As Python writes it; of an optimizer and the like what is not as usual, and always the learning rate."""
    if isinstance(value, tuple):
        return write_steps(value) or "()"
    if not isinstance(value, pydantic.BaseModel):
        return repr(value)
    told = {"learning_rate": getattr(value, "learning_rate", None), **changed(value)}
    given = ", ".join(f"{name}={inner!r}" for name, inner in told.items() if name != "name" and inner is not None)
    kind = getattr(value, "name", type(value).__name__)
    return f"{kind}({given})" if given else kind
