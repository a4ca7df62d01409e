"""The roles that may open each page for submitting and for following runs."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.slow

LOGIN = 302
SEEN, HIDDEN = 200, 404


@pytest.fixture
def everybody(owner_client, colleague_client, stranger_client, instructor_client) -> dict[str, Client]:
    return {
        "anonymous": Client(),
        "owner": owner_client,
        "colleague": colleague_client,
        "stranger": stranger_client,
        "instructor": instructor_client,
    }


PAGES = {
    "/submit/": {"anonymous": LOGIN, "owner": SEEN, "colleague": SEEN, "stranger": SEEN, "instructor": SEEN},
    "/submissions/": {"anonymous": LOGIN, "owner": SEEN, "colleague": SEEN, "stranger": SEEN, "instructor": SEEN},
    "/submissions/{pk}/": {
        "anonymous": LOGIN,
        "owner": SEEN,
        "colleague": SEEN,
        "stranger": HIDDEN,
        "instructor": SEEN,
    },
    "/submissions/{pk}/live/": {
        "anonymous": LOGIN,
        "owner": SEEN,
        "colleague": SEEN,
        "stranger": HIDDEN,
        "instructor": SEEN,
    },
    "/groups/ITMALGrp01/": dict.fromkeys(("anonymous", "owner", "colleague", "stranger", "instructor"), SEEN),
    "/client/": dict.fromkeys(("anonymous", "owner", "colleague", "stranger", "instructor"), SEEN),
}


@pytest.mark.parametrize("role", ["anonymous", "owner", "colleague", "stranger", "instructor"])
@pytest.mark.parametrize("address", PAGES)
def test_each_page_opens_only_for_its_roles(address, role, everybody, submission):
    response = everybody[role].get(address.format(pk=submission.pk))

    assert response.status_code == PAGES[address][role]
    if response.status_code == LOGIN:
        assert response.headers["Location"].startswith("/login/")


@pytest.mark.parametrize(
    ("role", "status", "state"),
    [
        ("anonymous", LOGIN, "queued"),
        ("stranger", HIDDEN, "queued"),
        ("owner", 302, "cancelled"),
        ("colleague", 302, "cancelled"),
        ("instructor", 302, "cancelled"),
    ],
)
def test_only_the_group_and_instructors_may_cancel(role, status, state, everybody, submission):
    response = everybody[role].post(f"/submissions/{submission.pk}/cancel/")

    submission.refresh_from_db()
    assert (response.status_code, submission.state) == (status, state)


def test_a_stranger_does_not_see_the_submission_in_their_list(stranger_client, submission):
    assert b"n_neighbors=4" not in stranger_client.get("/submissions/").content


def test_a_former_member_sees_only_their_own_submissions(owner, owner_client, submission, submit, colleague):
    other = submit(submitter=colleague)
    owner.memberships.all().delete()

    assert owner_client.get(f"/submissions/{submission.pk}/").status_code == SEEN
    assert owner_client.get(f"/submissions/{other.pk}/").status_code == HIDDEN


def test_no_page_has_inline_script_or_style(owner_client, submission, score):
    score(submission, 300)
    for address in (
        "/submit/",
        "/submit/?way=forest",
        "/submissions/",
        f"/submissions/{submission.pk}/",
        "/groups/ITMALGrp01/",
    ):
        response = owner_client.get(address)
        text = response.content.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert "<script>" not in text
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]


def test_a_polled_fragment_reloads_the_page_after_the_session_has_ended(client, submission):
    for address in (f"/submissions/{submission.pk}/live/", "/submissions/"):
        response = client.get(address, headers={"HX-Request": "true"})
        assert response.headers["HX-Refresh"] == "true"
        assert b"queued" not in response.content
