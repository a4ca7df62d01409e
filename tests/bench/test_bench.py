"""The benchmark measures real runs on both sides, scales the parts that it names, and keeps its rows."""

from __future__ import annotations

import json
from contextlib import nullcontext
from itertools import islice
from types import SimpleNamespace

import pytest

from submissions.families.network import LENET_5, dense
from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.spec import dump
from submissions.specs.validation import validate
from tests.bench import __main__ as bench_command
from tests.bench import cnn, forest, knn, mixed, notebook, warm
from tests.bench.contest import (
    Bench,
    Contest,
    Measurement,
    Peer,
    accelerated,
    accuracy_fields,
    differing_answers,
    run_contest,
    run_module,
)
from tests.bench.limits import Size, limit_of
from tests.bench.memory import MemoryWatch
from tests.bench.peaks import Peaks
from tests.bench.rows import HEADINGS, Report, Row, Target, format_seconds, heading_lines
from workers.datasets import store

pytestmark = pytest.mark.stack

PEAKS = Peaks(float64=1e9, float32=1e9, int8=1e9, byte_ops=1e9, comparisons=1e9, copied=1e9)
MNIST = Size(train=60_000, test=10_000, pixels=784)
KEYS = ["name", "ours_s", "peer", "peer_s", "ratio", "limit_s", "runs", "scaled", "target", "remark"]

ROW = Row(
    name="KNN p=2",
    runs=3,
    ours_s=2.0,
    peer="scikit-learn, ball_tree",
    peer_s=700.0,
    limit_s=0.5,
    scaled="160 of 10,000 queries",
    target=Target(ratio=150),
)


@pytest.fixture
def digits(digits_home, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    return store.load("digits")


def test_a_row_has_the_keys_of_the_design():
    assert list(ROW.as_json()) == KEYS
    assert ROW.as_json() | {"ratio": 350.0, "scaled": "160 of 10,000 queries"} == ROW.as_json()
    assert ROW.as_json()["target"] == {"ratio": 150, "seconds": None, "met": True}
    plain = Row(name="x", runs=1, remark="3 answers differ.").as_json()
    assert (plain["scaled"], plain["target"], plain["remark"]) == (False, None, "3 answers differ.")


def test_a_row_shows_ratio_target_and_verdict():
    cells = dict(zip(HEADINGS, ROW.cells(), strict=True))

    assert (cells["ratio"], cells["target"], cells["× limit"]) == ("350×", "≥ 150× met", "4.0")


def test_a_ratio_of_thousands_is_not_shown_in_scientific_notation():
    assert "1,120×" in Row(name="x", runs=3, ours_s=7, peer="y", peer_s=7861).cells()


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row(name="x", runs=3, ours_s=2, peer="y", peer_s=1, target=Target(ratio=1.5)), "missed"),
        (Row(name="x", runs=3, ours_s=0.15, target=Target(seconds=0.15)), "met"),
        (Row(name="x", runs=3, ours_s=0.16, target=Target(seconds=0.15)), "missed"),
        (Row(name="x", runs=3, ours_s=2, peer="y", peer_s=1), ""),
    ],
)
def test_a_target_is_a_ratio_or_a_time(row, verdict):
    assert row.verdict == verdict


def test_rows_are_printed_and_saved_as_they_come(tmp_path):
    printed: list[str] = []
    report = Report(tmp_path / "home" / "bench.json", write_line=printed.append)
    report.begin()
    report.add(ROW)
    saved_after_one = json.loads(report.path.read_text())
    report.add(Row(name="memory of a trainer", runs=1, peak_bytes=700_000_000, remark="3 answers differ."))
    report.end()

    assert saved_after_one == [ROW.as_json()]
    assert len(json.loads(report.path.read_text())) == 2
    assert "700 MB" in printed[3]
    assert printed[-1].startswith("1 of 1 targets met.")
    assert len({line.count("|") for line in printed[:4]}) == 1, "every line of the table has as many cells"


def test_heading_and_rule_make_a_markdown_table():
    heading, rule = heading_lines()

    assert heading.count("|") == rule.count("|") == len(HEADINGS) + 1


def test_times_are_shown_with_about_three_digits():
    assert [format_seconds(seconds) for seconds in (None, 0.0481, 2.804, 26.64, 7029)] == [
        "",
        "48 ms",
        "2.80 s",
        "26.6 s",
        "7,029 s",
    ]


