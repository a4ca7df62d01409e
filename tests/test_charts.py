"""The charts: what their numbers are, what is said of them, who sees what in them, and how they are drawn."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from django.http import QueryDict
from django.utils import timezone

from leaderboard.charts import breakdown, cost, progress, size, spread
from leaderboard.charts.figure import MOST_POINTS, Subject, Wish, score_limits, thinned
from leaderboard.charts.gallery import CHARTS
from leaderboard.charts.runs import Run
from leaderboard.charts.studio import Late, NoPicture, Studio, soon, studio
from submissions.models import Attempt, Hardware, ModelsShown, Quest, QuestState, Submission
from tests.cast import FOREST, KNN

BEGUN = datetime(2026, 10, 12, 9, tzinfo=UTC)
NET = {
    "family": "cnn",
    "layers": [
        {"kind": "Input", "shape": [8, 8]},
        {"kind": "Flatten"},
        {"kind": "Dense", "units": 10, "activation": "softmax"},
    ],
}


@pytest.fixture(autouse=True)
def no_painter_beforehand(monkeypatch):
    """A page that is opened has a painter started; of these tests those that draw start their own."""
    monkeypatch.setattr(Studio, "wake", lambda self: None)


def run(number: int, score: float, *, group: int = 1, hours: float = 0.0, **more) -> Run:
    at = BEGUN + timedelta(hours=hours or number)
    known: dict[str, Any] = {
        "number": number, "group_id": group, "group": f"ITMALGrp{group:02}", "own": False, "family": "knn",
        "family_label": "K nearest neighbours", "model": "KNeighborsClassifier()", "parameters": None, "score": score,
        "public": score, "handed_in_at": at, "at": at, "queue_wait_s": 1.0, "startup_s": 0.0, "data_load_s": 0.1,
        "preprocess_s": 0.0, "train_s": 2.0, "predict_s": 1.0, "device": "cpu", "engine": "stock",
        "engine_version": "scikit-learn 1.9.1", "hardware": "AMD EPYC, 2 cores",
    }  # fmt: skip
    return Run(**(known | more))


def about(*runs: Run, quest: Quest | None = None, **asked: str) -> Subject:
    quest = quest or Quest(name="Quest", time_zone="Europe/Copenhagen")
    query = QueryDict(mutable=True)
    query.update(asked)
    return Subject(quest, list(runs), Wish.read(query, runs, quest))


def reading(text: str, chart: str) -> str:
    """The sentence above a chart, as a person reads it."""
    found = re.search(rf'id="reading-{chart}">(.*?)</p>', text, re.S)
    assert found
    return " ".join(found[1].split())


def records(client, chart: str, query: str = "") -> list[dict]:
    """What is downloaded as JSON."""
    return json.loads(client.get(f"/charts/{chart}.json{query}").getvalue())


@pytest.fixture
def scored(submit, score, stranger, other_group):
    """The owner's group with a slow 350 and a quick 340 of 360, the stranger's with 345, handed in in this order."""
    return [
        score(submit(FOREST), 350, ago=timedelta(hours=3), train_s=600.0),
        score(submit(), 340, ago=timedelta(hours=2), train_s=0.5),
        score(submit(submitter=stranger, group=other_group), 345, ago=timedelta(hours=1), train_s=2.5),
    ]


class TestScoreAgainstCost:
    def test_the_front_holds_those_that_no_other_run_beats_at_both(self):
        cheap, dear, beaten = run(1, 0.95, train_s=0.5), run(2, 0.99, train_s=90.0), run(3, 0.94, train_s=5.0)

        assert cost.pareto([dear, beaten, cheap], "both") == [cheap, dear]

    def test_of_two_that_are_equal_the_front_holds_the_first(self):
        assert cost.pareto([run(2, 0.9), run(1, 0.9)], "both") == [run(1, 0.9)]

    @pytest.mark.parametrize(("what", "seconds"), [("both", 3.0), ("train", 2.0), ("predict", 1.0)])
    def test_cost_is_training_or_scoring_or_both(self, what, seconds):
        assert cost.cost_of(run(1, 0.9), what) == seconds

    def test_a_run_that_took_no_time_still_has_a_place_on_a_logarithmic_axis(self):
        assert cost.cost_of(run(1, 0.9, train_s=0.0), "train") == cost.LEAST_COST

    def test_the_sentence_names_the_bargain(self, client, quest, scored):
        said = reading(client.get("/charts/").text, "cost")

        assert said.startswith(
            "KNeighborsClassifier(n_neighbors=4, weights=&#x27;distance&#x27;) of ITMALGrp02 costs 200 times less than "
            "the best, RandomForestClassifier(n_estimators=20) of ITMALGrp01, for 1.39 percentage points less."
        )

    def test_that_the_two_ran_on_different_hardware_is_said(self):
        facts = cost.figure(about(run(1, 0.95, train_s=0.5), run(2, 0.99, train_s=90.0, hardware="NVIDIA L4"))).facts

        assert facts["other_hardware"]

    def test_times_of_two_engines_are_never_drawn_together(self):
        runs = [run(1, 0.95), run(2, 0.96), run(3, 0.97, engine="accelerated")]

        usual, chosen = about(*runs), about(*runs, engine="accelerated")

        assert (usual.wish.engine, usual.wish.others) == ("stock", 1)
        for chart in (cost, breakdown):
            assert len(chart.figure(chosen).records) == 1
        assert [record["submission"] for record in cost.figure(usual).records] == [1, 2]

    def test_of_very_many_runs_a_part_is_drawn_with_ones_own_and_the_front(self):
        runs = [run(number, 0.9 + number / 1e6, train_s=number) for number in range(1, 6000)]
        own = run(6000, 0.5, group=2, own=True)

        figure = cost.figure(about(*runs, own))

        assert len(figure.data["runs"]) <= MOST_POINTS + 5
        assert any(row["own"] for row in figure.data["runs"])
        assert len(figure.records) == 6000

    def test_what_must_stay_stays_when_runs_are_thinned(self):
        runs = [run(number, 0.9) for number in range(1, 101)]

        kept = thinned(runs, [runs[50]], most=10)

        assert runs[50] in kept
        assert len(kept) <= 11


class TestBestScoreOverTime:
    def test_a_line_has_a_step_where_a_group_beat_itself(self):
        runs = [run(1, 0.90), run(2, 0.89), run(3, 0.95), run(4, 0.93, group=2)]

        lines = progress.improvements(runs)

        assert {group: [step.number for step in steps] for group, steps in lines.items()} == {1: [1, 3], 2: [4]}

    def test_the_lead_changes_hands_only_between_groups(self):
        runs = [run(1, 0.90), run(2, 0.92), run(3, 0.93, group=2), run(4, 0.93), run(5, 0.95)]

        assert [taken.number for taken in progress.leads(runs)] == [1, 3, 5]

    def test_of_500_groups_the_leading_ten_and_ones_own_have_a_line_and_the_rest_share_one(self):
        runs = [run(group, 0.5 + group / 1001, group=group, own=group == 3) for group in range(1, 501)]

        figure = progress.figure(about(*runs))

        assert len({row["line"] for row in figure.data["lines"]}) == 11
        assert "ITMALGrp03" in {row["line"] for row in figure.data["lines"]}
        assert {row["line"] for row in figure.data["rest"]} == {"the median of the other 489 groups"}
        assert len(figure.data["rest"]) < 300

    def test_a_single_score_stands_within_an_hour(self):
        limits = progress.figure(about(run(1, 0.9))).limits

        assert limits["ended"] - limits["begun"] == 3_600_000

    def test_times_are_the_quests_own_whoever_draws_them(self):
        tokyo = Quest(time_zone="Asia/Tokyo")

        at = progress.wall_clock(datetime(2026, 10, 12, 20, 13, tzinfo=UTC), tokyo)

        assert datetime.fromtimestamp(at / 1000, UTC).isoformat() == "2026-10-13T05:13:00+00:00"

    def test_the_sentence_says_who_leads_and_how_far_behind_one_is(self, stranger_client, scored):
        said = reading(stranger_client.get("/charts/").text, "progress")

        assert said == (
            "ITMALGrp01 has led from the start, now with 0.97222. ITMALGrp02 is 1.39 percentage points behind."
        )


class TestSpread:
    @pytest.mark.parametrize(
        "scores", [[0.97], [0.9, 0.9], [0.1, 0.95, 0.96, 0.97, 0.97, 0.98], [1.0, 1.0], [0.0], [0.97206, 0.97207]]
    )
    def test_every_score_is_in_one_bar(self, scores):
        figure = spread.figure(about(*(run(number, score) for number, score in enumerate(scores, start=1))))

        assert sum(bar["count"] for bar in figure.records) == len(scores)
        assert len(figure.records) <= spread.MOST_BARS

    def test_ones_own_are_told_from_the_others(self, owner_client, scored):
        figure = spread.figure(about(run(1, 0.9, own=True), run(2, 0.95, group=2)))

        assert {(row["whose"], row["count"]) for row in figure.data["bars"]} == {("your group", 1), ("other groups", 1)}
        assert [row["text"] for row in figure.data["own"]] == ["your best: 0.90000"]
        assert "is better than 100% of the other groups" in reading(owner_client.get("/charts/").text, "spread")

    def test_the_best_of_each_group_when_asked(self):
        figure = spread.figure(about(run(1, 0.9), run(2, 0.95), run(3, 0.93, group=2), show="best"))

        assert sum(bar["count"] for bar in figure.records) == 2


class TestTimeAgainstSize:
    def test_a_power_law_is_found(self):
        runs = [
            run(number, 0.9, train_s=0.01 * parameters**0.5) for number, parameters in enumerate([100, 10_000, 10**6])
        ]

        law = size.power_law(runs, {0: 100, 1: 10_000, 2: 10**6})

        assert law is not None
        assert law.power == pytest.approx(0.5)
        assert law.seconds(400) == pytest.approx(0.2)

    def test_sizes_that_are_about_the_same_say_nothing(self):
        assert size.power_law([run(0, 0.9), run(1, 0.9), run(2, 0.9)], {0: 1000, 1: 1100, 2: 1200}) is None

    def test_cpu_and_gpu_are_compared_at_a_size_that_both_have_trained(self):
        facts = size._compared(
            "NVIDIA L4", size.PowerLaw(0.1, 0.2, 10_000, 10**6), "EPYC", size.PowerLaw(0.001, 0.8, 1000, 10**6)
        )

        assert (facts["at"], facts["gpu_faster"], facts["times"]) == (100_000, True, "10")

    def test_parameters_that_are_not_trained_do_not_count(self, client, submit, score):
        # 64 inputs to 10 units, and a normalisation with 2 trained and 2 fixed parameters for each of the 64.
        layers = [NET["layers"][0], {"kind": "Flatten"}, {"kind": "BatchNormalization"}, NET["layers"][2]]
        score(submit({**NET, "layers": layers}), 340)

        (record,) = records(client, "size")

        assert record["trainable"] == 64 * 10 + 10 + 2 * 64

    def test_without_networks_it_says_that_there_are_none(self, client, submission, score):
        score(submission, 340)

        assert "No network" in reading(client.get("/charts/").text, "size")


class TestBreakdown:
    def test_medians_are_taken_part_by_part(self):
        runs = [run(number, 0.9, train_s=train, predict_s=1.0) for number, train in enumerate([1.0, 3.0, 50.0])]

        (row,) = breakdown.median_seconds(runs)

        assert (row["runs"], row["train_s"], row["predict_s"]) == (3, 3.0, 1.0)

    def test_shares_add_up_to_a_whole(self):
        figure = breakdown.figure(about(run(1, 0.9), unit="share"))

        assert sum(row["value"] for row in figure.data["parts"]) == pytest.approx(100)


def test_a_score_far_below_the_others_does_not_flatten_them():
    limits = score_limits([0.1, *(0.96 + number / 1000 for number in range(30))])

    assert 0.9 < limits["floor"] < 0.96
    assert limits["ceiling"] > 0.989


def test_an_axis_of_scores_that_are_all_the_same_still_has_a_length():
    limits = score_limits([0.97, 0.97])

    assert limits["floor"] < 0.97 < limits["ceiling"]


def test_an_empty_quest_has_a_page_that_tells_how_to_submit(client, quest):
    page = client.get("/charts/")

    assert "No scores yet" in page.text
    assert "plot" not in page.text


def test_before_any_quest_is_open_the_page_says_so(client, course):
    assert "No quest has been opened yet" in client.get("/charts/").text


def test_one_score_is_told_of_without_a_comparison(client, submission, score):
    score(submission, 340)

    page = client.get("/charts/").text

    assert "One score so far" in reading(page, "cost")
    assert "a spread needs more" in reading(page, "spread")


def test_every_chart_has_its_numbers_in_a_table(client, scored, submit, score):
    score(submit(NET), 330)

    page = client.get("/charts/").text

    for chart in CHARTS:
        table = page.partition(f'id="numbers-{chart}"')[2].partition("</table>")[0]
        assert '<th scope="col"' in table
        assert '<th scope="row"' in table


def test_a_poll_is_answered_with_nothing_while_nothing_has_changed(client, quest, scored, submit):
    beat = re.search(r'data-beat="(\w+)"', client.get("/charts/").text)
    assert beat

    assert client.get("/charts/", {"seen": beat[1]}).status_code == 204
    submit(KNN | {"n_neighbors": 9})
    changed = client.get("/charts/", {"seen": beat[1]})
    assert changed.status_code == 200
    assert "<html" not in changed.text


@pytest.mark.parametrize("query", ["engine=quantum", "cost=love", "show=nothing", "unit=parsec", "quest=99&engine="])
def test_a_choice_that_makes_no_sense_is_as_good_as_none(client, scored, query):
    assert client.get(f"/charts/?{query}").status_code == 200


@pytest.mark.parametrize("address", ["nothing.svg", "cost.exe", "cost.", "vega-0.0.js"])
def test_what_is_no_chart_is_not_there(client, scored, address):
    assert client.get(f"/charts/{address}").status_code == 404


@pytest.mark.parametrize("form", ["svg", "png", "vega"])
def test_there_is_no_picture_of_nothing(client, quest, form):
    assert client.get(f"/charts/size.{form}").status_code == 404


def test_the_numbers_can_be_downloaded_and_are_not_computed_by_a_spreadsheet(client, group, scored):
    group.name = "=1+1"
    group.save()

    response = client.get("/charts/cost.csv")

    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert {row["group"] for row in rows} == {"'=1+1", "ITMALGrp02"}
    assert [row["on_front"] for row in rows] == ["True", "True", "True"]


def test_an_answer_that_one_has_is_not_sent_again(client, scored):
    etag = client.get("/charts/cost.json").headers["ETag"]

    assert client.get("/charts/cost.json", headers={"If-None-Match": etag}).status_code == 304


def test_the_charts_ask_as_many_questions_for_many_scores_as_for_few(
    client, submit, score, scored, django_assert_max_num_queries
):
    for neighbours in range(5, 12):
        score(submit({"family": "knn", "n_neighbors": neighbours}), 300 + neighbours)

    with django_assert_max_num_queries(16):
        client.get("/charts/")


class TestWhoSeesWhat:
    def groups_in(self, client, chart: str = "cost") -> set[str]:
        return {record["group"] for record in records(client, chart)}

    def test_models_that_are_not_shown_yet_are_named_by_their_family(self, client, owner_client, quest, scored):
        Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

        seen, own = client.get("/charts/").text, owner_client.get("/charts/").text

        assert "RandomForestClassifier" not in seen
        assert "Random forest of ITMALGrp01" in seen
        assert "RandomForestClassifier" in own
        assert {record["model"] for record in records(client, "cost")} == {""}

    def test_networks_that_are_not_shown_yet_do_not_tell_their_size(self, client, submit, score):
        score(submit(NET), 340)
        Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

        assert records(client, "size") == []

    def test_others_have_their_pseudonyms(self, client, stranger_client, quest, scored):
        Quest.objects.update(pseudonyms=True)

        assert not self.groups_in(client) & {"ITMALGrp01", "ITMALGrp02"}
        assert "ITMALGrp02" in self.groups_in(stranger_client)
        assert "ITMALGrp01" not in stranger_client.get("/charts/").text

    def test_a_frozen_board_has_frozen_charts(self, client, instructor_client, quest, scored):
        Submission.objects.filter(pk=scored[2].pk).update(finished_at=timezone.now() + timedelta(minutes=1))
        Quest.objects.update(frozen_at=timezone.now())

        assert self.groups_in(client) == {"ITMALGrp01"}
        assert self.groups_in(instructor_client) == {"ITMALGrp01", "ITMALGrp02"}

    def test_a_wall_shows_what_anybody_may_see(self, instructor_client, quest, scored):
        Quest.objects.update(pseudonyms=True)

        seen = records(instructor_client, "cost", "?wall")

        assert not {record["group"] for record in seen} & {"ITMALGrp01", "ITMALGrp02"}

    def test_the_private_score_is_in_no_chart_before_the_reveal(self, client, quest, submit, score):
        Quest.objects.update(private_share=0.5)
        score(submit(), 150, total=180, private=(10, 180))

        (before,) = records(client, "cost")
        Quest.objects.update(state=QuestState.REVEALED)
        (after,) = records(client, "cost")

        assert (before["score"], after["score"]) == (pytest.approx(150 / 180), pytest.approx(10 / 180))

    def test_what_was_disqualified_is_not_drawn(self, client, scored):
        Submission.objects.filter(pk=scored[2].pk).update(disqualified=True)

        assert self.groups_in(client) == {"ITMALGrp01"}


@pytest.mark.trains
class TestDrawing:
    """With a real painter, which takes some seconds to start and ends with the tests."""

    @pytest.fixture
    def network(self, scored, submit, score) -> Submission:
        """One on a GPU, beside what `scored` holds: with it no chart is empty."""
        gpu = Hardware.objects.create(key="g" * 16, cpu_model="EPYC", cores=2, ram_bytes=1, gpu_name="NVIDIA L4")
        net = score(submit(NET), 330)
        Attempt.objects.filter(submission=net).update(hardware=gpu, device="gpu")
        return net

    def ask(self, client, address: str):
        """As a browser does it: asks again while it is told that the chart is not there yet."""
        for _ in range(20):
            response = client.get(address)
            if response.status_code not in (202, 503):
                return response
            time.sleep(0.5)
        raise AssertionError(f"{address} is not drawn")

    @pytest.mark.parametrize("chart", CHARTS)
    @pytest.mark.parametrize("look", ["", "?narrow&dark", "?wall"])
    def test_every_chart_is_drawn_as_svg(self, client, network, chart, look):
        response = self.ask(client, f"/charts/{chart}.svg{look}")

        assert response.status_code == 200
        assert response.headers["Content-Type"] == "image/svg+xml"
        assert "<svg" in response.text
        assert "<path" in response.text
        assert "e+308" not in response.text  # where Vega puts what it could not lay out

    def test_a_single_score_is_drawn_in_sight(self, client, submission, score):
        score(submission, 340)

        for chart in ("cost", "progress", "spread", "breakdown"):
            drawn = self.ask(client, f"/charts/{chart}.svg").text
            assert "e+308" not in drawn
            assert "NaN" not in drawn

    def test_a_png_is_one(self, client, network):
        assert self.ask(client, "/charts/cost.png").content.startswith(b"\x89PNG\r\n")

    def test_the_browser_gets_the_drawing_with_the_readers_own_numbers(self, client, owner_client, network):
        def rows(of) -> list[dict]:
            drawn = self.ask(of, "/charts/cost.vega").json()
            return next(source["values"] for source in drawn["data"] if source["name"] == "runs")

        assert not any(row["own"] for row in rows(client))
        assert any(row["own"] for row in rows(owner_client))

    def test_a_drawing_that_fails_is_told_from_one_that_is_late(self, client, network):
        with pytest.raises(NoPicture) as failed:
            studio.ask({"do": "compile", "chart": "nonsense"}, until=soon() + 30)

        assert not isinstance(failed.value, Late)

    def test_nobody_waits_for_a_picture_longer_than_allowed_and_the_next_one_is_right(self):
        order = {"do": "svg", "vega": {"width": 10, "height": 10}}
        patient, began = Studio(), time.monotonic()

        with pytest.raises(Late):
            patient.ask(order, until=began)  # the painter is still starting

        assert time.monotonic() - began < 2
        assert "<svg" in patient.ask(order, until=soon() + 30)["svg"]
        patient.close()

    def test_a_painter_that_died_is_replaced(self):
        order = {"do": "svg", "vega": {"width": 10, "height": 10}}
        assert "<svg" in studio.ask(order, until=soon() + 30)["svg"]
        psutil.Process(studio.pid).kill()
        psutil.Process(studio.pid).wait(10)

        assert "<svg" in studio.ask(order, until=soon() + 30)["svg"]

    def test_the_painter_ends_with_the_process_that_started_it(self):
        code = (
            "import os\n"
            "from leaderboard.charts.studio import studio, soon\n"
            "studio.ask({'do': 'svg', 'vega': {'width': 9, 'height': 9}}, until=soon() + 30)\n"
            "print(studio.pid, flush=True); os._exit(9)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

        painter = int(done.stdout)

        wait_until_gone(painter)


def wait_until_gone(pid: int) -> None:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still there")
