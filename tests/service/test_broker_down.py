"""Submitting while the broker is down: in the test settings nothing listens at its address."""

from submissions.models import State, Submission


def test_a_submission_is_queued_while_the_broker_is_down(submit, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as wake_ups:
        submission = submit()

    assert submission.state == State.QUEUED
    assert wake_ups


def test_the_form_and_the_status_page_work_while_the_broker_is_down(owner_client, quest):
    form = {"way": "paste", "quest": quest.pk, "key": "k", "model": "KNeighborsClassifier()"}

    answer = owner_client.post("/submit/", form, follow=True)

    assert answer.redirect_chain[-1][0] == f"/submissions/{Submission.objects.get().pk}/"
    assert "Submissions are still accepted, and run once it is back" in owner_client.get("/status/").text