def test_a_limit_is_operations_divided_by_the_peak_rate():
    pairs = 60_000 * 10_000 * 784
    # LeNet-5: each layer's weights and biases × pixels of its output; three passes to train, one to score.
    weight_uses = 156 * 28 * 28 + 2_416 * 10 * 10 + 48_120 + 10_164 + 840

    assert limit_of(KNN(p=3), MNIST, PEAKS) == pytest.approx(2 * pairs / 1e9)
    assert limit_of(KNN(metric="chebyshev"), MNIST, PEAKS) == pytest.approx(3 * pairs / 1e9)
    assert limit_of(LENET_5, MNIST, PEAKS) == pytest.approx((5 * 3 * 60_000 + 10_000) * 2 * weight_uses / 1e9)
    hundred, thousand = (limit_of(Forest(n_estimators=trees), MNIST, PEAKS) for trees in (100, 1000))
    assert thousand == pytest.approx(10 * hundred)


def test_a_validation_split_is_not_trained_on():
    whole, split = dense(64), dense(64).model_copy(update={"validation_split": 0.5})

    assert limit_of(split, MNIST, PEAKS) < limit_of(whole, MNIST, PEAKS)


def test_time_for_a_sample_of_queries_is_scaled_but_building_the_tree_is_not(digits, monkeypatch):
    monkeypatch.setattr(notebook, "timed", lambda act: (10.0, act()))

    part = notebook.nearest_neighbours(KNN(algorithm="ball_tree"), digits, 36)
    whole = notebook.nearest_neighbours(KNN(algorithm="ball_tree"), digits, None)

    assert (part["seconds"], part["scaled"]) == (10 + 10 * 10, "36 of 360 queries")
    assert (whole["seconds"], whole["scaled"]) == (20, "")
    assert part["answers"].items() <= whole["answers"].items()


def test_a_sample_of_trees_is_scaled_to_the_forest(digits, monkeypatch):
    monkeypatch.setattr(notebook, "timed", lambda act: (10.0, act()))

    part = notebook.forest(Forest(n_estimators=30, random_state=0), digits, 10)

    assert (part["seconds"], part["scaled"]) == (60, "10 of 30 trees")


def test_every_target_has_a_row():
    contests = [*knn.contests(quick=False), *forest.contests(quick=False), *cnn.contests(quick=False)]
    targets = {
        (contest.name.split(",")[0], peer.target.ratio)
        for contest in contests
        for peer in contest.peers
        if peer.target is not None
    }

    assert targets == {
        ("KNN p=2", 150),
        ("KNN p=2", 2),
        ("KNN p=1", 40),
        ("KNN p=3", 40),
        ("KNeighborsClassifier(leaf_size=40", 120),
        ("RandomForestClassifier()", 1.0),
        ("RandomForestClassifier()", 1.6),
        ("LeNet-5-like", 1.5),
    }
    assert mixed.TARGET.ratio == 3
    assert [target.seconds for target in warm.TARGETS.values()] == [0.15, 0.5, 1.0]


