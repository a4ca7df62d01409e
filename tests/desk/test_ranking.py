"""The desk's ranking: sorting, disqualification and reinstatement."""

from __future__ import annotations

import re

import pytest

from submissions.models import Attempt, Quest
from tests.cast import FOREST, reload

pytestmark = pytest.mark.slow


@pytest.fixture
def two(submission, submit, score, stranger, other_group):
    """The owner's group's best score, slow to train, and the other group's quick one."""
    first = score(submission, 350, train_s=90.0)
    second = score(submit(FOREST, submitter=stranger, group=other_group), 340, train_s=2.0)
    return first, second


def ranked(client, query: str) -> list[str]:
    page = client.get(f"/desk/ranking/?{query}").content.decode()
    return re.findall(r'<tr id="ranked-\d+">.*?<th scope="row">\s*(\w+)', page, re.DOTALL)


def test_the_ranking_is_sorted_as_requested(two, instructor_client):
    by_rank, reverse = ["ITMALGrp01", "ITMALGrp02"], ["ITMALGrp02", "ITMALGrp01"]

    for query, order in (
        ("", by_rank),
        ("sort=training", reverse),
        ("sort=-training", by_rank),
        ("sort=-group", reverse),
        ("sort=spec", by_rank),
    ):
        assert ranked(instructor_client, query) == order


def test_sorting_keeps_each_entrys_rank(two, instructor_client):
    page = instructor_client.get("/desk/ranking/?sort=training").content.decode()

    assert re.findall(r'<tr id="ranked-\d+">\s*<td class="num" data-label="#">(\d)', page) == ["2", "1"]
    assert 'aria-sort="ascending"><a id="sort-training"' in re.sub(r"\s+", " ", page).replace('" >', '">')


def test_an_entry_names_its_engine_and_hardware(two, instructor_client):
    page = instructor_client.get("/desk/ranking/").content.decode()

    assert '<span class="under">accelerated' in page
    assert "AMD EPYC 9B14, 2 cores" in page


def test_sorting_times_of_different_engines_shows_a_warning(two, instructor_client):
    warning = "These runs used different engines (accelerated, stock)"
    Attempt.objects.filter(submission=two[1]).update(engine="stock")

    assert warning in instructor_client.get("/desk/ranking/?sort=training").content.decode()
    assert warning not in instructor_client.get("/desk/ranking/?sort=group").content.decode()


def test_disqualifying_requires_a_reason_and_is_confirmed(two, instructor_client):
    first, _second = two
    address = f"/desk/submissions/{first.pk}/disqualify/?next=/desk/ranking/"

    assert "Give a reason" in instructor_client.post(address, {"reason": " "}, follow=True).content.decode()
    assert not reload(first).disqualified

    page = instructor_client.post(address, {"reason": "copied", "next": "/desk/ranking/"}, follow=True)
    assert page.redirect_chain[-1][0] == "/desk/ranking/"
    assert f"Submission {first.pk} is disqualified." in page.content.decode()
    assert ranked(instructor_client, "") == ["ITMALGrp02"]


def test_a_disqualified_submission_can_be_reinstated(two, instructor_client):
    first, _second = two
    address = f"/desk/submissions/{first.pk}/disqualify/"
    instructor_client.post(address, {"reason": "copied"})

    assert "Reinstate…" in instructor_client.get("/desk/").content.decode()
    assert "Reinstate submission" in instructor_client.get(address).content.decode()
    instructor_client.post(address, {"reason": "it was not", "reinstate": "1"})

    assert ranked(instructor_client, "") == ["ITMALGrp01", "ITMALGrp02"]


def test_instructors_see_the_current_ranking_of_a_frozen_board(two, instructor_client):
    Quest.objects.update(frozen_at="2020-01-01T00:00:00Z")

    assert ranked(instructor_client, "") == ["ITMALGrp01", "ITMALGrp02"]


def test_a_long_ranking_takes_few_queries(submit, score, instructor_client, django_assert_max_num_queries):
    for _ in range(5):
        score(submit(), 350)

    with django_assert_max_num_queries(16):
        instructor_client.get("/desk/ranking/?show=all&sort=-waiting")
