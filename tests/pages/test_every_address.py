"""Every address of the service against every role: who is let in, and who is sent away. A new one must say so here."""

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
    "logout": ("GET", EVERYBODY),  # a link alone logs nobody out: it says that a POST does
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


# Which of the cast's things the `pk` of a desk's route stands for; the others have none.
OF_THE_DESK = {
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
def words(submit, score, quest, course, group, owner, worker, digits_home, monkeypatch) -> dict[str, dict[str, Any]]:
    """What stands in each route for what there is: two scores, a submission that waits, and what belongs to them."""
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    scored, other = score(submit(), 300), score(submit(), 340)
    queued = submit()
    code = invite(group, user=owner)
    things = {
        "submission": queued, "quest": quest, "course": course, "worker": worker,
        "member": Membership.objects.get(user=owner),
    }  # fmt: skip
    desk = {f"desk:{name}": {"pk": things[thing].pk} for thing, names in OF_THE_DESK.items() for name in names}
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
    """Whether it is neither sent to log in, nor told that there is no such thing; an error of ours is neither."""
    with transaction.atomic():  # what it changes is undone for the next
        response = client.generic(method, path, '{"final": true}', content_type="application/json")
        transaction.set_rollback(True)
    assert response.status_code < 500 or path == reverse("readyz"), response
    if response.status_code == 302:
        return not response["Location"].startswith("/login/")
    return response.status_code not in (401, 403, 404)


def test_every_address_says_here_who_may_go_there():
    assert sorted({*ADDRESSES, *DESK}) == NAMES


def test_each_lets_in_whom_it_should_and_nobody_else(words, request):
    clients = {role: request.getfixturevalue("client" if role == "anonymous" else f"{role}_client") for role in ROLES}
    wrong = []
    for name in NAMES:
        method, welcome = ADDRESSES.get(name, ("GET", INSTRUCTORS))
        path = reverse(name, kwargs=words.get(name))
        # What is open to everybody is not asked for by each.
        asking = ("anonymous", "stranger") if welcome == EVERYBODY else ROLES
        let_in = {role for role in asking if lets_in(clients[role], method, path)}
        if let_in != welcome & set(asking):
            wrong.append((name, sorted(let_in ^ welcome)))

    assert wrong == []
