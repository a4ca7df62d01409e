"""The charts page: its sentences, its downloads, and which readers see which data."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from leaderboard.charts.gallery import CHARTS
from leaderboard.charts.painter_process import Painter
from submissions.models import ModelsShown, Quest, QuestState, Submission
from tests.cast import FLAT_NET, FOREST, KNN

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_painter(monkeypatch):
    """Opening the page would start a painter, which these tests do not need."""
    monkeypatch.setattr(Painter, "wake", lambda self: None)


def sentence(text: str, chart: str) -> str:
    """The sentence above a chart, as a person reads it."""
    found = re.search(rf'id="reading-{chart}">(.*?)</p>', text, re.S)
    assert found
    return " ".join(found[1].split())


def records(client, chart: str, query: str = "") -> list[dict]:
    """The chart's data, downloaded as JSON."""
    return json.loads(client.get(f"/charts/{chart}.json{query}").getvalue())


@pytest.fixture
def scored(submit, score, stranger, other_group):
    """The owner's group with a slow 350 and a quick 340 of 360, the stranger's with 345, submitted in this order."""
    return [
        score(submit(FOREST), 350, ago=timedelta(hours=3), train_s=600.0),
        score(submit(), 340, ago=timedelta(hours=2), train_s=0.5),
        score(submit(submitter=stranger, group=other_group), 345, ago=timedelta(hours=1), train_s=2.5),
    ]


def test_the_cost_sentence_names_the_best_value_run(client, quest, scored):
    text = sentence(client.get("/charts/").text, "cost")

    assert text.startswith(
        "KNeighborsClassifier(n_neighbors=4, weights=&#x27;distance&#x27;) by ITMALGrp02 is 200× cheaper than "
        "the best, RandomForestClassifier(n_estimators=20) by ITMALGrp01, with a score 1.39 percentage points lower."
    )


def test_the_progress_sentence_names_the_leader_and_the_readers_gap(stranger_client, scored):
    text = sentence(stranger_client.get("/charts/").text, "progress")

    assert text == ("ITMALGrp01 has led from the start, now with 0.97222. ITMALGrp02 is 1.39 percentage points behind.")


def test_the_size_chart_counts_only_trainable_parameters(client, submit, score):
    # 64 inputs to 10 units, and a normalisation with 2 trained and 2 fixed parameters for each of the 64.
    layers = [FLAT_NET["layers"][0], {"kind": "Flatten"}, {"kind": "BatchNormalization"}, FLAT_NET["layers"][2]]
    score(submit({**FLAT_NET, "layers": layers}), 340)

    (record,) = records(client, "size")

    assert record["trainable"] == 64 * 10 + 10 + 2 * 64


def test_the_size_sentence_says_when_there_are_no_networks(client, submission, score):
    score(submission, 340)

    assert "No network" in sentence(client.get("/charts/").text, "size")


def test_the_spread_sentence_says_how_many_groups_the_reader_beats(owner_client, scored):
    assert "beats 100% of the other groups" in sentence(owner_client.get("/charts/").text, "spread")


def test_the_charts_page_of_an_empty_quest_says_that_there_are_no_scores(client, quest):
    page = client.get("/charts/")

    assert "No scores yet" in page.text
    assert "plot" not in page.text


def test_before_any_quest_is_open_the_page_says_so(client, course):
    assert "No quest has been opened yet" in client.get("/charts/").text


def test_a_single_score_is_not_compared(client, submission, score):
    score(submission, 340)

    page = client.get("/charts/").text

    assert "One score so far" in sentence(page, "cost")
    assert "One score so far" in sentence(page, "spread")


def test_every_chart_has_its_numbers_in_a_table(client, scored, submit, score):
    score(submit(FLAT_NET), 330)

    page = client.get("/charts/").text

    for chart in CHARTS:
        table = page.partition(f'id="numbers-{chart}"')[2].partition("</table>")[0]
        assert '<th scope="col"' in table
        assert '<th scope="row"' in table


def test_a_poll_gets_204_while_nothing_has_changed(client, quest, scored, submit):
    etag = re.search(r'data-etag="(\w+)"', client.get("/charts/").text)
    assert etag

    assert client.get("/charts/", {"seen": etag[1]}).status_code == 204
    submit(KNN | {"n_neighbors": 9})
    changed = client.get("/charts/", {"seen": etag[1]})
    assert changed.status_code == 200
    assert "<html" not in changed.text


