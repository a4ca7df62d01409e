"""The page of a group, and the tokens with which its members' notebooks act for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from submissions.entry import Entry
from submissions.follow import version_of_rows
from submissions.models import ApiToken, Group, QuestState, Submission, User
from submissions.quotas import granted, open_quests
from submissions.visitors import PageRequest, UserRequest, logged_in, number

SHOWN = 200


class TokenForm(forms.ModelForm):
    class Meta:
        model = ApiToken
        fields = ["name", "scope"]
        labels = {"scope": "It may"}
        help_texts = {"name": "Where it will be used, such as Anna’s laptop."}


def empty_form() -> TokenForm:
    return TokenForm(initial={"name": ""}, label_suffix="")


def _named(name: str, course: str) -> Group:
    """The group of that name in the course with that id, else in the newest course that is still going."""
    groups = Group.objects.select_related("course").filter(name=name)
    if pk := number(course):
        groups = groups.filter(course=pk)
    group = groups.order_by("course__archived", "-course__created_at").first()
    if group is None:
        raise Http404
    return group


def _is_member(user: User | AnonymousUser, group: Group) -> bool:
    return isinstance(user, User) and group.memberships.filter(user=user).exists()


def _sees_whole(user: User | AnonymousUser, group: Group) -> bool:
    return user.is_staff or _is_member(user, group)


@require_safe
def group_page(request: PageRequest, name: str) -> HttpResponse:
    """What the board shows of the group; for its members and instructors also tokens, quota and every submission."""
    group = _named(name, request.GET.get("course", ""))
    if request.htmx:
        return _live(request, group)
    return _page(request, group, empty_form())


def _page(request: HttpRequest, group: Group, form: TokenForm, **more: Any) -> HttpResponse:
    whole = _sees_whole(request.user, group)
    context = {
        "group": group,
        "whole": whole,
        **_table(group, whole=whole),
        "is_member": _is_member(request.user, group),
        "form": form,
        "entries": _entries(group) if whole else [],
        "extensions": granted(group) if whole else [],
        "tokens": group.tokens.select_related("user") if whole else [],
        "members": group.memberships.select_related("user").order_by("joined_at", "id"),
        **more,
    }
    return render(request, "submissions/group.html", context)


def _live(request: HttpRequest, group: Group) -> HttpResponse:
    """The table alone; 204 if what was seen is still right."""
    whole = _sees_whole(request.user, group)
    table = _table(group, whole=whole)
    if request.GET.get("seen") == table["version"]:
        return HttpResponse(status=204)
    context = {"group": group, "whole": whole, **table}
    return render(request, "submissions/_group_submissions.html", context)


def _table(group: Group, *, whole: bool) -> dict[str, Any]:
    rows = _shown(group, whole=whole)
    newest, count = list(rows[:SHOWN]), rows.count()
    return {"submissions": newest, "count": count, "version": version_of_rows(newest)}


def _shown(group: Group, *, whole: bool) -> QuerySet[Submission]:
    rows = Submission.objects.filter(group=group).with_runs().order_by("-id")
    return rows if whole else rows.scored().competing().exclude(quest__state=QuestState.DRAFT)


def _entries(group: Group) -> list[Entry]:
    """The quests that the group may submit to now – with quota, own deadline and what was granted to it."""
    return [Entry(quest, group) for quest, _group in open_quests([group])]


@logged_in
@require_POST
@never_cache
def token_create(request: UserRequest, pk: int) -> HttpResponse:
    """A new token, whose secret this one answer shows."""
    group = get_object_or_404(Group.objects.select_related("course"), pk=pk)
    if not _is_member(request.user, group):
        raise Http404
    form = TokenForm(request.POST, label_suffix="")
    if not form.is_valid() or group.course.archived:
        return _page(request, group, form)
    secret = ApiToken.objects.create(user=request.user, group=group, **form.cleaned_data)[1]
    return _page(request, group, empty_form(), secret=secret)


@logged_in
@require_POST
def token_revoke(request: UserRequest, pk: int, token_key: str) -> HttpResponse:
    """End a token: one's own, or any for an instructor."""
    tokens = ApiToken.objects.filter(group=pk, token_key=token_key)
    token = get_object_or_404(tokens if request.user.is_staff else tokens.filter(user=request.user))
    group = get_object_or_404(Group, pk=pk)
    token.delete()
    messages.success(request, _("Revoked: %(name)s. Whatever used it is refused from now on.") % {"name": token.name})
    return redirect(reverse("submissions:group", args=[group.name]) + f"?course={group.course_id}")
