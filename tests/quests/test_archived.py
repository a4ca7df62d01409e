"""An archived quest, and every quest of an archived course, is read-only, for instructors too."""

from __future__ import annotations

import pytest

from submissions.intake import disqualification, reruns
from submissions.models import Course, Quest, QuestState, Submission
from submissions.quests.refusal import Refused
from tests.cast import KNN, reload

pytestmark = pytest.mark.slow

READ_ONLY = "Digits quest is archived and read-only."


@pytest.fixture(params=["quest", "course"])
def archive(request, quest, course):
    """Archives the quest itself, or its course while the quest still says that it is open."""

    def archive() -> None:
        if request.param == "quest":
            Quest.objects.filter(pk=quest.pk).update(state=QuestState.ARCHIVED)
        else:
            Course.objects.filter(pk=course.pk).update(archived=True)

    return archive


@pytest.mark.parametrize("who", ["owner", "instructor"])
def test_an_archived_quest_takes_no_submissions(archive, who, quest, client, request):
    client.force_login(request.getfixturevalue(who))
    archive()

    answer = client.post(
        "/api/v1/submissions/", {"quest": quest.pk, "model": KNN}, content_type="application/json", follow=True
    )

    assert answer.status_code in (400, 403, 409)
    assert READ_ONLY in answer.content.decode()
    assert not Submission.objects.exists()


def test_an_archived_quest_takes_no_reruns_and_no_choice_of_run(archive, submission, score, instructor):
    first = score(submission, 300)
    again = score(reruns.rerun(first, user=instructor, reason="The fan had failed."), 340)
    archive()

    with pytest.raises(Refused, match=READ_ONLY):
        reruns.rerun(first, user=instructor, reason="Once more.")
    with pytest.raises(Refused, match=READ_ONLY):
        reruns.choose(again, user=instructor, reason="It was better.")

    assert Submission.objects.count() == 2
    assert not reload(again).counts


def test_an_archived_quest_takes_no_disqualification_or_reinstatement(archive, submission, score, instructor):
    scored = score(submission, 300)
    archive()

    for decide in (disqualification.disqualify, disqualification.reinstate):
        with pytest.raises(Refused, match=READ_ONLY):
            decide(scored, user=instructor, reason="Too late.")

    assert not reload(scored).disqualified


def test_the_desk_says_that_the_quest_is_archived(archive, submission, score, instructor_client):
    scored = score(submission, 300)
    archive()

    page = instructor_client.post(f"/desk/submissions/{scored.pk}/rerun/", {"reason": "Again."}, follow=True)

    assert READ_ONLY in page.content.decode()


def test_the_desk_offers_nothing_that_would_be_refused(archive, submission, score, instructor, instructor_client):
    first = score(submission, 300)
    score(reruns.rerun(first, user=instructor, reason="The fan had failed."), 340)
    pages = ("/desk/", "/desk/ranking/", f"/submissions/{first.pk}/")

    def offered() -> set[str]:
        text = "".join(instructor_client.get(page).text for page in pages)
        return {words for words in ("Re-run…", "Disqualify…", "Count this run…") if words in text}

    assert offered() == {"Re-run…", "Disqualify…", "Count this run…"}
    archive()
    assert offered() == set()
