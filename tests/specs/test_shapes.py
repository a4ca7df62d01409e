"""Output shapes and parameter counts, computed from the spec alone."""

from __future__ import annotations

import pytest

from submissions.families.network import LENET_5, LENET_5_LIKE, dense
from submissions.notation.reader import NotationError, parse
from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.shapes import LayerRow, parameters, summary


def trainable(spec):
    return [row.trainable for row in summary(spec) if row.trainable]


def test_the_lenet_5_like_net_has_81194_parameters():
    assert trainable(LENET_5_LIKE) == [60, 880, 69_240, 10_164, 850]
    assert parameters(LENET_5_LIKE) == (81_194, 0)


def test_lenet_5_has_60856_parameters_and_840_fixed_ones():
    assert trainable(LENET_5) == [156, 2_416, 48_120, 10_164]
    assert parameters(LENET_5) == (60_856, 840)
    assert summary(LENET_5)[-1] == LayerRow("rbf", "RBF", (10,), 0, 840)


def test_the_dense_net_of_width_4096_has_20037642_parameters():
    assert parameters(dense(4096)) == (20_037_642, 0)


def test_a_summary_has_a_row_for_each_layer_after_the_input_named_as_keras_does():
    rows = summary(LENET_5_LIKE)

    assert [(row.name, row.output_shape) for row in rows] == [
        ("conv2d", (30, 30, 6)), ("average_pooling2d", (15, 15, 6)), ("conv2d_1", (13, 13, 16)),
        ("average_pooling2d_1", (6, 6, 16)), ("flatten", (576,)), ("dense", (120,)), ("dense_1", (84,)),
        ("dense_2", (10,)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "shape", "counts"),
    [
        ("Conv2D(8, 3, strides=2, padding='same')", (14, 14, 8), (80, 0)),
        ("Conv2D(8, (3, 5), dilation_rate=2, use_bias=False)", (24, 20, 8), (120, 0)),
        ("DepthwiseConv2D(3, depth_multiplier=4)", (26, 26, 4), (40, 0)),
        ("SeparableConv2D(8, 3)", (26, 26, 8), (25, 0)),
        ("MaxPooling2D(3, strides=2)", (13, 13, 1), (0, 0)),
        ("AveragePooling2D(3, padding='same')", (10, 10, 1), (0, 0)),
        ("GlobalMaxPooling2D()", (1,), (0, 0)),
        ("GlobalAveragePooling2D(keepdims=True)", (1, 1, 1), (0, 0)),
        ("ZeroPadding2D(((1, 2), (3, 4)))", (31, 35, 1), (0, 0)),
        ("BatchNormalization()", (28, 28, 1), (2, 2)),
        ("BatchNormalization(scale=False)", (28, 28, 1), (1, 2)),
        ("SpatialDropout2D(0.1)", (28, 28, 1), (0, 0)),
        ("Dense(5)", (28, 28, 5), (10, 0)),
    ],
)
def test_a_layers_output_shape_and_parameter_counts(layer, shape, counts):
    row = summary(parse(f"Sequential([Input((28, 28, 1)), {layer}, Flatten(), Dense(10)])"))[0]

    assert row.output_shape == shape
    assert (row.trainable, row.fixed) == counts


@pytest.mark.parametrize(
    ("layers", "place", "words"),
    [
        ("Conv2D(4, 3), MaxPooling2D(27)", 2, "MaxPooling2D's window of 27×27 is larger than its input of 26×26"),
        ("Conv2D(4, 15, dilation_rate=2)", 1, "Conv2D's window of 29×29"),
        ("Conv2D(4, 3, strides=2, dilation_rate=2)", 1, "strides or dilation_rate above 1, not both"),
        ("SeparableConv2D(4, 3, strides=(1, 2))", 1, "the same stride in both directions"),
        ("Flatten(), SpatialDropout2D(0.1)", 2, "SpatialDropout2D takes height, width and channels, not (784,)"),
        ("Dense(16384)", 1, "outputs 12,845,056 values: the service's limit is 4,000,000"),
    ],
)
def test_a_layer_that_cannot_take_its_input_is_named(layers, place, words):
    with pytest.raises(NotationError) as refused:
        parse(f"Sequential([Input((28, 28, 1)), {layers}, Flatten(), Dense(10)])")

    assert [error["field"] for error in refused.value.errors] == [f"layers.{place}"]
    assert words in refused.value.errors[0]["message"]


def test_families_without_layers_have_no_parameters_to_count():
    assert parameters(KNN()) is None
    assert parameters(Forest()) is None
    assert summary(KNN()) == []
