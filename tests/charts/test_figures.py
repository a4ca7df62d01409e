"""The charts' numbers: fronts, steps, bars, power laws, medians and axis limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict

from leaderboard.charts import breakdown, cost, progress, size, spread
from leaderboard.charts.figure import MOST_POINTS, ChartFilters, Subject, sample, score_limits
from leaderboard.charts.runs import ChartRun
from submissions.models import Quest

BEGUN = datetime(2026, 10, 12, 9, tzinfo=UTC)


def run(number: int, score: float, *, group: int = 1, hours: float = 0.0, **more) -> ChartRun:
    at = BEGUN + timedelta(hours=hours or number)
    known: dict[str, Any] = {
        "number": number, "group_id": group, "group": f"ITMALGrp{group:02}", "own": False, "family": "knn",
        "family_label": "K nearest neighbours", "model": "KNeighborsClassifier()", "parameters": None, "score": score,
        "public": score, "submitted_at": at, "at": at, "queue_wait_s": 1.0, "startup_s": 0.0, "data_load_s": 0.1,
        "preprocess_s": 0.0, "train_s": 2.0, "predict_s": 1.0, "device": "cpu", "engine": "stock",
        "engine_version": "scikit-learn 1.9.1", "hardware": "AMD EPYC, 2 cores",
    }  # fmt: skip
    return ChartRun(**(known | more))


def about(*runs: ChartRun, quest: Quest | None = None, **asked: str) -> Subject:
    quest = quest or Quest(name="Quest", time_zone="Europe/Copenhagen")
    query = QueryDict(mutable=True)
    query.update(asked)
    return Subject(quest, list(runs), ChartFilters.read(query, runs, quest))


class TestScoreAgainstCost:
    def test_the_front_holds_runs_that_no_other_run_beats_in_score_and_cost(self):
        cheap, dear, beaten = run(1, 0.95, train_s=0.5), run(2, 0.99, train_s=90.0), run(3, 0.94, train_s=5.0)

        assert cost.pareto([dear, beaten, cheap], "both") == [cheap, dear]

    def test_of_two_equal_runs_the_front_holds_the_first(self):
        assert cost.pareto([run(2, 0.9), run(1, 0.9)], "both") == [run(1, 0.9)]

    @pytest.mark.parametrize(("part", "seconds"), [("both", 3.0), ("train", 2.0), ("predict", 1.0)])
    def test_cost_is_training_or_scoring_or_both(self, part, seconds):
        assert cost.cost_of(run(1, 0.9), part) == seconds

    def test_a_run_that_took_no_time_still_has_a_place_on_a_logarithmic_axis(self):
        assert cost.cost_of(run(1, 0.9, train_s=0.0), "train") == cost.LEAST_COST

    def test_the_facts_say_when_the_two_runs_used_different_hardware(self):
        facts = cost.figure(about(run(1, 0.95, train_s=0.5), run(2, 0.99, train_s=90.0, hardware="NVIDIA L4"))).facts

        assert facts["other_hardware"]

    def test_times_of_two_engines_are_never_drawn_together(self):
        runs = [run(1, 0.95), run(2, 0.96), run(3, 0.97, engine="accelerated")]

        usual, chosen = about(*runs), about(*runs, engine="accelerated")

        assert (usual.filters.engine, usual.filters.others) == ("stock", 1)
        for chart in (cost, breakdown):
            assert len(chart.figure(chosen).records) == 1
        assert [record["submission"] for record in cost.figure(usual).records] == [1, 2]

    def test_of_many_runs_a_sample_is_drawn_that_includes_the_readers_own(self):
        runs = [run(number, 0.9 + number / 1e6, train_s=number) for number in range(1, 6000)]
        own = run(6000, 0.5, group=2, own=True)

        figure = cost.figure(about(*runs, own))

        assert len(figure.data["runs"]) <= MOST_POINTS + 5
        assert any(row["own"] for row in figure.data["runs"])
        assert len(figure.records) == 6000

    def test_a_sample_keeps_the_required_runs(self):
        runs = [run(number, 0.9) for number in range(1, 101)]

        kept = sample(runs, [runs[50]], most=10)

        assert runs[50] in kept
        assert len(kept) <= 11


class TestBestScoreOverTime:
    def test_a_groups_line_rises_where_it_beat_its_own_best(self):
        runs = [run(1, 0.90), run(2, 0.89), run(3, 0.95), run(4, 0.93, group=2)]

        lines = progress.improvements(runs)

        assert {group: [step.number for step in steps] for group, steps in lines.items()} == {1: [1, 3], 2: [4]}

    def test_the_lead_changes_hands_only_between_groups(self):
        runs = [run(1, 0.90), run(2, 0.92), run(3, 0.93, group=2), run(4, 0.93), run(5, 0.95)]

        assert [taken.number for taken in progress.leads(runs)] == [1, 3, 5]

    def test_of_500_groups_ten_leaders_and_the_readers_own_have_lines_and_the_rest_share_one(self):
        runs = [run(group, 0.5 + group / 1001, group=group, own=group == 3) for group in range(1, 501)]

        figure = progress.figure(about(*runs))

        assert len({row["line"] for row in figure.data["lines"]}) == 11
        assert "ITMALGrp03" in {row["line"] for row in figure.data["lines"]}
        assert {row["line"] for row in figure.data["rest"]} == {"the median of the other 489 groups"}
        assert len(figure.data["rest"]) < 300

    def test_a_single_score_is_drawn_on_an_axis_of_one_hour(self):
        limits = progress.figure(about(run(1, 0.9))).limits

        assert limits["ended"] - limits["begun"] == 3_600_000

    def test_times_are_drawn_in_the_quests_time_zone(self):
        tokyo = Quest(time_zone="Asia/Tokyo")

        at = progress.wall_clock(datetime(2026, 10, 12, 20, 13, tzinfo=UTC), tokyo)

        assert datetime.fromtimestamp(at / 1000, UTC).isoformat() == "2026-10-13T05:13:00+00:00"


class TestSpread:
    @pytest.mark.parametrize(
        "scores", [[0.97], [0.9, 0.9], [0.1, 0.95, 0.96, 0.97, 0.97, 0.98], [1.0, 1.0], [0.0], [0.97206, 0.97207]]
    )
    def test_every_score_is_in_one_bar(self, scores):
        figure = spread.figure(about(*(run(number, score) for number, score in enumerate(scores, start=1))))

        assert sum(bar["count"] for bar in figure.records) == len(scores)
        assert len(figure.records) <= spread.MOST_BARS

    def test_the_readers_own_scores_have_bars_of_their_own(self):
        figure = spread.figure(about(run(1, 0.9, own=True), run(2, 0.95, group=2)))

        assert {(row["whose"], row["count"]) for row in figure.data["bars"]} == {("your group", 1), ("other groups", 1)}
        assert [row["text"] for row in figure.data["own"]] == ["your best: 0.90000"]

    def test_only_each_groups_best_is_counted_when_asked(self):
        figure = spread.figure(about(run(1, 0.9), run(2, 0.95), run(3, 0.93, group=2), show="best"))

        assert sum(bar["count"] for bar in figure.records) == 2


class TestTimeAgainstSize:
    def test_a_power_law_is_fitted(self):
        runs = [
            run(number, 0.9, train_s=0.01 * parameters**0.5) for number, parameters in enumerate([100, 10_000, 10**6])
        ]

        law = size.power_law(runs, {0: 100, 1: 10_000, 2: 10**6})

        assert law is not None
        assert law.power == pytest.approx(0.5)
        assert law.seconds(400) == pytest.approx(0.2)

    def test_sizes_that_are_nearly_equal_give_no_power_law(self):
        assert size.power_law([run(0, 0.9), run(1, 0.9), run(2, 0.9)], {0: 1000, 1: 1100, 2: 1200}) is None

    def test_cpu_and_gpu_are_compared_at_a_size_that_both_have_trained(self):
        facts = size.compare_gpu_with_cpu(
            "NVIDIA L4", size.PowerLaw(0.1, 0.2, 10_000, 10**6), "EPYC", size.PowerLaw(0.001, 0.8, 1000, 10**6)
        )

        assert (facts["at"], facts["gpu_faster"], facts["times"]) == (100_000, True, "10")


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


def test_equal_scores_still_give_an_axis_with_a_length():
    limits = score_limits([0.97, 0.97])

    assert limits["floor"] < 0.97 < limits["ceiling"]
