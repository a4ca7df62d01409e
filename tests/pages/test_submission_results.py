"""A submission's page once it has a score: mistakes, insights, comparisons, and what others may see."""

from __future__ import annotations

import base64
import re

import pytest
from django.utils import timezone

from submissions.models import Attempt, Exit, Insight, ModelsShown, Quest, State, Submission
from submissions.models.submission import LONGEST_NOTE
from submissions.pages.live_run import EXITS_WITH_ADVICE
from submissions.queue import leases
from tests.cast import FOREST, KNN, claim_one, reload, result_of
from workers.datasets import store


@pytest.fixture
def digits(digits_home, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(digits_home))
    return store.load("digits")


def finish(submission, worker, digits, wrong, **more) -> Submission:
    """Score the submission, with each of the `wrong` images predicted as the next digit."""
    errors = [[index, (int(digits.test_labels[index]) + 1) % 10] for index in wrong]
    leases.record_score(claim_one(worker), {**result_of(360 - len(wrong)), "errors": errors, **more})
    return reload(submission)


@pytest.fixture
def scored(submission, worker, digits) -> Submission:
    return finish(submission, worker, digits, range(100))


def page(client, submission, query: str = "", **headers: str) -> str:
    return client.get(f"/submissions/{submission.pk}/{query}", headers=headers).content.decode()


def test_the_matrix_and_the_wrong_images_are_shown(owner_client, scored, digits):
    text = page(owner_client, scored)

    assert "100 of 360 test images." in text
    assert text.count('<img src="data:image/png') == 48
    assert f"<strong>{(digits.test_labels[0] + 1) % 10}</strong>" in text
    assert "Page 1 of 3" in text


def test_wrong_images_are_chosen_by_pair_and_by_page(owner_client, scored, digits):
    of_pair = sum(int(digits.test_labels[index]) == 4 for index in range(100))

    chosen = owner_client.get(f"/submissions/{scored.pk}/?true=4&given=5").context["errors"]
    last = owner_client.get(f"/submissions/{scored.pk}/?page=3").context["errors"]

    assert chosen.page.paginator.count == of_pair > 0
    assert len(last.page) == 4
    assert "No misclassified images match." in page(owner_client, scored, "?true=4&given=4")


def test_invalid_choices_are_ignored(owner_client, scored):
    for query in ("?true=x&given=11", "?page=-1", "?true=99999999999999999999"):
        assert "100 of 360 test images." in page(owner_client, scored, query, **{"HX-Request": "true"})


