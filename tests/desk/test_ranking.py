"""The desk's ranking, in any order, and what is done to its entries."""

from __future__ import annotations

import re

import pytest

from submissions.models import Attempt, Quest
from tests.cast import FOREST, reload

pytestmark = pytest.mark.slow


@pytest.fixture
def two(submission, submit, score, stranger, other_group):
    """The owner's group, best and slow to train, and another that was quick."""
    first = score(submission, 350, train_s=90.0)
    second = score(submit(FOREST, submitter=stranger, group=other_group), 340, train_s=2.0)
    return first, second


def ranked(client, query: str) -> list[str]:
    page = client.get(f"/desk/ranking/?{query}").content.decode()
    return re.findall(r'<tr id="ranked-\d+">.*?<th scope="row">\s*(\w+)', page, re.DOTALL)


def test_the_ranking_stands_in_the_order_that_was_asked_for(two, instructor_client):
    by_rank, other_way_round = ["ITMALGrp01", "ITMALGrp02"], ["ITMALGrp02", "ITMALGrp01"]

    for query, order in (
        ("", by_rank),
        ("sort=training", other_way_round),
        ("sort=-training", by_rank),
        ("sort=-group", other_way_round),
        ("sort=spec", by_rank),
    ):
        assert ranked(instructor_client, query) == order


def test_another_order_leaves_the_ranks_as_they_are(two, instructor_client):
    page = instructor_client.get("/desk/ranking/?sort=training").content.decode()

    assert re.findall(r'<tr id="ranked-\d+">\s*<td class="num" data-label="#">(\d)', page) == ["2", "1"]
    assert 'aria-sort="ascending"><a id="sort-training"' in re.sub(r"\s+", " ", page).replace('" >', '">')


def test_an_entry_names_engine_hardware_and_tries(two, instructor_client):
    page = instructor_client.get("/desk/ranking/").content.decode()

    assert '<span class="under">accelerated' in page
    assert "AMD EPYC 9B14, 2 cores" in page


def test_times_of_different_engines_are_not_compared_silently(two, instructor_client):
    said = "These runs used different engines (accelerated, stock)"
    Attempt.objects.filter(submission=two[1]).update(engine="stock")

    assert said in instructor_client.get("/desk/ranking/?sort=training").content.decode()
    assert said not in instructor_client.get("/desk/ranking/?sort=group").content.decode()


def test_disqualifying_asks_for_a_reason_and_says_what_happened(two, instructor_client):
    first, _second = two
    address = f"/desk/submissions/{first.pk}/disqualify/?next=/desk/ranking/"

    assert "Give a reason" in instructor_client.post(address, {"reason": " "}, follow=True).content.decode()
    assert not reload(first).disqualified

    page = instructor_client.post(address, {"reason": "copied", "next": "/desk/ranking/"}, follow=True)
    assert page.redirect_chain[-1][0] == "/desk/ranking/"
    assert f"Submission {first.pk} is disqualified." in page.content.decode()
    assert ranked(instructor_client, "") == ["ITMALGrp02"]


def test_what_was_disqualified_is_listed_as_such_and_can_be_reinstated(two, instructor_client):
    first, _second = two
    address = f"/desk/submissions/{first.pk}/disqualify/"
    instructor_client.post(address, {"reason": "copied"})

    assert "Reinstate…" in instructor_client.get("/desk/").content.decode()
    assert "Reinstate submission" in instructor_client.get(address).content.decode()
    instructor_client.post(address, {"reason": "it was not", "reinstate": "1"})

    assert ranked(instructor_client, "") == ["ITMALGrp01", "ITMALGrp02"]


def test_instructors_see_a_frozen_board_as_it_is(two, instructor_client):
    Quest.objects.update(frozen_at="2020-01-01T00:00:00Z")

    assert ranked(instructor_client, "") == ["ITMALGrp01", "ITMALGrp02"]


def test_the_ranking_asks_few_questions_however_long_it_is(
    submit, score, instructor_client, django_assert_max_num_queries
):
    for _ in range(5):
        score(submit(), 350)

    with django_assert_max_num_queries(16):
        instructor_client.get("/desk/ranking/?show=all&sort=-waiting")
