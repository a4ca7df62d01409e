"""Only instructors may use the desk: for other users its pages do not exist."""

import pytest

from submissions.models import Course, Group, Membership, Quest, State
from tests.cast import reload

pytestmark = pytest.mark.slow

PAGES = [
    "/desk/",
    "/desk/?seen=",
    "/desk/submissions.csv",
    "/desk/submissions.json",
    "/desk/submissions/{submission}/cancel/",
    "/desk/submissions/{submission}/rerun/",
    "/desk/submissions/{submission}/count/",
    "/desk/submissions/{submission}/disqualify/",
    "/desk/compute/",
    "/desk/queue/",
    "/desk/workers/{worker}/",
    "/desk/history/",
    "/desk/ranking/",
    "/desk/ranking.csv",
    "/desk/ranking.json",
    "/desk/ranking.xlsx",
    "/desk/submissions.xlsx",
    "/desk/quests/{quest}/downloads/",
    "/desk/quests/{quest}/grading.csv",
    "/desk/quests/{quest}/grading.xlsx",
    "/desk/quests/",
    "/desk/quests/new/",
    "/desk/quests/{quest}/",
    "/desk/quests/{quest}/extensions/",
    "/desk/quests/{quest}/preview/",
    "/desk/quests/{quest}/announce/",
    "/desk/courses/",
    "/desk/courses/{course}/term/",
    "/desk/courses/{course}/groups/",
    "/desk/courses/{course}/slips/",
]
ACTIONS = [
    "/desk/submissions/{submission}/cancel/",
    "/desk/submissions/{submission}/rerun/",
    "/desk/submissions/{submission}/count/",
    "/desk/quests/new/",
    "/desk/quests/{quest}/",
    "/desk/quests/{quest}/move/",
    "/desk/quests/{quest}/extensions/",
    "/desk/quests/{quest}/announce/",
    "/desk/submissions/{submission}/disqualify/",
    "/desk/workers/{worker}/",
    "/desk/courses/",
    "/desk/courses/{course}/term/",
    "/desk/courses/{course}/groups/new/",
    "/desk/courses/{course}/archive/",
    "/desk/courses/{course}/groups/",
    "/desk/members/{member}/reset/",
    "/desk/logins/unlock/",
]


@pytest.fixture
def at(submission, quest, course, owner, worker):
    """An address, filled in with the ids of the test's objects."""
    member = Membership.objects.get(user=owner)

    def at(address: str) -> str:
        return address.format(
            submission=submission.pk, quest=quest.pk, course=course.pk, member=member.pk, worker=worker.pk
        )

    return at


@pytest.mark.parametrize("address", PAGES)
def test_an_instructor_may_read_every_page(at, address, instructor_client):
    assert instructor_client.get(at(address)).status_code == 200


@pytest.mark.parametrize("address", PAGES)
def test_members_of_groups_get_404_for_every_desk_page(at, address, owner_client, stranger_client):
    assert owner_client.get(at(address)).status_code == 404
    assert stranger_client.get(at(address)).status_code == 404


@pytest.mark.parametrize("address", PAGES)
def test_anonymous_visitors_are_sent_to_the_login(at, address, client):
    response = client.get(at(address))

    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=/desk/")


@pytest.mark.parametrize("action", ACTIONS)
def test_only_instructors_can_perform_actions(at, action, client, owner_client, submission, quest, course, owner):
    answers = [someone.post(at(action), {"to": "closed", "archived": "1"}) for someone in (client, owner_client)]

    assert [answer.status_code for answer in answers] == [302, 404]
    assert answers[0]["Location"].startswith("/login/")
    quest.refresh_from_db()
    owner.refresh_from_db()
    assert (reload(submission).state, quest.state, owner.has_usable_password()) == (State.QUEUED, "open", True)
    assert not Course.objects.filter(archived=True).exists()
    assert (Quest.objects.count(), Group.objects.count()) == (1, 1)


@pytest.mark.parametrize("action", ["/desk/quests/{quest}/move/", "/desk/members/{member}/reset/"])
def test_a_get_request_changes_nothing(at, action, instructor_client):
    assert instructor_client.get(at(action)).status_code == 405


def test_a_polled_table_reloads_the_page_after_the_session_has_ended(client, db):
    response = client.get("/desk/?seen=1", headers={"HX-Request": "true"})

    assert response["HX-Refresh"] == "true"
    assert response.content == b""


def test_unknown_objects_are_not_found(instructor_client):
    for address in ("submissions/999/cancel/", "quests/999/", "courses/999/groups/", "courses/999/slips/", "x.csv"):
        assert instructor_client.get(f"/desk/{address}").status_code == 404
