"""The wall: board, feed and charts as anonymous readers see them, and new records."""

from datetime import timedelta

import pytest
from django.utils import timezone

from submissions.models import ModelsShown, Quest, QuestState, Submission
from tests.cast import FOREST

pytestmark = pytest.mark.slow


@pytest.fixture
def scored(submit, score, stranger, other_group):
    return [
        score(submit(), 340, ago=timedelta(hours=2)),
        score(submit(FOREST, submitter=stranger, group=other_group), 350, ago=timedelta(hours=1)),
    ]


def set_finished(submission: Submission, ago: timedelta) -> None:
    Submission.objects.filter(pk=submission.pk).update(finished_at=timezone.now() - ago)


def test_the_wall_shows_board_and_feed_without_navigation_forms_or_links(client, scored):
    text = client.get("/?wall").text

    assert 'data-pane="board"' in text
    assert 'data-pane="feed"' in text
    assert "0.97222" in text
    assert "<nav" not in text
    assert "<form" not in text
    assert "<a " not in text


def test_the_wall_is_the_same_for_everybody(client, owner_client, instructor_client, quest, scored):
    Quest.objects.filter(pk=quest.pk).update(
        pseudonyms=True, models_shown=ModelsShown.AFTER_CLOSING, frozen_at=timezone.now()
    )
    anonymous = client.get("/?wall").text

    assert "ITMALGrp" not in anonymous
    assert "RandomForestClassifier" not in anonymous
    for someone in (owner_client, instructor_client):
        assert someone.get("/?wall").text == anonymous


def test_the_wall_never_shows_a_draft(instructor_client, course):
    draft = Quest.objects.create(course=course, name="Secret plan")

    assert "Secret plan" not in instructor_client.get(f"/?wall&quest={draft.pk}").text


def test_a_new_record_is_announced_for_some_minutes(client, scored):
    assert "New record" in client.get("/?wall").text

    for submission in scored:
        set_finished(submission, timedelta(minutes=11))

    assert "New record" not in client.get("/?wall").text


def test_an_equal_score_is_not_a_new_record(client, scored, submit, score):
    set_finished(scored[1], timedelta(minutes=11))
    score(submit(), 350)

    assert "New record" not in client.get("/?wall").text


def test_the_final_ranking_has_no_new_records(client, quest, scored):
    Quest.objects.filter(pk=quest.pk).update(state=QuestState.REVEALED)

    assert "New record" not in client.get("/?wall").text


def test_a_poll_of_the_wall_gets_new_scores(client, scored, submit, score):
    version = client.get("/?wall").context["version"]
    assert client.get(f"/?wall=board&seen={version}").status_code == 204

    score(submit(), 355)

    part = client.get(f"/?wall=board&seen={version}").text
    assert part.strip().startswith("<div")
    assert "0.98611" in part


def test_the_wall_is_sent_again_when_a_record_is_no_longer_new(client, scored):
    version = client.get("/?wall").context["version"]
    for submission in scored:
        set_finished(submission, timedelta(minutes=11))

    assert client.get(f"/?wall&seen={version}").status_code == 200


def test_without_scripts_the_wall_reloads_with_the_next_pane(client, quest, scored):
    first, second = client.get("/?wall").text, client.get("/?wall=feed").text

    assert f"?wall=feed&amp;quest={quest.pk}" in first
    assert 'data-pane="feed" aria-label="Feed" hidden' in " ".join(first.split())
    assert 'data-pane="board" aria-label="Board" hidden' in " ".join(second.split())


def test_an_empty_wall_invites_the_first_score(client, quest):
    assert "be the first" in client.get("/?wall").text


def test_the_number_of_queries_does_not_grow_with_the_groups(
    client, scored, submit, score, django_assert_max_num_queries
):
    for correct in range(300, 306):
        score(submit(), correct)

    with django_assert_max_num_queries(11):  # three of them for the charts and their sentences
        client.get("/?wall")


def test_the_wall_also_shows_the_charts(client, quest, scored):
    text = client.get("/?wall").text

    assert 'data-pane="cost"' in text
    assert f'src="/charts/cost.svg?quest={quest.pk}&amp;wall"' in text
    assert f"?wall=cost&amp;quest={quest.pk}" in client.get("/?wall=feed").text


def test_an_empty_chart_is_not_an_error_on_the_wall(client, quest, scored):
    assert client.get("/charts/size.svg?wall").status_code == 204
    assert client.get("/charts/size.svg").status_code == 404
