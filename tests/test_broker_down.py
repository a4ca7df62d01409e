"""The fixture broker address is one where nobody listens."""

from submissions.models import State


def test_a_submission_is_taken_while_the_broker_is_down(submit, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as wake_ups:
        submission = submit()

    assert submission.state == State.QUEUED
    assert wake_ups
