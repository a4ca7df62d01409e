"""The compute page: time and energy of each group's runs."""

from __future__ import annotations

import re

import pytest

from leaderboard.desk.compute import totals
from submissions.models import Attempt, Exit, Quest
from submissions.queue import leases
from tests.cast import FOREST, claim_one


@pytest.fixture
def runs(submission, submit, score, worker, stranger, other_group, instructor):
    """The owner's group's run, released once and then scored; the other group's run; and an instructor's."""
    leases.release(claim_one(worker), Exit.LOST, reason="gone")
    Attempt.objects.update(total_s=4.0, cpu_s=None)
    score(submission, 350, train_s=10.0)
    score(submit(FOREST, submitter=stranger, group=other_group), 340, train_s=1.0)
    score(submit(FOREST, submitter=instructor, group=None), 340, train_s=1.0)


def by_group(quest=None):
    return {row.group: row for row in totals(quest)}


def test_runs_without_a_score_count_too(runs):
    own = by_group()["ITMALGrp01"]

    assert (own.submissions, own.runs, own.scored) == (1, 2, 1)
    assert own.cpu_s == pytest.approx(4.0 + 10.65)
    assert own.core_s == pytest.approx(20.0)
    assert own.gpu_s == 0


def test_gpu_seconds_are_summed_separately(runs):
    Attempt.objects.filter(submission__group__name="ITMALGrp02").update(device="gpu")

    other = by_group()["ITMALGrp02"]

    assert (other.cpu_s, other.gpu_s) == (0, pytest.approx(1.65))


def test_unmeasured_energy_is_not_zero(runs, instructor_client):
    assert by_group()["ITMALGrp01"].watt_hours is None

    Attempt.objects.filter(exit="scored", submission__group__name="ITMALGrp01").update(
        energy_joules=7200.0, energy_method="rapl"
    )
    page = " ".join(instructor_client.get("/desk/compute/").content.decode().split())

    assert by_group()["ITMALGrp01"].watt_hours == 2.0
    assert "2.00 Wh" in page
    assert "rapl, 1 of 2 runs" in page


def test_instructors_runs_have_their_own_row_and_count_in_the_total(runs, instructor_client):
    response = instructor_client.get("/desk/compute/")

    assert response.context["total"].runs == 4
    assert "instructors" in response.content.decode()


def test_the_page_can_be_filtered_by_quest(runs, course, instructor_client):
    other = Quest.objects.create(course=course, name="Another", dataset="digits")

    assert totals(other.pk) == []
    assert "No runs yet." in instructor_client.get(f"/desk/compute/?quest={other.pk}").content.decode()


def test_rows_are_sorted_as_requested(runs, instructor_client):
    for sort, first in (("", "ITMALGrp01"), ("cpu_s", "instructors"), ("-group", "ITMALGrp02")):
        page = instructor_client.get(f"/desk/compute/?sort={sort}").content.decode()
        assert re.sub(r"<[^>]+>", " ", page.partition("<tbody>")[2]).split()[0] == first


def test_the_totals_take_two_queries(runs, django_assert_num_queries):
    with django_assert_num_queries(2):
        totals()
