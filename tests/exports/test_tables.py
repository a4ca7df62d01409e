"""The desk's tables, downloaded as CSV and JSON."""

import csv
import io
import json

import pytest

from leaderboard.exports import tables
from submissions.models import Group, Quest, QuestState, Submission
from tests.cast import FOREST, reload

pytestmark = pytest.mark.slow


def body(response) -> str:
    assert response.streaming
    return b"".join(response.streaming_content).decode("utf-8")


def table(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(response).removeprefix("\ufeff"))))


@pytest.fixture
def two(submit, score):
    return score(submit(), 351, train_s=7.125), submit(FOREST)


def test_the_csv_has_every_time_of_a_run(two, instructor_client):
    waiting, scored = table(instructor_client.get("/desk/submissions.csv"))

    assert scored["group"] == "ITMALGrp01"
    assert scored["model"] == "KNeighborsClassifier(n_neighbors=4, weights='distance')"
    assert (scored["score"], scored["correct"], scored["total"]) == ("0.975", "351", "360")
    assert (scored["train_s"], scored["predict_s"], scored["attempts"]) == ("7.125", "0.5", "1")
    assert scored["hardware"] == "AMD EPYC 9B14, 2 cores"
    assert (waiting["state"], waiting["score"], waiting["train_s"], waiting["attempts"]) == ("queued", "", "", "0")


def test_times_of_day_are_in_the_quests_time_zone_with_their_offset(two, quest, instructor_client):
    row = json.loads(body(instructor_client.get("/desk/submissions.json?state=scored")))[0]

    assert row["submitted_at"] == two[0].submitted_at.astimezone(quest.zone).isoformat(timespec="seconds")


def test_json_has_the_csvs_rows_and_the_whole_configuration(two, instructor_client):
    as_csv = table(instructor_client.get("/desk/submissions.csv"))
    as_json = json.loads(body(instructor_client.get("/desk/submissions.json")))

    assert [row["id"] for row in as_json] == [int(row["id"]) for row in as_csv]
    assert set(as_json[0]) == {*as_csv[0], "spec"}
    assert as_json[1]["spec"]["n_neighbors"] == 4


def test_an_export_holds_every_page_of_the_filtered_list(two, instructor_client):
    assert [row["family"] for row in table(instructor_client.get("/desk/submissions.csv?family=forest"))] == ["forest"]
    assert json.loads(body(instructor_client.get("/desk/submissions.json?group=nobody"))) == []
    empty = body(instructor_client.get("/desk/submissions.csv?group=nobody"))
    assert empty.removeprefix("\ufeff").strip().split(",") == list(tables.COLUMNS)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1"])
def test_text_typed_by_a_group_never_becomes_a_formula_in_the_csv(two, instructor_client, name):
    Group.objects.update(name=name)

    assert {row["group"] for row in table(instructor_client.get("/desk/submissions.csv"))} == {f"'{name}"}
    assert json.loads(body(instructor_client.get("/desk/submissions.json")))[0]["group"] == name


def test_a_missing_value_is_null_in_json_and_an_empty_cell_in_csv(submission, instructor_client):
    (row,) = json.loads(body(instructor_client.get("/desk/submissions.json")))
    (cells,) = table(instructor_client.get("/desk/submissions.csv"))

    for name in ("finished_at", "reason", "device", "hardware", "engine", "energy_method", "train_s"):
        assert (name, row[name], cells[name]) == (name, None, "")


def test_private_scores_are_exported_only_after_the_reveal(submit, score, quest, instructor_client):
    score(submit(), 351, private=(80, 100))
    before = json.loads(body(instructor_client.get("/desk/submissions.json")))[0]["private_score"]

    Quest.objects.update(state=QuestState.REVEALED)

    after = json.loads(body(instructor_client.get("/desk/submissions.json")))[0]["private_score"]
    assert (before, after) == (None, 0.8)


def test_the_ranking_is_exported_in_order_of_rank(two, score, submit, instructor_client, quest):
    score(two[1], 355)
    best = score(submit(), 358)

    rows = table(instructor_client.get(f"/desk/ranking.csv?quest={quest.pk}&show=all"))

    assert [(row["rank"], row["correct"]) for row in rows] == [("1", "358"), ("2", "355"), ("3", "351")]
    (only,) = json.loads(body(instructor_client.get(f"/desk/ranking.json?quest={quest.pk}")))
    assert (only["id"], only["rank"], only["ranked_score"]) == (best.pk, 1, reload(best).accuracy)
    assert list(only) == list(rows[0])


def test_a_long_export_takes_few_queries(submit, score, instructor_client, django_assert_max_num_queries):
    for _ in range(8):
        score(submit(), 300)
    with django_assert_max_num_queries(8):
        assert len(table(instructor_client.get("/desk/submissions.csv"))) == 8
    with django_assert_max_num_queries(8):
        assert len(table(instructor_client.get("/desk/ranking.csv?show=all"))) == 8


def test_a_downloaded_file_is_named_after_the_quest(two, quest, instructor_client):
    disposition = instructor_client.get(f"/desk/submissions.csv?quest={quest.pk}")["Content-Disposition"]

    assert disposition.startswith('attachment; filename="submissions-digits-quest-20')
    assert disposition.endswith('.csv"')


def test_an_instructors_submission_is_exported_as_out_of_competition(submit, instructor, instructor_client):
    submit(submitter=instructor, group=None)

    (row,) = json.loads(body(instructor_client.get("/desk/submissions.json")))

    assert (row["group"], row["submitter"], row["competes"]) == (None, "instructor", False)
    assert Submission.objects.get().out_of_competition