@pytest.mark.parametrize("query", ["engine=quantum", "cost=love", "show=nothing", "unit=parsec", "quest=&engine="])
def test_an_invalid_choice_is_ignored(client, scored, query):
    assert client.get(f"/charts/?{query}").status_code == 200


@pytest.mark.parametrize("address", ["nothing.svg", "cost.exe", "cost.", "vega-0.0.js"])
def test_an_unknown_chart_is_not_found(client, scored, address):
    assert client.get(f"/charts/{address}").status_code == 404


@pytest.mark.parametrize("form", ["svg", "png", "vega"])
def test_a_chart_without_data_has_no_picture(client, quest, form):
    assert client.get(f"/charts/size.{form}").status_code == 404


def test_downloaded_numbers_hold_no_spreadsheet_formulas(client, group, scored):
    group.name = "=1+1"
    group.save()

    response = client.get("/charts/cost.csv")

    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert {row["group"] for row in rows} == {"'=1+1", "ITMALGrp02"}
    assert [row["on_front"] for row in rows] == ["True", "True", "True"]


def test_an_unchanged_download_is_not_sent_again(client, scored):
    etag = client.get("/charts/cost.json").headers["ETag"]

    assert client.get("/charts/cost.json", headers={"If-None-Match": etag}).status_code == 304


def test_the_number_of_queries_does_not_grow_with_the_scores(
    client, submit, score, scored, django_assert_max_num_queries
):
    for neighbours in range(5, 12):
        score(submit({"family": "knn", "n_neighbors": neighbours}), 300 + neighbours)

    with django_assert_max_num_queries(16):
        client.get("/charts/")


class TestWhoSeesWhat:
    def groups_in(self, client, chart: str = "cost") -> set[str]:
        return {record["group"] for record in records(client, chart)}

    def test_hidden_models_are_named_by_their_family(self, client, owner_client, quest, scored):
        Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

        anonymous, own = client.get("/charts/").text, owner_client.get("/charts/").text

        assert "RandomForestClassifier" not in anonymous
        assert "Random forest by ITMALGrp01" in anonymous
        assert "RandomForestClassifier" in own
        assert {record["model"] for record in records(client, "cost")} == {None}

    def test_hidden_networks_are_not_in_the_size_chart(self, client, submit, score):
        score(submit(FLAT_NET), 340)
        Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

        assert records(client, "size") == []

    def test_other_groups_appear_under_their_pseudonyms(self, client, stranger_client, quest, scored):
        Quest.objects.update(pseudonyms=True)

        assert not self.groups_in(client) & {"ITMALGrp01", "ITMALGrp02"}
        assert "ITMALGrp02" in self.groups_in(stranger_client)
        assert "ITMALGrp01" not in stranger_client.get("/charts/").text

    def test_a_frozen_board_has_frozen_charts(self, client, instructor_client, quest, scored):
        Submission.objects.filter(pk=scored[2].pk).update(finished_at=timezone.now() + timedelta(minutes=1))
        Quest.objects.update(frozen_at=timezone.now())

        assert self.groups_in(client) == {"ITMALGrp01"}
        assert self.groups_in(instructor_client) == {"ITMALGrp01", "ITMALGrp02"}

    def test_on_the_wall_instructors_see_pseudonyms_too(self, instructor_client, quest, scored):
        Quest.objects.update(pseudonyms=True)

        on_wall = records(instructor_client, "cost", "?wall")

        assert not {record["group"] for record in on_wall} & {"ITMALGrp01", "ITMALGrp02"}

    def test_the_private_score_is_in_no_chart_before_the_reveal(self, client, quest, submit, score):
        Quest.objects.update(private_share=0.5)
        score(submit(), 150, total=180, private=(10, 180))

        (before,) = records(client, "cost")
        Quest.objects.update(state=QuestState.REVEALED)
        (after,) = records(client, "cost")

        assert (before["score"], after["score"]) == (pytest.approx(150 / 180), pytest.approx(10 / 180))

    def test_disqualified_runs_are_not_drawn(self, client, scored):
        Submission.objects.filter(pk=scored[2].pk).update(disqualified=True)

        assert self.groups_in(client) == {"ITMALGrp01"}
