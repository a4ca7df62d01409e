"""Learning curves: the points of the loss and accuracy lines."""

from __future__ import annotations

from submissions.results.learning_curves import HEIGHT, LEFT, MARGIN, WIDTH, curves


def test_lines_span_all_epochs_and_the_whole_range_of_values():
    loss, accuracy = curves([{"loss": 0.5, "accuracy": 0.8}, {"loss": 0.1, "accuracy": 0.9}])

    assert loss.lines[0].places == [(LEFT, MARGIN), (WIDTH - MARGIN, HEIGHT - MARGIN)]
    assert accuracy.lines[0].places == [(LEFT, HEIGHT - MARGIN), (WIDTH - MARGIN, MARGIN)]
    assert (loss.low, loss.high, loss.lines[0].latest) == (0.1, 0.5, 0.1)


def test_space_is_left_for_planned_epochs():
    (loss,) = curves([{"loss": 0.5}, {"loss": 0.1}], planned=5)

    assert loss.lines[0].places[-1][0] == LEFT + (WIDTH - LEFT - MARGIN) / 4
    assert loss.epochs == 5


def test_validation_loss_is_a_second_line_on_the_same_scale():
    (loss,) = curves([{"loss": 0.5, "val_loss": 0.7}])

    assert [line.name for line in loss.lines] == ["loss", "val_loss"]
    assert loss.high == 0.7


def test_an_epoch_without_a_finite_loss_has_no_point():
    (loss,) = curves([{"loss": 0.5}, {"loss": None}, {"loss": 0.3}])

    assert len(loss.lines[0].places) == 2


def test_without_loss_or_accuracy_there_are_no_curves():
    assert curves([]) == []
    assert curves([{"seconds": 1.0}]) == []
