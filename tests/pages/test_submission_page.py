"""The list of a group's submissions, and the page that follows one from the queue to its score."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from submissions.intake import reruns
from submissions.intake import submit as intake
from submissions.models import Attempt, Exit, Quest, QuestState, State, Submission, Worker
from submissions.queue import claims, leases, lifecycle
from submissions.specs.validation import validate
from tests.cast import FOREST, claim_one, reload, result_of

NET = {
    "family": "cnn",
    "layers": [
        {"kind": "Input", "shape": [64]},
        {"kind": "Dense", "units": 10, "activation": "softmax"},
    ],
}


def page(client, submission) -> str:
    return client.get(f"/submissions/{submission.pk}/").content.decode()


def live(client, submission, version: str = ""):
    return client.get(f"/submissions/{submission.pk}/live/?seen={version}", headers={"HX-Request": "true"})


def current_version(client, submission) -> str:
    return client.get(f"/submissions/{submission.pk}/").context["run_view"].version


def test_a_queued_submission_shows_its_place_and_polls(owner_client, submit, worker):
    submit()
    second = submit(FOREST)

    text = page(owner_client, second)

    assert "Number 2 in the queue." in text
    assert 'hx-trigger="every 1s"' in text
    assert "owner submitted it." in text


def test_a_submission_for_a_gpu_says_that_no_gpu_worker_is_alive(owner_client, submit, worker):
    waiting = submit(NET, device="gpu")
    assert "No GPU worker is available" in page(owner_client, waiting)

    Worker.objects.create(name="gpu@there", host="there", pid=2, device="gpu", version="test", hardware=worker.hardware)
    assert "No GPU worker is available" not in page(owner_client, waiting)


def test_the_page_says_when_the_only_cpu_worker_fell_silent(owner_client, submission, worker):
    assert "No CPU worker is available" not in page(owner_client, submission)

    Worker.objects.update(last_seen_at=timezone.now() - timedelta(minutes=5))

    assert "No CPU worker is available" in page(owner_client, submission)


def test_a_poll_gets_204_while_nothing_changes(owner_client, submission, worker):
    version = current_version(owner_client, submission)
    assert live(owner_client, submission, version).status_code == 204

    claim_one(worker)

    response = live(owner_client, submission, version)
    assert response.status_code == 200
    assert "cpu@here started attempt 1 on AMD EPYC 9B14, 2 cores." in response.content.decode()
    assert "<html" not in response.content.decode()


def test_a_poll_shows_progress_and_epochs(owner_client, submission, worker):
    attempt = claim_one(worker)
    version = current_version(owner_client, submission)
    epochs = [{"epoch": 1, "seconds": 1.2, "loss": 0.31, "accuracy": 0.91}]
    leases.note_progress(attempt, {"phase": "fit", "epoch": 2, "epochs": 5, "done": 0.25}, epochs)

    text = live(owner_client, submission, version).content.decode()

    assert "epoch 2 of 5" in text
    assert 'value="0.25"' in text
    assert "0.9100" in text
    assert "0.3100" in text


def test_a_scored_submission_shows_its_result_and_stops_polling(owner_client, submission, score):
    score(submission, 350)

    text = page(owner_client, submission)

    assert "0.97222" in text
    assert "350 of 360 test images are correct." in text
    assert "cpu@here trained and scored it." in text
    assert "hx-trigger" not in text
    assert "<svg" in text
    assert "1.5 s" in text
    assert "AMD EPYC 9B14" in text
    assert "scikit-learn 1.9.1" in text
    assert "not measured" in text


def test_energy_comes_with_its_method(owner_client, submission, worker):
    leases.record_score(claim_one(worker), result_of(350) | {"energy": {"method": "rapl", "joules": 12.345}})

    assert "12.3 J (rapl)" in page(owner_client, submission)


def test_the_configuration_is_shown_as_notation_and_json(owner_client, submission):
    text = page(owner_client, submission)

    assert "KNeighborsClassifier(n_neighbors=4, weights=&#x27;distance&#x27;)" in text
    assert "&quot;n_neighbors&quot;: 4" in text


def test_the_private_score_is_shown_only_after_the_reveal(owner_client, submission, worker):
    Quest.objects.update(private_share=0.5)
    leases.record_score(claim_one(worker), result_of(170, 180, private=(150, 180)))
    before = page(owner_client, submission)
    assert "170 of 180 public test images are correct." in before
    assert "0.83333" not in before

    Quest.objects.update(state=QuestState.REVEALED)

    after = " ".join(page(owner_client, submission).split())
    assert '<p class="score">0.83333</p>' in after
    assert "150 of 180 private test images are correct. 95% interval: 0.77205 to 0.88069." in after
    assert "The public score was <strong>0.94444</strong>: 170 of 180 public test images. 95% interval:" in after


def test_a_failure_says_why_and_keeps_the_traceback_for_instructors(
    owner_client, instructor_client, submission, worker
):
    attempt = claim_one(worker)
    leases.fail(attempt, reason="The training stopped with an error: <b>bad</b>", traceback="Traceback: line 7")

    text = page(owner_client, submission)
    assert "The training stopped with an error: &lt;b&gt;bad&lt;/b&gt;" in text
    assert "line 7" not in text
    assert "Traceback: line 7" in page(instructor_client, submission)


def test_a_timed_out_run_names_the_limit(owner_client, submission, worker):
    leases.time_out(claim_one(worker))

    assert "the quest&#x27;s limit for one run" in page(owner_client, submission)


def test_earlier_attempts_are_listed(owner_client, submission, worker):
    leases.release(claim_one(worker), Exit.LOST, reason="The worker was not heard from any more.")
    assert "An earlier attempt did not finish" in page(owner_client, submission)

    claim_one(worker)

    text = page(owner_client, submission)
    assert "Returned to the queue by cpu@here." in text
    assert "worker lost" in text
    assert Attempt.objects.count() == 2


def test_every_kind_of_event_has_its_sentence(submission, owner_client, owner):
    from submissions.models import Event

    for kind in Event.Kind:
        lifecycle.record(submission, kind, actor="somebody", reason="because")

    items = page(owner_client, submission).split('<ol class="history">')[1].split("</ol>")[0]
    assert items.count("somebody") == len(Event.Kind)


def test_every_state_has_its_badge(owner_client, submission):
    for state in State:
        held = {"lease": "0" * 32, "lease_until": timezone.now()} if state == State.RUNNING else {"lease": None}
        result = {"correct": 1, "total": 2} if state == State.SCORED else {"correct": None, "total": None}
        held.setdefault("lease_until", None)
        Submission.objects.update(state=state, **held, **result)

        assert f"badge-{state}" in page(owner_client, submission)


def test_a_queued_submission_is_cancelled_at_once(owner_client, submission):
    response = owner_client.post(f"/submissions/{submission.pk}/cancel/", follow=True)

    assert "Cancelled before it ran." in response.content.decode()
    assert reload(submission).state == State.CANCELLED


def test_cancelling_a_running_submission_is_offered_once(colleague_client, submission, worker):
    claim_one(worker)

    text = colleague_client.post(f"/submissions/{submission.pk}/cancel/", follow=True).content.decode()

    assert "colleague requested cancellation." in text
    assert f'action="/submissions/{submission.pk}/cancel/"' not in text


def test_an_ended_submission_cannot_be_cancelled(owner_client, submission, score):
    score(submission, 300)

    response = owner_client.post(f"/submissions/{submission.pk}/cancel/", follow=True)

    assert "has already ended" in response.content.decode()
    assert reload(submission).state == State.SCORED


def test_a_get_request_does_not_cancel(owner_client, submission):
    assert owner_client.get(f"/submissions/{submission.pk}/cancel/").status_code == 405


def test_html_in_a_note_is_escaped(owner_client, submit):
    text = page(owner_client, submit(note="<script>alert(1)</script>\nsecond line"))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>second line" in text


def test_a_rerun_and_its_original_refer_to_each_other(owner_client, submission, score, instructor):
    score(submission, 300)
    again = reruns.rerun(reload(submission), user=instructor)

    assert f"re-run as {again.pk}" in page(owner_client, submission)
    assert f"submission {submission.pk}</a>" in page(owner_client, again)


def test_the_list_holds_the_whole_groups_submissions(colleague_client, submission, score):
    score(submission, 350)

    text = colleague_client.get("/submissions/").content.decode()

    assert "0.97222" in text
    assert "n_neighbors=4" in text
    assert "owner" in text


def test_the_list_is_sent_again_when_something_is_new(owner_client, submission, submit, worker):
    version = owner_client.get("/submissions/").context["version"]
    hx = {"HX-Request": "true"}
    assert owner_client.get(f"/submissions/?seen={version}", headers=hx).status_code == 204

    submit(FOREST)

    response = owner_client.get(f"/submissions/?seen={version}", headers=hx)
    assert b"n_estimators=20" in response.content
    assert b"<html" not in response.content


def test_the_list_follows_progress(owner_client, submission, worker):
    attempt = claim_one(worker)
    version = owner_client.get("/submissions/").context["version"]
    leases.note_progress(attempt, {"phase": "predict", "done": 0.5}, [])

    response = owner_client.get(f"/submissions/?seen={version}", headers={"HX-Request": "true"})

    assert b"scoring" in response.content


def test_the_list_shows_one_state_if_asked(owner_client, submission, submit):
    lifecycle.cancel(submission, user=submission.submitter)
    submit(FOREST)

    text = owner_client.get("/submissions/?state=cancelled").content.decode()
    assert "n_neighbors=4" in text
    assert "n_estimators=20" not in text
    assert "state=cancelled&amp;seen=" in text


@pytest.mark.parametrize("query", ["state=odd", "quest=x", f"quest={'9' * 5000}", "page=-1", "page=x", "page=99999"])
def test_invalid_filters_are_ignored(owner_client, submission, query):
    assert owner_client.get(f"/submissions/?{query}").status_code == 200


def test_a_long_list_takes_few_queries(owner_client, submit, django_assert_max_num_queries):
    for _ in range(12):
        submit()

    with django_assert_max_num_queries(12):
        owner_client.get("/submissions/")


def test_an_instructors_list_holds_only_their_own_submissions(instructor_client, submission, instructor, quest):
    spec = validate(FOREST, dataset="digits")
    intake.submit(quest=quest, submitter=instructor, group=None, spec=spec)

    text = instructor_client.get("/submissions/").content.decode()

    assert "n_estimators=20" in text
    assert "n_neighbors=4" not in text


@pytest.mark.parametrize("pk", ["0", "999", str(2**63), "9" * 5000])
def test_an_unknown_number_is_not_found(owner_client, pk):
    for address in (f"/submissions/{pk}/", f"/submissions/{pk}/live/"):
        assert owner_client.get(address).status_code == 404


def test_the_position_shown_follows_the_claims(owner_client, submit, worker):
    first, second = submit(), submit(FOREST)
    claims.claim(device="cpu", worker=worker)

    assert reload(first).state == State.RUNNING
    assert "Next in line." in page(owner_client, second)
