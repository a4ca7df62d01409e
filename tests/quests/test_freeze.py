"""A frozen quest: everybody but instructors sees it as it stood then, and the reveal ends it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from leaderboard.ranking import queries
from submissions.models import DeskEvent, Quest, QuestState, Submission
from submissions.quests import lifecycle
from submissions.quests.visibility import visibility_for
from tests.cast import FOREST, KNN

pytestmark = pytest.mark.slow

BEFORE, AFTER = "0.94444", "0.97222"
PLACES = ["/", "/?show=all", "/?wall", "/feed/", "/feed.txt", "/api/v1/leaderboard/", "/api/v1/feed/"]


@pytest.fixture
def frozen(quest, submit, score, stranger, other_group, instructor) -> Quest:
    """Frozen after the owner's group had 340 of 360; since then the stranger's got 350."""
    early = score(submit(), 340)
    Submission.objects.filter(pk=early.pk).update(finished_at=timezone.now() - timedelta(minutes=5))
    lifecycle.freeze(quest, user=instructor)
    score(submit(FOREST, submitter=stranger, group=other_group), 350)
    return quest


def press(client, quest: Quest, frozen: str):
    return client.post(f"/desk/quests/{quest.pk}/freeze/", {"frozen": frozen}, follow=True)


def test_scores_since_the_freeze_are_shown_nowhere(frozen, client, owner_client, stranger_client):
    readers = [(client, place) for place in PLACES] + [(one, "/") for one in (owner_client, stranger_client)]
    for reader, place in [*readers, (stranger_client, "/feed.txt"), (stranger_client, "/api/v1/leaderboard/")]:
        text = reader.get(place).text.replace("0.944444", BEFORE)

        assert BEFORE in text, place
        assert "RandomForestClassifier" not in text, place
        assert AFTER not in text.replace("0.972222", AFTER), place


def test_instructors_go_on_seeing_each_score(frozen, instructor_client):
    for place in ("/", "/feed/", "/feed.txt", "/api/v1/leaderboard/", "/desk/ranking/"):
        assert AFTER in instructor_client.get(place).text.replace("0.972222", AFTER), place


def test_the_counts_are_frozen_too(frozen, instructor):
    public, whole = queries.snapshot(frozen), queries.snapshot(frozen, visibility_for(frozen, instructor))

    assert (public.scored, public.groups) == (1, 1)
    assert (whole.scored, whole.groups) == (2, 2)


def test_a_groups_page_shows_others_what_was_known_then(frozen, client, stranger_client):
    assert AFTER not in client.get("/groups/ITMALGrp02/").text
    assert AFTER in stranger_client.get("/groups/ITMALGrp02/").text


def test_a_frozen_board_says_so(frozen, client, instructor_client):
    assert "Frozen: this is the quest as of" in client.get("/").text
    assert "frozen at" in client.get("/?wall").text
    assert "Frozen for everybody but instructors" in instructor_client.get("/").text
    assert client.get("/api/v1/leaderboard/").json()["frozen_at"] is not None
    assert instructor_client.get("/api/v1/leaderboard/").json()["frozen_at"] is None


def test_an_instructor_freezes_and_thaws_at_the_desk(quest, submission, score, instructor, instructor_client, client):
    score(submission, 350)
    seen = client.get("/").context["snapshot"].etag

    assert "groups see the quest as it is now" in press(instructor_client, quest, "1").text
    assert client.get(f"/?seen={seen}").status_code == 200, "the page learns of it"
    assert "live results again" in press(instructor_client, quest, "0").text
    assert Quest.objects.get().frozen_at is None
    assert [event.detail for event in DeskEvent.objects.filter(user=instructor)] == ["thawed", "frozen"]


def test_a_quest_is_frozen_once(frozen, instructor_client):
    since = Quest.objects.get().frozen_at

    assert "cannot be frozen now" in press(instructor_client, frozen, "1").text
    assert Quest.objects.get().frozen_at == since


@pytest.mark.parametrize("state", [QuestState.DRAFT, QuestState.REVEALED, QuestState.ARCHIVED])
def test_a_draft_or_revealed_quest_cannot_be_frozen(quest, instructor_client, state):
    Quest.objects.update(state=state)

    press(instructor_client, quest, "1")

    assert Quest.objects.get().frozen_at is None


def test_only_instructors_freeze(quest, owner_client):
    assert press(owner_client, quest, "1").status_code == 404


def test_the_reveal_thaws(frozen, client):
    lifecycle.move_quest(frozen, QuestState.CLOSED)
    assert AFTER not in client.get("/").text

    lifecycle.move_quest(frozen, QuestState.REVEALED)

    assert AFTER in client.get("/").text
    assert Quest.objects.get().frozen_at is None


def test_movement_on_a_frozen_board_is_of_the_day_on_which_it_was_frozen(frozen):
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)
    Quest.objects.update(frozen_at=noon)
    frozen.refresh_from_db()

    day = visibility_for(frozen, None).today

    assert timedelta(0) <= noon - day < timedelta(days=1)


def test_an_etag_from_before_the_freeze_does_not_unlock_hidden_scores(frozen, client, submit, score):
    seen = client.get("/").context["snapshot"].etag
    score(submit(KNN), 355)

    assert "0.98611" not in client.get(f"/?seen={seen}").text
