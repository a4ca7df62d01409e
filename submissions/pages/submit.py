"""The submit page, the look at what was understood, and the network's layers on their way through the form."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from submissions.forms.input_modes import PASTE, examples, form_for, ways
from submissions.forms.layer_editing import Change, rearranged, rows_in, with_rows
from submissions.forms.network_form import NetworkForm, WidthForm
from submissions.forms.preview import understood
from submissions.forms.submission_form import ASKED_FOR, SubmissionForm
from submissions.models import Quest, Submission
from submissions.quests.eligibility import Entry, enter, enterable, why_nowhere
from submissions.quests.presets import presets
from submissions.quests.visibility import visibility_for
from submissions.requests import UserRequest, logged_in, number
from submissions.specs.spec import Spec


def with_entry(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Call `view` with the quests open to the user and the one asked for; without any, show why there is none."""

    @wraps(view)
    def enter_quest(request: UserRequest, **named: str) -> HttpResponse:
        quests = enterable(request.user)
        entry = _entry(request, quests)
        return view(request, quests, entry, **named) if entry else _nowhere(request)

    return enter_quest


@logged_in
@require_http_methods(["GET", "HEAD", "POST"])
@with_entry
def submit(request: UserRequest, quests: list[Quest], entry: Entry) -> HttpResponse:
    """The form; a POST submits and leads to the submission's page."""
    form = _form(request, entry)
    if form.is_bound and form.is_valid() and (submission := form.submit(request.user)):
        return redirect("submissions:detail", submission.pk)
    return _page(request, quests, form, refused=form.is_bound)


@logged_in
@require_POST
@with_entry
def check(request: UserRequest, quests: list[Quest], entry: Entry) -> HttpResponse:
    """What would be submitted; runs nothing and keeps nothing."""
    form = _form(request, entry)
    form.is_valid()
    if request.htmx:
        return render(request, "submissions/checked.html", _context(request, form))
    return _page(request, quests, form)


@logged_in
@require_POST
@with_entry
def build(request: UserRequest, quests: list[Quest], entry: Entry) -> HttpResponse:
    """The network with a layer more, one fewer, or one moved."""
    rows, touched = rearranged(rows_in(request.POST), Change.asked(request.POST))
    form = form_for("cnn", entry, with_rows(request.POST, rows))
    form.is_valid()
    if touched and isinstance(form, NetworkForm):
        form.touched(touched)
    if request.htmx:
        return render(request, "submissions/built.html", _context(request, form) | {"touched": touched})
    return _page(request, quests, form, touched=touched)


@logged_in
@require_POST
@with_entry
def turn(request: UserRequest, quests: list[Quest], entry: Entry, way: str) -> HttpResponse:
    """The same model, filled in another way: what was pasted in the form of its family, or a form as text."""
    form = _form(request, entry)
    form.is_valid()
    if form.parsed is None or way not in ways():
        return _page(request, quests, form)
    kept = {name: request.POST.get(name, "") for name in ("note", "device", "engine")}
    return _page(request, quests, form_for(way, entry, preset=form.parsed.spec, kept=kept))


def _entry(request: UserRequest, quests: list[Quest]) -> Entry | None:
    if asked := request.GET.get("quest"):
        get_object_or_404(Quest.objects.visible_to(request.user), pk=number(asked))
    wanted = request.POST.get("quest") or asked
    if not wanted and (model := _model_of(request)):
        wanted = str(model.quest_id)
    return enter(request.user, quests, wanted)


def _model_of(request: UserRequest) -> Submission | None:
    """The submission whose model `?from=` asks to start with, of those whose model the visitor may read."""
    pk = number(request.GET.get("from", ""))
    found = Submission.objects.select_related("quest").filter(pk=pk).first() if pk is not None else None
    return found if found and visibility_for(found.quest, request.user).shows_model(found) else None


def _form(request: UserRequest, entry: Entry) -> SubmissionForm:
    data = request.POST if request.method == "POST" else None
    preset = _preset(request, entry)
    usual = preset.family if preset and "from" in request.GET and preset.family in ways() else PASTE
    way = request.POST.get("way") or request.GET.get("way", usual)
    return form_for(way, entry, data, preset=preset)


def _preset(request: UserRequest, entry: Entry) -> Spec | None:
    chosen = _width_form(request, entry)
    if chosen.is_valid():
        return chosen.net
    if model := _model_of(request):
        return model.model
    return presets(entry.quest).get(request.GET.get("preset", ""))


def _width_form(request: UserRequest, entry: Entry) -> WidthForm:
    return WidthForm(request.GET if "width" in request.GET else None, entry=entry)


def _context(request: UserRequest, form: SubmissionForm) -> dict[str, Any]:
    """What the page and its fragments know of the form and of the model in it."""
    service = request.build_absolute_uri("/")
    return {"form": form, "quest": form.entry.quest, "refusals": _refusals(form), **understood(form, service)}


def _page(request: UserRequest, quests: list[Quest], form: SubmissionForm, **more: Any) -> HttpResponse:
    context = {
        "quests": quests,
        "entry": form.entry,
        "way": form.way,
        "ways": ways(),
        "presets": examples(form),
        "width_form": _width_form(request, form.entry) if isinstance(form, NetworkForm) else None,
        **_context(request, form),
        **more,
    }
    return render(request, "submissions/submit.html", context)


def _nowhere(request: UserRequest) -> HttpResponse:
    in_course = request.user.memberships.filter(course__archived=False).exists()
    context = {"in_course": in_course, "reasons": why_nowhere(request.user), "text": request.POST.get("model", "")}
    return render(request, "submissions/nowhere.html", context)


def _refusals(form: SubmissionForm) -> list[str]:
    """The form's errors in one list; those about a parameter name it, unless they name a line or a layer themselves."""
    names = {field.name: f"{field.label}: " for field in form.model_fields() if field.name != "model"}
    return [
        str(message) if str(message).startswith("Line ") else f"{names.get(name, '')}{message}"
        for name, messages in form.errors.items()
        if name not in ASKED_FOR
        for message in messages
    ]
