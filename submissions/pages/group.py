"""A group's page and its members' API tokens."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from submissions.database.write_lock import writing
from submissions.models import ApiToken, Group, Submission, User
from submissions.pages.live_run import version_of_rows
from submissions.quests.eligibility import Entry
from submissions.quests.quotas import extensions_of, open_quests
from submissions.quests.visibility import Visibility, visibility_for
from submissions.requests import PageRequest, UserRequest, logged_in, number
from submissions.results.score_chart import score_charts

MOST_ROWS = 200


class TokenForm(forms.ModelForm):
    class Meta:
        model = ApiToken
        fields = ["name", "scope"]
        labels = {"name": gettext_lazy("Name"), "scope": gettext_lazy("Permission")}
        help_texts = {"name": gettext_lazy("Where you will use it, for example Anna’s laptop.")}


def empty_token_form() -> TokenForm:
    return TokenForm(initial={"name": ""}, label_suffix="")


def group_url(group: Group) -> str:
    """The group page's URL, for readers who may see the group's name."""
    return reverse("submissions:group", args=[group.name]) + f"?course={group.course_id}"


def _find_group(name: str, course: str) -> Group:
    """The group with this name or pseudonym in the given course, or else in the newest course that is not archived."""
    groups = Group.objects.select_related("course").order_by("course__archived", "-course__created_at")
    if pk := number(course):
        groups = groups.filter(course=pk)
    group = groups.filter(name=name).first() or groups.filter(pseudonym=name).exclude(pseudonym="").first()
    if group is None:
        raise Http404
    return group


def _is_member(user: User | AnonymousUser, group: Group) -> bool:
    return isinstance(user, User) and group.memberships.filter(user=user).exists()


def has_full_access(user: User | AnonymousUser, group: Group) -> bool:
    return user.is_staff or _is_member(user, group)


@require_safe
def group_page(request: PageRequest, name: str) -> HttpResponse:
    """The group's scores on the board; members and instructors also see tokens, quotas and every submission.

    Where a quest hides names, others find the group under its pseudonym with that quest's scores only. Nothing links
    the two names.
    """
    group = _find_group(name, request.GET.get("course", ""))
    if has_full_access(request.user, group) and name != group.name:
        return redirect(group_url(group))
    if request.htmx:
        return _live_table(request, group, name)
    return render_group_page(request, group, empty_token_form(), name=name)


def render_group_page(
    request: HttpRequest, group: Group, form: TokenForm, *, name: str = "", **more: Any
) -> HttpResponse:
    full_access = has_full_access(request.user, group)
    context = {
        **_table(request, group, name or group.name, full_access=full_access),
        "is_member": _is_member(request.user, group),
        "form": form,
        "entries": _entries(group) if full_access else [],
        "extensions": extensions_of(group) if full_access else [],
        "tokens": group.tokens.select_related("user") if full_access else [],
        "invitations": group.invitations.select_related("created_by", "used_by") if full_access else [],
        "members": group.memberships.select_related("user").order_by("joined_at", "id"),
        **more,
    }
    return render(request, "submissions/group.html", context)


def _live_table(request: HttpRequest, group: Group, name: str) -> HttpResponse:
    """Only the table; 204 if it has not changed."""
    table = _table(request, group, name, full_access=has_full_access(request.user, group))
    if request.GET.get("seen") == table["version"]:
        return HttpResponse(status=204)
    return render(request, "submissions/_group_submissions.html", table)


def _table(request: HttpRequest, group: Group, name: str, *, full_access: bool) -> dict[str, Any]:
    visibilities = {} if full_access else _visibilities(request.user, group, pseudonymous=name != group.name)
    rows = _visible_submissions(group, visibilities, full_access=full_access)
    newest, count = list(rows[:MOST_ROWS]), rows.count()
    models_visible = [full_access or visibilities[row.quest_id].shows_model(row) for row in newest]
    return {
        "group": group,
        "name": name,
        "full_access": full_access,
        "rows": list(zip(newest, models_visible, strict=True)),
        "charts": score_charts(newest),
        "zones": sorted({row.quest.time_zone for row in newest}),
        "count": count,
        "version": f"{version_of_rows(newest)}-{sum(models_visible)}-{count}",
    }


def _visibilities(user: User | AnonymousUser, group: Group, *, pseudonymous: bool) -> dict[int, Visibility]:
    """An outsider's visibility of the quests that show the group under the requested name, by quest id."""
    found = [visibility_for(quest, user) for quest in group.course.quests.published()]
    return {each.quest.pk: each for each in found if each.hides_name(group) == pseudonymous}


def _visible_submissions(
    group: Group, visibilities: dict[int, Visibility], *, full_access: bool
) -> QuerySet[Submission]:
    rows = Submission.objects.filter(group=group).with_runs().order_by("-id")
    if full_access:
        return rows
    known = [Q(quest=quest) & visibility.known() for quest, visibility in visibilities.items()]
    return rows.scored().competing().filter(reduce(or_, known, Q(pk__in=[])))


def _entries(group: Group) -> list[Entry]:
    """The quests that the group may submit to now, with quota, deadline and extensions."""
    return [Entry(quest, group) for quest, _group in open_quests([group])]


@logged_in
@require_POST
@never_cache
def token_create(request: UserRequest, pk: int) -> HttpResponse:
    """Create a token. Its secret is shown only in this response."""
    group = get_object_or_404(Group.objects.select_related("course"), pk=pk)
    if not _is_member(request.user, group):
        raise Http404
    form = TokenForm(request.POST, label_suffix="")
    if not form.is_valid() or group.course.archived:
        return render_group_page(request, group, form)
    with writing():
        secret = ApiToken.objects.create(user=request.user, group=group, **form.cleaned_data)[1]
    return render_group_page(request, group, empty_token_form(), secret=secret)


@logged_in
@require_POST
def token_revoke(request: UserRequest, pk: int, token_key: str) -> HttpResponse:
    """Revoke one's own token; instructors may revoke any."""
    tokens = ApiToken.objects.filter(group=pk, token_key=token_key)
    token = get_object_or_404(tokens if request.user.is_staff else tokens.filter(user=request.user))
    group = get_object_or_404(Group, pk=pk)
    with writing():
        token.delete()
    messages.success(request, _("Revoked %(name)s. Anything still using it will be refused.") % {"name": token.name})
    return redirect(group_url(group))
