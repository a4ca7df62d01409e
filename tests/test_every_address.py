"""Every address of the service against every role: who is let in, and who is sent away. A new one must say so here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from submissions.models import Membership

ROLES = ("anonymous", "owner", "colleague", "stranger", "instructor")
EVERYBODY = frozenset(ROLES)
LOGGED_IN = EVERYBODY - {"anonymous"}
THE_GROUP = frozenset({"owner", "colleague"})
THE_GROUP_AND_INSTRUCTORS = THE_GROUP | {"instructor"}
INSTRUCTORS = frozenset({"instructor"})

# Method and who is let in; whatever begins with `desk:` is the instructors' alone.
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
    "submissions:turn": ("POST", LOGGED_IN),
    "submissions:list": ("GET", LOGGED_IN),
    "submissions:detail": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "submissions:live": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "submissions:cancel": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "submissions:final": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "submissions:note": ("POST", THE_GROUP),
    "submissions:compare_with": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "submissions:compare": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "submissions:image": ("GET", EVERYBODY),
    "submissions:client": ("GET", EVERYBODY),
    "submissions:client_wheel": ("GET", EVERYBODY),
    "submissions:token_create": ("POST", THE_GROUP),
    "submissions:token_revoke": ("POST", THE_GROUP),
    "submissions:invitation_create": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "submissions:invitation_revoke": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "submissions:join_by_code": ("GET", EVERYBODY),
    "submissions:join": ("GET", EVERYBODY),
    "submissions:group": ("GET", EVERYBODY),
    "login": ("GET", EVERYBODY),
    "logout": ("POST", EVERYBODY),
    "password_change": ("GET", LOGGED_IN),
    "welcome": ("GET", EVERYBODY),
    "api:submissions": ("GET", LOGGED_IN),
    "api:submission": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "api:cancel": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "api:final": ("POST", THE_GROUP_AND_INSTRUCTORS),
    "api:errors": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "api:compare": ("GET", THE_GROUP_AND_INSTRUCTORS),
    "api:validate": ("POST", EVERYBODY),
    "api:quests": ("GET", EVERYBODY),
    "api:hardware": ("GET", EVERYBODY),
    "api:workers": ("GET", EVERYBODY),
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


@pytest.fixture
def path(submission, quest, course, group, owner, worker):
    """The path of a route, about what there is."""
    member = Membership.objects.get(user=owner)
    desk = {"quest": quest, "worker": worker, "course": course, "member": member, "submission": submission}
    of_desk = {
        "worker_duty": "worker", "reset": "member", "downloads": "quest", "grading": "quest", "archive": "quest",
        "freeze": "quest", "extensions": "quest", "course_archive": "course", "term_new": "course",
        "group_new": "course", "groups": "course", "slips": "course", "cancel": "submission", "rerun": "submission",
        "count": "submission", "disqualify": "submission",
        **dict.fromkeys(("quest", "quest_preview", "quest_announce", "quest_move"), "quest"),
    }  # fmt: skip
    known: dict[str, dict[str, Any]] = {
        "leaderboard:vega": {"version": "0"},
        "leaderboard:chart": {"chart": "cost", "form": "csv"},
        "submissions:turn": {"way": "knn"},
        "submissions:compare": {"pk": submission.pk, "other": submission.pk},
        "api:compare": {"pk": submission.pk, "other": submission.pk},
        "submissions:image": {"dataset": "digits", "part": "test", "index": 0},
        "submissions:client_wheel": {"filename": "nothing.whl"},
        "submissions:token_create": {"pk": group.pk},
        "submissions:token_revoke": {"pk": group.pk, "token_key": "none"},
        "submissions:invitation_create": {"pk": group.pk},
        "submissions:invitation_revoke": {"pk": group.pk, "invitation": 1},
        "submissions:join": {"code": "none"},
        "submissions:group": {"name": group.name},
        "welcome": {"uidb64": "x", "token": "y"},
    }

    def path(name: str) -> str:
        space, _, route = name.rpartition(":")
        found = known.get(name, {})
        if space == "desk" and route in of_desk:
            found = {"pk": desk[of_desk[route]].pk}
        if route.endswith("_export") or route == "grading":
            found |= {"ending": "csv"}
        if space in ("submissions", "api") and not found:
            try:
                return reverse(name)
            except LookupError:
                raise
            except Exception:
                found = {"pk": submission.pk}
        return reverse(name, kwargs=found or None)

    return path


@pytest.fixture
def cast(owner_client, colleague_client, stranger_client, instructor_client) -> dict[str, Client]:
    found = (Client(), owner_client, colleague_client, stranger_client, instructor_client)
    return dict(zip(ROLES, found, strict=True))


def test_every_address_says_here_who_may_go_there():
    assert sorted({*ADDRESSES, *DESK}) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_role(name, path, cast):
    method, may = ADDRESSES.get(name, ("GET", INSTRUCTORS))
    for role in ROLES:
        r = getattr(cast[role], method.lower())(path(name))
        print(name, path(name), role, r.status_code, r.get("Location"), "MAY" if role in may else "")
    assert 0
