"""The fixture broker address is one where nobody listens."""

from submissions.models import State, Submission


def test_a_submission_is_taken_while_the_broker_is_down(submit, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as wake_ups:
        submission = submit()

    assert submission.state == State.QUEUED
    assert wake_ups


def test_the_form_leads_to_the_submissions_page_and_the_status_says_that_nothing_is_lost(owner_client, quest):
    form = {"way": "paste", "quest": quest.pk, "key": "k", "model": "KNeighborsClassifier()"}

    answer = owner_client.post("/submit/", form, follow=True)

    assert answer.redirect_chain[-1][0] == f"/submissions/{Submission.objects.get().pk}/"
    assert "Submissions are still accepted, and run once it is back" in owner_client.get("/status/").text
