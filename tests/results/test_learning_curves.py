"""Loss and accuracy as lines."""

from __future__ import annotations

from submissions.results.learning_curves import HEIGHT, LEFT, MARGIN, WIDTH, curves


def test_lines_go_from_the_first_epoch_to_the_last_and_from_the_least_value_to_the_greatest():
    loss, accuracy = curves([{"loss": 0.5, "accuracy": 0.8}, {"loss": 0.1, "accuracy": 0.9}])

    assert loss.lines[0].places == [(LEFT, MARGIN), (WIDTH - MARGIN, HEIGHT - MARGIN)]
    assert accuracy.lines[0].places == [(LEFT, HEIGHT - MARGIN), (WIDTH - MARGIN, MARGIN)]
    assert (loss.low, loss.high, loss.lines[0].latest) == (0.1, 0.5, 0.1)


def test_epochs_that_are_to_come_have_their_place():
    (loss,) = curves([{"loss": 0.5}, {"loss": 0.1}], planned=5)

    assert loss.lines[0].places[-1][0] == LEFT + (WIDTH - LEFT - MARGIN) / 4
    assert loss.epochs == 5


def test_validation_is_a_second_line_on_the_same_scale():
    (loss,) = curves([{"loss": 0.5, "val_loss": 0.7}])

    assert [line.name for line in loss.lines] == ["loss", "val_loss"]
    assert loss.high == 0.7


def test_a_loss_that_was_no_number_leaves_a_gap():
    (loss,) = curves([{"loss": 0.5}, {"loss": None}, {"loss": 0.3}])

    assert len(loss.lines[0].places) == 2


def test_nothing_measured_draws_nothing():
    assert curves([]) == []
    assert curves([{"seconds": 1.0}]) == []
