"""Excel workbooks without formulas, and the table for grading."""

from __future__ import annotations

import csv
import io
from datetime import datetime

import pytest
from openpyxl import load_workbook

from leaderboard.exports import grading, tables
from leaderboard.exports.workbook import workbook
from submissions.models import Course, Group, Quest, QuestState, User
from tests.cast import person


def sheet_of(response):
    return load_workbook(io.BytesIO(b"".join(response.streaming_content))).active


def rows_of(sheet) -> list[dict[str, object]]:
    heading, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def graded(quest: Quest, client) -> dict[str, dict[str, str]]:
    text = b"".join(client.get(f"/desk/quests/{quest.pk}/grading.csv").streaming_content).decode("utf-8-sig")
    return {row["username"]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.mark.parametrize("typed", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "#N/A", "=HYPERLINK(1)"])
def test_typed_text_never_becomes_a_formula_in_a_workbook(typed):
    with workbook([{"group": typed}], ["group"], "grading") as file:
        cell = load_workbook(file).active["A2"]

    assert (cell.value, cell.data_type, cell.quotePrefix) == (typed, "s", True)


def test_text_that_xlsx_cannot_hold_is_cut():
    with workbook([{"reason": "a\x00b\x1b" + "x" * 40_000}], ["reason"], "submissions") as file:
        text = load_workbook(file).active["A2"].value

    assert text.startswith("abxx")
    assert len(text) == 32_767


def test_the_workbook_has_the_csvs_columns_with_typed_numbers_and_times(submit, score, instructor_client, quest):
    submission = score(submit(), 351, train_s=7.125)
    submit()

    sheet = sheet_of(instructor_client.get("/desk/submissions.xlsx"))

    waiting, scored = rows_of(sheet)
    assert tuple(scored) == tables.COLUMNS
    assert (scored["score"], scored["train_s"], scored["competes"], scored["group"]) == (
        0.975,
        7.125,
        True,
        "ITMALGrp01",
    )
    local = submission.submitted_at.astimezone(quest.zone).replace(tzinfo=None, microsecond=0)
    assert isinstance(scored["submitted_at"], datetime)
    assert scored["submitted_at"] == local
    assert scored["time_zone"] == quest.time_zone
    assert (waiting["score"], waiting["finished_at"]) == (None, None)
    assert (sheet.freeze_panes, sheet.auto_filter.ref[:3], sheet["A1"].font.bold) == ("A2", "A1:", True)


def test_the_ranking_is_available_as_a_workbook(submit, score, instructor_client, quest):
    score(submit(), 351)
    response = instructor_client.get(f"/desk/ranking.xlsx?quest={quest.pk}")

    assert response["Content-Disposition"].startswith('attachment; filename="ranking-digits-quest-')
    (row,) = rows_of(sheet_of(response))
    assert (row["rank"], row["ranked_score"]) == (1, 0.975)


@pytest.fixture
def course_of_four(submit, score, quest, group, other_group, owner, stranger) -> Quest:
    """Two groups with scores, a group that never submitted, and a group of another course."""
    User.objects.filter(pk=owner.pk).update(first_name="Ada", last_name="Lovelace", student_number="au123")
    score(submit(), 340)
    score(submit(), 330)
    person("colleague", group)
    score(submit(submitter=stranger, group=other_group), 350)
    person("quiet", Group.objects.create(course=quest.course, name="ITMALGrp03"))
    person("helper", other_group, is_staff=True)
    person("elsewhere", Group.objects.create(course=Course.objects.create(name="Another"), name="ITMALGrp01"))
    return quest


def test_every_student_has_a_row_even_if_the_group_never_submitted(course_of_four, instructor_client):
    rows = graded(course_of_four, instructor_client)

    assert list(rows) == ["colleague", "owner", "stranger", "quiet"], "by group and name; instructors get no grade"
    assert rows["owner"] == {
        "student_number": "au123",
        "name": "Ada Lovelace",
        "username": "owner",
        "group": "ITMALGrp01",
        "rank": "2",
        "final_score": str(340 / 360),
        "provisional": "True",
        "submissions": "2",
        "own_submissions": "2",
    }
    assert [rows["colleague"][name] for name in ("rank", "submissions", "own_submissions")] == ["2", "2", "0"]
    assert [rows["quiet"][name] for name in ("rank", "final_score", "submissions")] == ["", "", "0"]


def test_after_the_reveal_the_private_score_is_the_final_one(submit, score, quest, instructor_client):
    score(submit(), 351, private=(80, 100))
    Quest.objects.update(state=QuestState.REVEALED, private_share=0.2)

    row = graded(quest, instructor_client)["owner"]

    assert (row["final_score"], row["provisional"]) == ("0.8", "False")


def test_a_rerun_does_not_count_as_another_submission(submit, score, quest, instructor_client, instructor):
    first = score(submit(), 300)
    again = submit()
    type(again).objects.filter(pk=again.pk).update(rerun_of=first)

    assert graded(quest, instructor_client)["owner"]["submissions"] == "1"


def test_the_grading_table_is_available_as_a_workbook(course_of_four, instructor_client):
    rows = rows_of(sheet_of(instructor_client.get(f"/desk/quests/{course_of_four.pk}/grading.xlsx")))

    assert tuple(rows[0]) == grading.COLUMNS
    assert [row["rank"] for row in rows] == [2, 2, 1, None]


def test_more_students_take_no_more_queries(course_of_four, group, instructor, django_assert_num_queries):
    for number in range(20):
        person(f"student{number}", group)
    with django_assert_num_queries(5):
        assert len(list(grading.grades(course_of_four, user=instructor))) == 24


def test_one_page_lists_the_downloads_of_a_quest(quest, instructor_client):
    def page() -> str:
        return instructor_client.get(f"/desk/quests/{quest.pk}/downloads/").content.decode()

    assert f"/desk/quests/{quest.pk}/grading.xlsx" in page()
    assert "archive.zip" not in page()
    assert f"/desk/ranking.csv?quest={quest.pk}" in page()

    Quest.objects.update(state=QuestState.REVEALED)
    assert f"/desk/quests/{quest.pk}/archive.zip" in page()

    Quest.objects.update(state=QuestState.DRAFT)
    assert "/desk/ranking.csv" not in page(), "a draft has no ranking; the link would give another quest's"
