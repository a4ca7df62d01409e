"""The submit page, its preview, and the editing of a network's layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from submissions.forms.input_modes import PASTE, examples, form_for, modes
from submissions.forms.layer_editing import LayerEdit, apply_edit, read_rows, replace_rows
from submissions.forms.network_form import NetworkForm, WidthForm
from submissions.forms.preview import preview_context
from submissions.forms.submission_form import ON_DEMAND, SubmissionForm
from submissions.models import Quest, Submission
from submissions.quests.eligibility import Entry, choose_entry, closed_reasons, submittable_quests
from submissions.quests.presets import presets
from submissions.quests.visibility import visibility_for
from submissions.requests import UserRequest, logged_in, number
from submissions.specs.spec import Spec


def with_entry(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Call `view` with the quests open to the user and the one asked for; without any, show why there is none."""

    @wraps(view)
    def wrapper(request: UserRequest, **kwargs: str) -> HttpResponse:
        quests = submittable_quests(request.user)
        entry = _entry(request, quests)
        return view(request, quests, entry, **kwargs) if entry else _no_open_quest(request)

    return wrapper


@logged_in
@require_http_methods(["GET", "HEAD", "POST"])
@with_entry
def submit(request: UserRequest, quests: list[Quest], entry: Entry) -> HttpResponse:
    """The form; a POST submits and redirects to the submission's page."""
    form = _form(request, entry)
    if form.is_bound and form.is_valid() and (submission := form.submit(request.user)):
        return redirect("submissions:detail", submission.pk)
    return _render_page(request, quests, form, refused=form.is_bound)


@logged_in
@require_POST
@with_entry
def check(request: UserRequest, quests: list[Quest], entry: Entry) -> HttpResponse:
    """Preview the model without running or saving anything."""
    form = _form(request, entry)
    form.is_valid()
    if request.htmx:
        return render(request, "submissions/checked.html", _context(request, form))
    return _render_page(request, quests, form)


@logged_in
@require_POST
@with_entry
def build(request: UserRequest, quests: list[Quest], entry: Entry) -> HttpResponse:
    """Add, remove or move a layer of the network."""
    rows, result = apply_edit(read_rows(request.POST), LayerEdit.from_post(request.POST))
    form = form_for("cnn", entry, replace_rows(request.POST, rows))
    form.is_valid()
    if result and isinstance(form, NetworkForm):
        form.focus(result)
    if request.htmx:
        return render(request, "submissions/built.html", _context(request, form) | {"result": result})
    return _render_page(request, quests, form, result=result)


@logged_in
@require_POST
@with_entry
def switch_mode(request: UserRequest, quests: list[Quest], entry: Entry, mode: str) -> HttpResponse:
    """Show the same model in another input mode: pasted text in its family's form, or a form as text."""
    form = _form(request, entry)
    form.is_valid()
    if form.parsed is None or mode not in modes():
        return _render_page(request, quests, form)
    kept = {name: request.POST.get(name, "") for name in ("note", "device", "engine")}
    return _render_page(request, quests, form_for(mode, entry, preset=form.parsed.spec, kept=kept))


def _entry(request: UserRequest, quests: list[Quest]) -> Entry | None:
    if asked := request.GET.get("quest"):
        get_object_or_404(Quest.objects.visible_to(request.user), pk=number(asked))
    wanted = request.POST.get("quest") or asked
    if not wanted and (submission := _submission_to_edit(request)):
        wanted = str(submission.quest_id)
    return choose_entry(request.user, quests, wanted)


def _submission_to_edit(request: UserRequest) -> Submission | None:
    """The submission named by `?from=`, if the visitor may see its model."""
    pk = number(request.GET.get("from", ""))
    found = Submission.objects.select_related("quest").filter(pk=pk).first() if pk is not None else None
    return found if found and visibility_for(found.quest, request.user).shows_model(found) else None


def _form(request: UserRequest, entry: Entry) -> SubmissionForm:
    data = request.POST if request.method == "POST" else None
    preset = _preset(request, entry)
    default_mode = preset.family if preset and "from" in request.GET and preset.family in modes() else PASTE
    mode = request.POST.get("way") or request.GET.get("way", default_mode)
    return form_for(mode, entry, data, preset=preset)


def _preset(request: UserRequest, entry: Entry) -> Spec | None:
    width_form = _width_form(request, entry)
    if width_form.is_valid():
        return width_form.net
    if submission := _submission_to_edit(request):
        return submission.model
    return presets(entry.quest).get(request.GET.get("preset", ""))


def _width_form(request: UserRequest, entry: Entry) -> WidthForm:
    return WidthForm(request.GET if "width" in request.GET else None, entry=entry)


def _context(request: UserRequest, form: SubmissionForm) -> dict[str, Any]:
    """The context that the page and its fragments share."""
    return {
        "form": form,
        "quest": form.entry.quest,
        "error_messages": _error_messages(form),
        **preview_context(form, request.build_absolute_uri("/")),
    }


def _render_page(request: UserRequest, quests: list[Quest], form: SubmissionForm, **more: Any) -> HttpResponse:
    context = {
        "quests": quests,
        "entry": form.entry,
        "mode": form.mode,
        "modes": modes(),
        "presets": examples(form),
        "width_form": _width_form(request, form.entry) if isinstance(form, NetworkForm) else None,
        **_context(request, form),
        **more,
    }
    return render(request, "submissions/submit.html", context)


def _no_open_quest(request: UserRequest) -> HttpResponse:
    in_course = request.user.memberships.filter(course__archived=False).exists()
    context = {"in_course": in_course, "reasons": closed_reasons(request.user), "text": request.POST.get("model", "")}
    return render(request, "submissions/no_open_quest.html", context)


def _error_messages(form: SubmissionForm) -> list[str]:
    """All form errors in one list. Parameter errors name the parameter, unless they already name a line."""
    names = {field.name: f"{field.label}: " for field in form.model_fields() if field.name != "model"}
    return [
        str(message) if str(message).startswith("Line ") else f"{names.get(name, '')}{message}"
        for name, messages in form.errors.items()
        if name not in ON_DEMAND
        for message in messages
    ]
