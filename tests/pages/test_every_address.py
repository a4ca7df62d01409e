"""The roles that may open each of the service's addresses. A new address must be added here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from leaderboard.charts.bundle import bundle_version
from submissions.client_wheel import wheel
from submissions.groups.invitations import invite
from submissions.models import ApiToken, Invitation, Membership

pytestmark = pytest.mark.slow

ROLES = ("anonymous", "owner", "colleague", "stranger", "instructor")
EVERYBODY = frozenset(ROLES)
LOGGED_IN = EVERYBODY - {"anonymous"}
THE_GROUP = frozenset({"owner", "colleague"})
THE_GROUP_AND_INSTRUCTORS = THE_GROUP | {"instructor"}
INSTRUCTORS = frozenset({"instructor"})

# Method and roles; addresses that begin with `desk:` are for instructors only.
ADDRESSES: dict[str, tuple[str, frozenset[str]]] = {
    "leaderboard:board": ("GET", EVERYBODY),
    "leaderboard:feed": ("GET", EVERYBODY),
    "leaderboard:feed-text": ("GET", EVERYBODY),
    "leaderboard:charts": ("GET", EVERYBODY),
    "leaderboard:vega": ("GET", EVERYBODY),
    "leaderboard:chart": ("GET", EVERYBODY),
    "leaderboard:status": ("GET", EVERYBODY),
    "submissions:submit": ("GET", LOGGED_IN),
    "submissions:check": ("POST", LOGGED_IN),
    "submissions:build": ("POST", LOGGED_IN),
    "submissions:switch_mode": ("POST", LOGGED_IN),
    "submissions:list": ("GET", LOGGED_IN),
    "submissions:detail": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "submissions:live": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "submissions:cancel": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "submissions:final": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "submissions:note": ("POST", THE_GROUP),
    "submissions:compare_with": ("GET", LOGGED_IN),
    "submissions:compare": ("GET", LOGGED_IN),
    "submissions:image": ("GET", EVERYBODY),
    "submissions:client": ("GET", EVERYBODY),
    "submissions:client_wheel": ("GET", EVERYBODY),
    "submissions:token_create": ("POST", THE_GROUP),
    "submissions:token_revoke": ("POST", frozenset({"owner", "instructor"})),
    "submissions:invitation_create": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "submissions:invitation_revoke": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "submissions:join_by_code": ("GET", EVERYBODY),
    "submissions:join": ("GET", EVERYBODY),
    "submissions:group": ("GET", EVERYBODY),
    "login": ("GET", EVERYBODY),
    "logout": ("GET", EVERYBODY),  # a GET logs nobody out: it is answered with 405
    "password_change": ("GET", LOGGED_IN),
    "welcome": ("GET", EVERYBODY),
    "api:submissions": ("GET", LOGGED_IN),
    "api:submission": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "api:cancel": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "api:final": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "api:errors": ("GET", LOGGED_IN),
    "api:compare": ("GET", LOGGED_IN),
    "api:validate": ("POST", LOGGED_IN),
    "api:quests": ("GET", EVERYBODY),
    "api:hardware": ("GET", EVERYBODY),
    "api:workers": ("GET", LOGGED_IN),
    "api:me": ("GET", LOGGED_IN),
    "leaderboard_api:leaderboard": ("GET", EVERYBODY),
    "leaderboard_api:feed": ("GET", EVERYBODY),
    "schema": ("GET", EVERYBODY),
    "api-docs": ("GET", EVERYBODY),
    "healthz": ("GET", EVERYBODY),
    "readyz": ("GET", EVERYBODY),
}


def addresses(resolver: URLResolver, within: str = "") -> Iterator[str]:
    """The names of all routes, with their namespaces."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, f"{within}{pattern.namespace}:" if pattern.namespace else within)
        elif isinstance(pattern, URLPattern):
            yield f"{within}{pattern.name}"


NAMES = sorted(set(addresses(get_resolver())))
DESK = [name for name in NAMES if name.startswith("desk:")]