def test_htmx_gets_only_the_wrong_images(owner_client, scored):
    fragment = page(owner_client, scored, "?true=4", **{"HX-Request": "true"})

    assert fragment.strip().startswith("<section")
    assert "Configuration" not in fragment
    whole = page(owner_client, scored, **{"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "Configuration" in whole


def test_a_perfect_score_has_a_matrix_and_no_wrong_images(owner_client, submission, worker, digits):
    perfect = finish(submission, worker, digits, [])

    text = page(owner_client, perfect)

    assert "0 of 360 test images." in text
    assert "No misclassified images match." in text


def test_without_the_data_sets_files_the_page_says_so(owner_client, scored, tmp_path, monkeypatch):
    monkeypatch.setenv("QUEST_DATA_HOME", str(tmp_path))

    assert "does not have the data set’s files" in page(owner_client, scored)


def test_until_the_reveal_the_page_says_that_only_public_images_count(owner_client, submission, worker, digits):
    Quest.objects.update(private_share=0.5)
    leases.record_score(claim_one(worker), {**result_of(180, 180, private=(180, 180)), "errors": []})

    text = page(owner_client, submission)

    assert "0 of 180 test images." in text
    assert "Private images stay hidden until the reveal." in text


@pytest.mark.parametrize(
    ("insight", "words"),
    [
        ({"kind": "importances", "shape": [8, 8], "values": [0.0] * 63 + [1.0]}, "63 are not used at all"),
        (
            {"kind": "neighbours", "wrong": [
                {"index": 3, "given": 9, "neighbours": [{"index": 5, "label": 9, "distance": 1.5}]},
            ]},
            "distance 1.5",
        ),
        (
            {"kind": "layer", "layer": "conv2d_3", "count": 2, "kernels": {
                "shape": [2, 1, 1], "pixels": base64.b64encode(b"\0\xff").decode(),
            }},
            "The kernels of conv2d_3, 1×1 weights each (2 of 2)",
        ),
    ],
)  # fmt: skip
def test_each_kind_of_insight_is_shown(owner_client, scored, insight, words):
    Insight.objects.create(submission=scored, data=insight)

    assert words in page(owner_client, scored)


def test_an_images_alt_text_gives_its_true_and_predicted_digit(owner_client, scored, digits):
    nearest = {"index": 5, "label": 9, "distance": 1.5}
    wrong = [{"index": 3, "given": 9, "neighbours": [nearest]}]
    Insight.objects.create(submission=scored, data={"kind": "neighbours", "wrong": wrong})

    text = page(owner_client, scored)

    assert f'alt="Test image 3: {digits.test_labels[3]}, predicted 9"' in text
    assert 'alt="Training image 5: 9"' in text
    assert f'alt="Test image 0: {digits.test_labels[0]}, predicted {(digits.test_labels[0] + 1) % 10}"' in text


def test_an_unknown_kind_of_insight_is_ignored(owner_client, scored):
    Insight.objects.create(submission=scored, data={"kind": "dreams"})

    assert owner_client.get(f"/submissions/{scored.pk}/").status_code == 200


def test_the_tab_title_shows_the_state_and_then_the_score(owner_client, submission, worker, digits):
    assert " ".join(re.split(r"</?title>", page(owner_client, submission))[1].split()).startswith("Queued · Submission")
    finish(submission, worker, digits, [1])

    fragment = owner_client.get(f"/submissions/{submission.pk}/live/?seen=old", headers={"HX-Request": "true"})

    assert f"<title>0.99722 · Submission {submission.pk}" in fragment.content.decode()


def test_elapsed_and_remaining_time_are_shown_while_it_runs(owner_client, submission, worker):
    attempt = claim_one(worker)
    leases.note_progress(attempt, {"phase": "fit", "done": 0.5}, [])

    run_view = owner_client.get(f"/submissions/{submission.pk}/").context["run_view"]

    assert run_view.remaining_s == pytest.approx(run_view.elapsed_s, abs=0.5)
    assert 'data-counts="up"' in page(owner_client, submission)


def test_others_see_the_results_but_not_the_submitter_or_note(owner_client, stranger_client, scored, owner):
    Submission.objects.update(note="our secret plan")
    owner.first_name = "Hannah"
    owner.save()

    own, text = page(owner_client, scored), page(stranger_client, scored)

    assert "KNeighborsClassifier(n_neighbors=4" in text
    assert "100 of 360 test images." in text
    assert "Edit and resubmit" in text
    for hidden in ("our secret plan", "Hannah", "History", "cpu@here", "Edit the note"):
        assert hidden in own
        assert hidden not in text


def test_others_see_a_pseudonym_where_the_quest_has_them(stranger_client, scored):
    Quest.objects.update(pseudonyms=True)

    text = page(stranger_client, scored)

    assert "ITMALGrp01" not in text
    assert "KNeighborsClassifier(n_neighbors=4" in text


def test_submissions_not_on_the_board_are_hidden_from_others(stranger_client, owner_client, scored):
    on_board = {"state": State.SCORED, "correct": 260, "total": 360, "disqualified": False, "counts": True}
    for changes in (
        {"state": State.FAILED, "correct": None, "total": None},
        {"disqualified": True},
        {"counts": False},
        {"out_of_competition": True},
    ):
        Submission.objects.update(**{**on_board, **changes})
        assert stranger_client.get(f"/submissions/{scored.pk}/").status_code == 404, changes
    assert owner_client.get(f"/submissions/{scored.pk}/").status_code == 200


def test_others_cannot_open_it_while_models_are_hidden(stranger_client, instructor_client, scored):
    Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)

    assert stranger_client.get(f"/submissions/{scored.pk}/").status_code == 404
    assert instructor_client.get(f"/submissions/{scored.pk}/").status_code == 200


def test_others_cannot_open_a_score_made_after_the_freeze(stranger_client, scored):
    Quest.objects.update(frozen_at=scored.submitted_at)

    assert stranger_client.get(f"/submissions/{scored.pk}/").status_code == 404


def test_the_group_changes_its_note(colleague_client, owner_client, submission):
    answer = colleague_client.post(f"/submissions/{submission.pk}/note/", {"note": "p=3 next"}, follow=True)

    assert "Note saved." in answer.content.decode()
    assert "p=3 next" in page(owner_client, submission)


def test_only_the_group_may_change_the_note(stranger_client, instructor_client, scored):
    for client in (stranger_client, instructor_client):
        assert client.post(f"/submissions/{scored.pk}/note/", {"note": "mine"}).status_code == 404
    assert reload(scored).note == ""


def test_a_note_that_is_too_long_is_kept_in_the_form_and_refused(owner_client, submission):
    answer = owner_client.post(f"/submissions/{submission.pk}/note/", {"note": "x" * (LONGEST_NOTE + 1)})

    assert answer.status_code == 400
    assert "x" * LONGEST_NOTE in answer.content.decode()
    assert reload(submission).note == ""


def test_a_comparison_shows_the_different_parameters(owner_client, submit, worker, digits):
    first = finish(submit(), worker, digits, [0, 1])
    second = finish(submit({"family": "knn", "n_neighbors": 9}), worker, digits, range(1, 30))

    text = page(owner_client, first, f"compare/{second.pk}/")

    assert f"submission {first.pk} scored 7.50 percentage points higher than submission {second.pk}." in text
    assert "p &lt; 0.001" in text
    assert "<code>n_neighbors</code>" in text
    assert f"The 28 images that only submission {first.pk} got right" in text


def test_own_and_board_submissions_are_offered_for_comparison(
    owner_client, submit, worker, digits, stranger, other_group
):
    first = finish(submit(), worker, digits, [0])
    own = finish(submit(FOREST), worker, digits, [1])
    theirs = finish(submit(submitter=stranger, group=other_group), worker, digits, [2])

    text = page(owner_client, first, "compare/")
    assert f'<option value="{own.pk}"' in text
    assert f'<option value="{theirs.pk}"' in text
    assert f'<option value="{first.pk}"' not in text

    Quest.objects.update(models_shown=ModelsShown.AFTER_CLOSING)
    assert f'<option value="{theirs.pk}"' not in page(owner_client, first, "compare/")
    assert owner_client.get(f"/submissions/{first.pk}/compare/{theirs.pk}/").status_code == 404


def test_choosing_a_submission_opens_the_comparison(owner_client, submit, worker, digits):
    first, second = (finish(submit(), worker, digits, [place]) for place in range(2))

    answer = owner_client.get(f"/submissions/{first.pk}/compare/?with={second.pk}")

    assert answer.headers["Location"] == f"/submissions/{first.pk}/compare/{second.pk}/"


def test_a_submission_without_a_score_cannot_be_compared(owner_client, submission):
    assert owner_client.get(f"/submissions/{submission.pk}/compare/").status_code == 404


def test_submissions_on_different_data_sets_cannot_be_compared(owner_client, submit, worker, digits, course):
    other = Quest.objects.create(course=course, name="MNIST", dataset="mnist", state="open")
    first = finish(submit(), worker, digits, [0])
    second = finish(submit(quest=other), worker, digits, [0])

    assert "These two cannot be compared" in page(owner_client, first, f"compare/{second.pk}/")


def test_each_failure_has_advice_and_says_whether_it_counts(owner_client, submission, worker):
    claim_one(worker)
    for exit_ in EXITS_WITH_ADVICE:
        Submission.objects.update(state=State.FAILED, lease=None, lease_until=None, refunded=exit_ == Exit.LOST)
        Attempt.objects.update(exit=exit_, ended_at=timezone.now())

        response = owner_client.get(f"/submissions/{submission.pk}/")

        quota = (
            "This submission does not count towards your quota."
            if exit_ == Exit.LOST
            else "This submission counts towards your quota."
        )
        assert quota in response.content.decode()
        assert f"submissions/advice/_{exit_}.html" in {one.name for one in response.templates}


@pytest.mark.parametrize(("model", "helps"), [(KNN, "algorithm='brute'"), (FOREST, "max_depth")])
def test_advice_on_memory_fits_the_models_family(owner_client, submit, worker, model, helps):
    submission = submit(model)
    for _ in range(2):
        leases.release(claim_one(worker), Exit.OUT_OF_MEMORY, reason="It needed more memory than the quest allows.")

    advice = page(owner_client, submission).partition('class="failure"')[2].partition("quota")[0].split("</p>", 1)[1]

    assert helps in advice
    assert "batch" not in advice


def test_a_crash_is_explained_and_only_instructors_see_the_workers_message(
    owner_client, instructor_client, submission, worker
):
    message = "The training process could not be started: it has ended already (exit code -9)."
    for _ in range(3):
        leases.release(claim_one(worker), Exit.CRASHED, reason=message)

    def reason(client) -> str:
        return page(client, submission).partition('<p class="reason">')[2].partition("</p>")[0]

    assert "The run crashed during training 3 times and was abandoned." in reason(owner_client)
    assert "training process" not in reason(owner_client)
    assert message in reason(instructor_client)


def test_unknown_thread_counts_are_not_shown(owner_client, submission, score):
    score(submission, 350)
    Attempt.objects.update(threads_asked=2, threads_used=None)

    assert "<dd>2 granted</dd>" in page(owner_client, submission)