def test_the_time_until_fit_begins_has_a_row_for_each_family_and_data_set(monkeypatch):
    monkeypatch.setattr(
        warm, "idle_service", lambda dataset: nullcontext(SimpleNamespace(process=SimpleNamespace(pid=1)))
    )
    monkeypatch.setattr(warm, "MemoryWatch", lambda pid: nullcontext(SimpleNamespace(rows=lambda during: [])))
    monkeypatch.setattr(warm, "latencies", lambda stack, models: ([0.1, 0.2, 0.6] * (len(list(models)) // 3), [0.5]))

    rows = {row.name: row for row in warm.rows(Bench(runs=3, peaks=PEAKS))}

    for dataset in ("digits", "mnist"):
        for family, verdict in (("neighbours", "met"), ("forest", "missed"), ("network", "missed")):
            assert rows[f"{family} on {dataset}: accepted → fit begins, median"].verdict == verdict
        assert rows[f"network on {dataset}: accepted → fit begins, 95%"].verdict == "missed"
        assert rows[f"scored → on an open board, {dataset}, 95%"].verdict == "met"


def test_lenet_5_like_is_compared_over_five_seeds():
    [like, _] = cnn.contests(quick=False)

    assert like.seeds == 5
    assert [dump(like.seeded(like.spec, run))["seed"] for run in (1, 5)] == [1, 5]


def test_a_quick_bench_has_fewer_rows_and_smaller_samples():
    whole, quick = (list(knn.contests(quick=quick)) for quick in (False, True))

    assert len(quick) < len(whole)
    for few, many in zip(quick, whole, strict=False):
        assert (few.peers[0].sample or 0) < (many.peers[0].sample or 0)


def test_the_ten_mixed_submissions_are_valid():
    entries = [spec for spec, _ in mixed.THE_TEN]

    assert len(entries) == 10
    assert [validate(dump(spec), dataset="mnist") for spec in entries] == entries


def measurement(answers):
    return Measurement(seconds=1.0, answers=answers)


def test_the_remark_counts_differing_answers():
    ours, theirs = measurement({1: 7, 2: 3, 9: 1}), measurement({1: 7, 2: 5})

    assert differing_answers([ours], [theirs]) == "1 of 2 answers differ."
    assert differing_answers([ours, theirs], [theirs, theirs]) == "1 of 4 answers in 2 runs differ."
    assert differing_answers([theirs], [theirs]) == differing_answers([measurement({})], [theirs]) == ""


def test_accuracies_of_both_sides_are_in_the_remark_and_the_file(digits):
    labels = dict(enumerate(digits.test_labels.tolist()))

    fields = accuracy_fields([measurement(labels)], [measurement(labels | {0: -1})], "digits")

    assert fields["remark"] == "test accuracy 1.0000 (1.0000–1.0000) against 0.9972 (0.9972–0.9972), 1 seeds."
    assert Row(name="x", runs=1, **fields).as_json()["accuracies"] == {"ours": [1.0], "peer": [359 / 360]}


def test_a_twentieth_of_the_values_exceeds_the_95th_percentile():
    values = [*range(1, 41)]

    assert (warm.quantile(values, 0.95), warm.quantile([3.0], 0.95)) == (38, 3.0)


def test_tuning_variables_are_removed_and_others_stay(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("QUEST_TOKEN_RATE", "7")

    bench_command.remove_tuning()

    assert "OPENBLAS_CORETYPE" not in bench_command.os.environ
    assert bench_command.os.environ["QUEST_TOKEN_RATE"] == "7"


def test_unknown_rows_are_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        bench_command.main(["svm"])

    assert "no rows called svm; choose from warm, knn" in capsys.readouterr().err


def test_an_error_does_not_lose_the_other_rows(tmp_path):
    def breaks():
        yield ROW
        raise RuntimeError("no trainer")

    report = Report(tmp_path / "bench.json", write_line=lambda line: None)

    assert not bench_command.add_rows(breaks(), report)
    assert bench_command.add_rows(iter([ROW]), report)
    assert len(report.rows) == 2


def test_a_side_that_fails_gives_the_reason(digits):
    with pytest.raises(RuntimeError, match="JSONDecodeError"):
        run_module("tests.bench.notebook", "no json")


@pytest.mark.trains
@pytest.mark.long
def test_both_sides_train_the_same_model_and_a_row_compares_them(digits):
    by_ball_tree = Peer(label="ball_tree", spec=KNN(n_neighbors=3, algorithm="ball_tree"), sample=90)
    contest = Contest(name="KNN k=3", spec=KNN(n_neighbors=3), peers=(by_ball_tree,))

    [row] = run_contest(contest, Bench(runs=1, peaks=PEAKS, dataset="digits"))

    assert row.ours_s
    assert row.peer_s
    assert row.ratio == pytest.approx(row.peer_s / row.ours_s)
    assert row.scaled == "90 of 360 queries"
    assert row.limit_s == pytest.approx(2 * 1_437 * 360 * 64 / 1e9)
    assert row.remark == ""


@pytest.mark.trains
@pytest.mark.long
def test_a_notebooks_network_is_scaled_by_its_later_epochs(digits):
    answer = notebook.network(dense(16, pixels=64).model_copy(update={"epochs": 8}), digits, 2)

    assert answer["scaled"] == "2 of 8 epochs"
    assert 0 < answer["seconds"] < 60
    assert len(answer["answers"]) == 360


@pytest.mark.trains
@pytest.mark.long
def test_a_sample_of_a_forests_trees_is_scaled_on_our_side_too(digits):
    ours = accelerated(Forest(n_estimators=400, random_state=0), "digits", trees=20)

    assert ours.scaled == "20 of 400 trees"
    assert ours.answers == notebook.forest(Forest(n_estimators=20, random_state=0), digits, None)["answers"]


@pytest.mark.long
def test_submissions_go_through_the_whole_service(stack):
    with MemoryWatch(stack.process.pid) as memory:
        seconds, answered = mixed.submit_all(stack, [KNN(n_neighbors=9), Forest(n_estimators=7)], "digits")
        fits, shows = warm.latencies(stack, islice(warm.models("digits").values(), 2))
        memory.sample()

    assert seconds > 0
    assert [len(one.answers) for one in answered] == [360, 360]
    assert (len(fits), len(shows)) == (2, 2)
    assert min(*fits, *shows) > 0
    worker, trainer = (row.peak_bytes or 0 for row in memory.rows("here"))
    assert worker > 50_000_000
    assert trainer > 50_000_000