# The object that `pk` stands for in each desk route; the other routes have none.
DESK_OBJECTS = {
    "submission": ("cancel", "rerun", "count", "disqualify"),
    "quest": (
        "quest", "quest_preview", "quest_announce", "quest_move", "extensions",
        "downloads", "grading", "archive", "freeze",
    ),
    "course": ("course_archive", "term_new", "group_new", "groups", "slips"),
    "member": ("reset",),
    "worker": ("worker_duty",),
}  # fmt: skip
ENDINGS = ("desk:submissions_export", "desk:ranking_export", "desk:grading")


@pytest.fixture
def route_arguments(
    submit, score, quest, course, group, owner, worker, digits_home, monkeypatch
) -> dict[str, dict[str, Any]]:
    """The arguments of each route: two scores, a waiting submission, and the objects that belong to them."""
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    scored, other = score(submit(), 300), score(submit(), 340)
    queued = submit()
    code = invite(group, user=owner)
    objects = {
        "submission": queued, "quest": quest, "course": course, "worker": worker,
        "member": Membership.objects.get(user=owner),
    }  # fmt: skip
    desk = {f"desk:{name}": {"pk": objects[kind].pk} for kind, names in DESK_OBJECTS.items() for name in names}
    both = {"pk": scored.pk, "other": other.pk}
    found: dict[str, dict[str, Any]] = {
        **desk,
        **{f"submissions:{name}": {"pk": queued.pk} for name in ("detail", "live", "cancel", "final", "note")},
        **{f"api:{name}": {"pk": queued.pk} for name in ("submission", "cancel", "final")},
        "submissions:compare": both,
        "submissions:compare_with": {"pk": scored.pk},
        "api:compare": both,
        "api:errors": {"pk": scored.pk},
        "leaderboard:vega": {"version": bundle_version()},
        "leaderboard:chart": {"chart": "cost", "form": "csv"},
        "submissions:switch_mode": {"mode": "knn"},
        "submissions:image": {"dataset": "digits", "part": "test", "index": 0},
        "submissions:client_wheel": {"filename": wheel().filename},
        "submissions:token_create": {"pk": group.pk},
        "submissions:token_revoke": {
            "pk": group.pk,
            "token_key": ApiToken.objects.create(user=owner, group=group, name="laptop")[0].token_key,
        },
        "submissions:invitation_create": {"pk": group.pk},
        "submissions:invitation_revoke": {"pk": group.pk, "invitation": Invitation.objects.get().pk},
        "submissions:join": {"code": code},
        "submissions:group": {"name": group.name},
        "welcome": {"uidb64": "x", "token": "y"},
    }
    for name in ENDINGS:
        found[name] = {**found.get(name, {}), "ending": "csv"}
    return found


def lets_in(client: Client, method: str, path: str) -> bool:
    """Whether the client is neither sent to the login nor answered with 401, 403 or 404. Fails on a server error."""
    with transaction.atomic():  # undo its changes before the next request
        response = client.generic(method, path, '{"final": true}', content_type="application/json")
        transaction.set_rollback(True)
    assert response.status_code < 500 or path == reverse("readyz"), response
    if response.status_code == 302:
        return not response["Location"].startswith("/login/")
    return response.status_code not in (401, 403, 404)


def test_every_address_has_its_roles_listed_here():
    assert sorted({*ADDRESSES, *DESK}) == NAMES


def test_each_address_admits_exactly_its_roles(route_arguments, request):
    clients = {role: request.getfixturevalue("client" if role == "anonymous" else f"{role}_client") for role in ROLES}
    wrong = []
    for name in NAMES:
        method, roles = ADDRESSES.get(name, ("GET", INSTRUCTORS))
        path = reverse(name, kwargs=route_arguments.get(name))
        # Two roles are enough for pages that are open to everybody.
        asked = ("anonymous", "stranger") if roles == EVERYBODY else ROLES
        let_in = {role for role in asked if lets_in(clients[role], method, path)}
        if let_in != roles & set(asked):
            wrong.append((name, sorted(let_in ^ roles)))

    assert wrong == []
