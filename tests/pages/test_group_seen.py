"""A group's page as outsiders see it, and the chart of its scores."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from submissions.intake.disqualification import disqualify
from submissions.models import ModelsShown, Quest
from submissions.quests.pseudonyms import pseudonym_of
from submissions.results.score_chart import score_charts
from tests.cast import FOREST, KNN

pytestmark = pytest.mark.slow

PAGE = "/groups/ITMALGrp01/"


@pytest.fixture
def scored(submission, score):
    return score(submission, 350)


def text_of(client, address=PAGE, **more) -> str:
    response = client.get(address, **more)
    assert response.status_code == 200
    return response.content.decode()


def test_only_the_group_and_instructors_see_hidden_models(
    scored, client, stranger_client, owner_client, instructor_client
):
    Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

    for outside in (client, stranger_client):
        assert "0.97222" in text_of(outside)
        assert "n_neighbors" not in text_of(outside)
    for inside in (owner_client, instructor_client):
        assert "n_neighbors=4" in text_of(inside)


def test_outsiders_do_not_see_scores_after_the_freeze(scored, client, owner_client):
    Quest.objects.update(frozen_at=scored.finished_at - timedelta(seconds=1))

    assert "0.97222" not in text_of(client)
    assert "0.97222" in text_of(owner_client)


def test_outsiders_cannot_link_a_name_to_its_pseudonym(scored, group, client, stranger_client):
    Quest.objects.update(pseudonyms=True)
    pseudonym = pseudonym_of(group)

    for outside in (client, stranger_client):
        by_name, by_pseudonym = text_of(outside), text_of(outside, f"/groups/{pseudonym}/")
        assert "0.97222" not in by_name
        assert pseudonym not in by_name
        assert "0.97222" in by_pseudonym
        assert "ITMALGrp01" not in by_pseudonym


def test_a_pseudonyms_page_has_no_scores_of_quests_that_show_names(scored, group, course, client):
    Quest.objects.update(pseudonyms=False)
    Quest.objects.create(course=course, name="Masked", dataset="digits", state="open", pseudonyms=True)

    assert "0.97222" not in text_of(client, f"/groups/{pseudonym_of(group)}/")


def test_readers_who_may_know_the_name_are_redirected_to_it(scored, group, owner_client, instructor_client, course):
    Quest.objects.update(pseudonyms=True)

    for inside in (owner_client, instructor_client):
        response = inside.get(f"/groups/{pseudonym_of(group)}/")
        assert response["Location"] == f"{PAGE}?course={course.pk}"


def test_members_see_who_submitted_what(scored, colleague, submit, owner_client, client):
    submit(FOREST, submitter=colleague)

    page = text_of(owner_client)

    assert '<td data-label="by">owner</td>' in page
    assert '<td data-label="by">colleague</td>' in page
    assert 'data-label="by"' not in text_of(client)


def test_the_score_chart_needs_two_scores(submission, submit, score, client):
    score(submission, 340, ago=timedelta(hours=2))
    assert "<svg" not in text_of(client)

    score(submit(FOREST), 350)
    page = text_of(client)

    assert "2 scores, from 0.94444 to a best of 0.97222." in page
    assert page.count("<circle") == 2


def test_a_score_is_linked_only_for_readers_who_may_open_it(scored, client, stranger_client):
    address = f"/submissions/{scored.pk}/"

    assert f'href="{address}"' in text_of(stranger_client)
    assert stranger_client.get(address).status_code == 200
    assert address not in text_of(client), "without a login there is no page of a submission"

    Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

    assert address not in text_of(stranger_client)


def test_the_line_shows_the_best_so_far_and_only_rises(submit, score, instructor):
    rows = [
        score(submit(KNN | {"n_neighbors": 1 + i}), correct, ago=timedelta(hours=9 - i))
        for i, correct in enumerate((340, 330, 350, 345))
    ]
    disqualify(rows[2], user=instructor, reason="copied")
    rows[2].refresh_from_db()

    [chart] = score_charts(rows)

    assert chart.best == 345 / 360
    levels = [float(part.split()[0]) for part in chart.line.split("V")[1:]]
    assert levels == sorted(levels, reverse=True), "an SVG's y grows downwards"
    assert [dot.x for dot in chart.dots] == sorted(dot.x for dot in chart.dots)


def test_scores_at_one_moment_can_be_drawn(submit, score):
    rows = [score(submit(), 350), score(submit(FOREST), 350)]
    now = timezone.now()
    for row in rows:
        row.submitted_at = now

    [chart] = score_charts(rows)

    assert {dot.x for dot in chart.dots} == {360.0}


def test_many_scores_take_few_queries(submit, score, client, django_assert_max_num_queries):
    for _ in range(6):
        score(submit(), 350)

    with django_assert_max_num_queries(14):
        client.get(PAGE)
