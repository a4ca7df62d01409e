"""How long runs will take, when what waits will start, and what is said of both."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from submissions.families.network import LENET_5, dense
from submissions.models import Attempt, Hardware, Quest, State, Worker
from submissions.queue import leases
from submissions.queue.prediction import forecast_queue, prediction
from submissions.queue.run_times import Forecaster, Job, size_of
from submissions.specs import cost
from submissions.specs.spec import dump
from submissions.specs.validation import validate
from submissions.wording import about
from tests.cast import FOREST, KNN, claim_one, reload, result_of


@pytest.fixture
def past(submit, worker):
    """Runs that were scored long ago, each with these seconds in all."""

    def past(model, *seconds: float, on: Worker = worker) -> None:
        for total in seconds:
            submission = submit(model, device=on.device)
            attempt = claim_one(on, device=on.device)
            assert attempt.submission_id == submission.pk
            leases.record_score(attempt, result_of(300))
            Attempt.objects.filter(pk=attempt.pk).update(
                total_s=total, ended_at=timezone.now() - timedelta(days=1), started_at=timezone.now()
            )
        cache.clear()

    return past


@pytest.fixture
def api(owner_token) -> Client:
    return Client(headers={"Authorization": f"Token {owner_token}"})


def run_of(submission):
    return prediction(submission).run


def test_there_is_no_forecast_without_past_runs(submission, worker):
    assert run_of(submission) is None


def test_a_forecast_is_the_median_of_runs_like_it_with_a_range(submit, past):
    past(KNN, 10, 11, 12, 13, 90)

    forecast = run_of(submit())

    assert (forecast.seconds, forecast.runs, forecast.alike) == (12, 5, True)
    assert forecast.low == pytest.approx(10.4)
    assert forecast.high == pytest.approx(59.2)


def test_only_parameters_that_change_the_running_time_change_the_size(submit, past):
    past(KNN | {"metric": "chebyshev"}, 50, 50, 50)
    past(KNN | {"preprocess": [{"kind": "PCA", "n_components": 20}]}, 3, 3, 3)
    past(KNN, 10, 10, 10)

    assert run_of(submit({"family": "knn", "n_neighbors": 9, "metric": "euclidean"})).seconds == 10
    assert run_of(submit(KNN | {"preprocess": [{"kind": "PCA", "n_components": 20}]})).seconds == 3
    assert run_of(submit(KNN | {"metric": "chebyshev"})).seconds == 50


def test_a_larger_forest_takes_longer_in_proportion(submit, past):
    past(FOREST, 2, 2, 2)

    forecast = run_of(submit({"family": "forest", "n_estimators": 200}))

    assert forecast.seconds == pytest.approx(20)
    assert not forecast.alike


def test_runs_of_the_same_size_are_preferred(submit, past):
    past(FOREST, 2, 2, 2)
    past({"family": "forest", "n_estimators": 200}, 33, 33, 33)

    assert run_of(submit({"family": "forest", "n_estimators": 210})).seconds == pytest.approx(33 * 1.05)


def test_the_family_is_the_last_resort(submit, past):
    past(FOREST | {"criterion": "entropy"}, 7)

    forecast = run_of(submit(FOREST))

    assert (forecast.seconds, forecast.alike) == (7, False)
    assert forecast.low == pytest.approx(7 / 3)
    assert forecast.high == 21


def test_runs_on_current_hardware_are_preferred_if_there_are_enough(submit, past, worker):
    fast = Hardware.objects.create(key="f", cpu_model="Fast", cores=64, ram_bytes=1, os="x")
    away = Worker.objects.create(name="cpu@fast", host="f", pid=3, device="cpu", version="test", hardware=fast)
    past(KNN, 1, 1, 1, 1, on=away)
    Worker.objects.filter(pk=away.pk).update(stopped_at=timezone.now())
    past(KNN, 10, 10, 10)

    assert run_of(submit()).seconds == 10


def test_runs_on_another_data_set_or_device_are_not_used(submit, past, worker, course):
    past(KNN, 10, 10, 10)
    mnist = Quest.objects.create(course=course, name="Large", dataset="mnist", state="open")

    assert run_of(submit(quest=mnist)) is None
    assert Forecaster().run(Job("knn", '{"family": "knn"}', "digits", "stock", 100), "gpu") is None


def test_no_forecast_is_beyond_the_quests_limit(submit, past):
    past(KNN, 500, 500, 500)
    Quest.objects.update(run_seconds=60)

    assert run_of(submit()).seconds == 60


def test_a_size_counts_epochs_weights_and_steps():
    net = LENET_5.model_copy(update={"epochs": 10})
    small_steps = LENET_5.model_copy(update={"batch_size": 1})

    sizes = [cost.size(spec)[1] for spec in (LENET_5, net, small_steps, dense(512), dense(4096))]

    assert sizes[1] == 2 * sizes[0]
    assert sizes[2] > 5 * sizes[0]
    assert sizes[4] > 10 * sizes[3]


def test_every_familys_presets_have_a_size():
    from submissions.specs.families import offered

    for family in offered():
        for spec in family.presets.values():
            kind, amount = cost.size(spec)
            assert isinstance(kind, str)
            assert amount > 0


def test_a_family_that_is_not_known_here_has_no_size():
    assert size_of("unheard-of", "{}") is None
    assert size_of("knn", '{"family": "knn", "n_neighbors": 0}') is None


def test_minkowski_by_another_name_is_of_the_same_kind():
    def kind(**more):
        return cost.size(validate({"family": "knn", **more}))[0]

    assert kind(p=1) == kind(metric="manhattan") == kind(metric="l1")
    assert kind() == kind(metric="euclidean") == kind(n_neighbors=9, weights="distance")
    assert len({kind(), kind(p=4), kind(metric="cosine"), kind(algorithm="brute")}) == 4
    assert dump(LENET_5)["family"] == "cnn"


def test_with_a_slot_free_it_starts_at_once(submission, worker):
    assert prediction(submission).wait_s == 0


def test_without_a_worker_no_wait_can_be_told(submission):
    assert prediction(submission).wait_s is None


def test_the_wait_counts_current_runs_and_submissions_ahead(submit, past, worker):
    Worker.objects.update(slots=1)
    past(KNN, 60, 60, 60)
    Quest.objects.update(group_limit=5)
    submit()
    claim_one(worker)
    first, second = submit(), submit()

    assert prediction(first).wait_s == pytest.approx(60, abs=2)
    assert prediction(second).wait_s == pytest.approx(120, abs=2)


def test_an_overdue_run_is_expected_to_take_a_while_longer(submit, past, worker):
    Worker.objects.update(slots=1)
    past(KNN, 60, 60, 60)
    submit()
    Attempt.objects.filter(pk=claim_one(worker).pk).update(started_at=timezone.now() - timedelta(seconds=100))

    assert prediction(submit()).wait_s == pytest.approx(10, abs=1)


def test_the_wait_counts_the_groups_own_limit(submit, past, worker):
    past(KNN, 60, 60, 60)
    Quest.objects.update(group_limit=1)
    submit()
    claim_one(worker)

    assert prediction(submit()).wait_s == pytest.approx(60, abs=2), "a slot is free, but the group has its one run"


def test_a_run_of_unknown_length_leaves_the_wait_unknown(submit, worker):
    Worker.objects.update(slots=1)
    submit()
    claim_one(worker)

    assert prediction(submit()).wait_s is None


def test_the_page_says_when_it_should_start_and_how_long_it_should_take(submit, past, worker, owner_client):
    Worker.objects.update(slots=1)
    past(KNN, 170, 180, 190)
    submit()
    claim_one(worker)
    waiting = submit()

    page = " ".join(owner_client.get(f"/submissions/{waiting.pk}/").content.decode().split())

    assert "Next in line." in page
    assert "It should start in about 3 min." in page
    assert "Similar runs took about 3 min (2 min 52 s to 3 min 08 s, 3 runs)." in page


def test_the_page_of_a_run_says_how_long_it_should_take(submit, past, worker, owner_client):
    past(KNN, 180)
    submission = submit()
    claim_one(worker)

    page = " ".join(owner_client.get(f"/submissions/{submission.pk}/").content.decode().split())

    assert "The only similar run so far took about 3 min." in page


def test_the_api_gives_position_wait_and_running_time(submit, past, worker, api):
    Worker.objects.update(slots=1)
    past(KNN, 60, 60, 60)
    submit()
    claim_one(worker)
    waiting = submit()

    body = api.get(f"/api/v1/submissions/{waiting.pk}/").json()

    assert (body["position"], body["predicted_run_s"]) == (1, 60)
    assert body["predicted_wait_s"] == pytest.approx(60, abs=2)


def test_the_api_predicts_nothing_for_an_ended_submission(submission, past, score, api):
    score(submission, 300)

    body = api.get(f"/api/v1/submissions/{submission.pk}/").json()

    assert (body["position"], body["predicted_wait_s"], body["predicted_run_s"]) == (None, None, None)


def test_a_recent_forecast_is_not_computed_again(submit, past, worker, django_assert_num_queries):
    past(KNN, 60, 60, 60)
    submission = submit()
    prediction(submission)

    with django_assert_num_queries(0):
        assert prediction(submission).run_s == 60


def test_a_cached_wait_grows_shorter(submit, past, worker, monkeypatch):
    Worker.objects.update(slots=1)
    past(KNN, 60, 60, 60)
    submit()
    claim_one(worker)
    waiting = submit()
    before = prediction(waiting).wait_s
    assert before

    later = timezone.now() + timedelta(seconds=5)
    monkeypatch.setattr(timezone, "now", lambda: later)

    assert prediction(waiting).wait_s == pytest.approx(before - 5, abs=0.5)


def test_a_new_submission_is_forecast_at_once(submit, past, worker):
    past(KNN, 60, 60, 60)
    prediction(submit())

    assert prediction(submit()).wait_s == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "under a second"),
        (3.6, "about 4 s"),
        (12, "about 10 s"),
        (54, "about 50 s"),
        (70, "about 1 min"),
        (185, "about 3 min"),
        (700, "about 10 min"),
        (3500, "about 1 h"),
        (4900, "about 1 h 20 min"),
    ],
)
def test_predictions_are_shown_in_round_numbers(seconds, words):
    assert about(seconds) == words


def test_a_forecast_takes_a_few_queries_however_long_the_queue(
    submit, past, worker, group, django_assert_max_num_queries
):
    past(KNN, 60, 60, 60)
    past(FOREST, 5, 5, 5)
    for model in [KNN, FOREST] * 10:
        submit(model)
    cache.clear()

    with django_assert_max_num_queries(8):
        looked = forecast_queue()

    assert len(looked.starts) == 20
    assert reload(submit()).state == State.QUEUED
