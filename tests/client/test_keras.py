"""The notebook client writes Keras models as code that the service reads as the same network."""

from __future__ import annotations

import keras
import pytest

from mnist_quest import NotExpressible, notation
from submissions.notation.reader import NotationError, parse
from submissions.specs.shapes import parameters
from submissions.specs.spec import dump

pytestmark = pytest.mark.trains  # Keras takes a while to import


def dense(**more):
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **more})
    return model


def every_layer():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.ZeroPadding2D(1),
            layers.Conv2D(6, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
            layers.BatchNormalization(momentum=0.9),
            layers.AveragePooling2D(2),
            layers.DepthwiseConv2D(3, activation="tanh"),
            layers.SeparableConv2D(8, (3, 2), use_bias=False),
            layers.LeakyReLU(negative_slope=0.1),
            layers.ReLU(max_value=6.0),
            layers.ELU(),
            layers.SpatialDropout2D(0.1),
            layers.MaxPooling2D(2, strides=1),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(20),
            layers.Activation("gelu"),
            layers.Dense(10),
            layers.Softmax(),
        ]
    )


def test_every_layer_survives_the_trip_to_the_service():
    model = every_layer()
    model.compile(optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.1), loss="sparse_categorical_crossentropy")

    spec = parse(notation(model, epochs=3))

    assert sum(parameters(spec) or ()) == model.count_params()
    data = dump(spec)
    assert data["optimizer"] == {**data["optimizer"], "name": "adamw", "learning_rate": 0.01, "weight_decay": 0.1}
    kinds = [layer["kind"] for layer in data["layers"]]
    assert kinds[1:] == [type(layer).__name__.replace("Softmax", "Activation") for layer in model.layers]


def test_the_text_contains_compile_and_fit():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
    model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9), loss=loss, metrics=["accuracy"])
    stopping = keras.callbacks.EarlyStopping("val_accuracy", min_delta=0.01, patience=3, restore_best_weights=True)

    text = notation(model, epochs=20, batch_size=64, validation_split=0.1, callbacks=[stopping], seed=7)

    spec = dump(parse(text))
    assert (spec["epochs"], spec["batch_size"], spec["validation_split"], spec["seed"]) == (20, 64, 0.1, 7)
    assert (spec["optimizer"]["learning_rate"], spec["optimizer"]["momentum"]) == (0.05, 0.9)
    assert spec["loss"] == {"name": "sparse_categorical_crossentropy", "from_logits": True}
    assert spec["early_stopping"] == {
        "monitor": "val_accuracy", "min_delta": 0.01, "patience": 3, "restore_best_weights": True
    }  # fmt: skip


def test_mixed_precision_applies_to_the_whole_model():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax", dtype="float32")])
        model.add(keras.layers.Dense(10, activation="softmax"))
        model.compile(loss="mse")
    finally:
        keras.mixed_precision.set_global_policy("float32")

    spec = dump(parse(notation(model, epochs=1)))

    assert (spec["precision"], spec["optimizer"]["name"]) == ("mixed_float16", "rmsprop")


def test_a_loss_function_is_written_by_its_name():
    model = dense(loss=keras.losses.sparse_categorical_crossentropy)

    assert "loss='sparse_categorical_crossentropy'" in notation(model, epochs=1)


def test_missing_epochs_are_an_error():
    with pytest.raises(NotExpressible, match=r"quest\.submit\(model, epochs=5\)"):
        notation(dense())


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(NotExpressible, match=r"call model\.compile"):
        notation(keras.Sequential([keras.layers.Dense(10)]), epochs=1)


def test_a_functional_model_is_refused_with_advice():
    given = keras.Input((784,))
    model = keras.Model(given, keras.layers.Dense(10)(given))
    model.compile(loss="mse")

    with pytest.raises(NotExpressible, match=r"write its layers, in order, as keras\.Sequential"):
        notation(model, epochs=1)


def test_code_is_refused_by_name():
    class Doubled(keras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    def cubed(x):
        return x**3

    wrong = {
        "Lambda contains code": keras.layers.Lambda(cubed),
        "Doubled is your own layer": Doubled(),
        "Dense: activation is cubed, your own code": keras.layers.Dense(10, activation=cubed),
        "Bidirectional: layer is a LSTM": keras.layers.Bidirectional(keras.layers.LSTM(3)),
    }
    for says, layer in wrong.items():
        model = keras.Sequential([layer])
        model.compile(loss="mse")
        with pytest.raises(NotExpressible, match=says):
            notation(model, epochs=1)


def test_a_students_function_is_refused_by_name_and_never_sent():
    def relu(x):
        return x

    for activation, called in ((lambda x: x, "<lambda>"), (relu, "relu")):
        model = keras.Sequential([keras.layers.Dense(10, activation=activation)])
        model.compile(loss="mse")
        with pytest.raises(NotExpressible, match=f"Dense: activation is {called}, your own code"):
            notation(model, epochs=1)


def test_an_activation_layer_stays_a_layer():
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation=keras.layers.LeakyReLU())])
    model.compile(loss="mse")

    kinds = [layer["kind"] for layer in dump(parse(notation(model, epochs=1)))["layers"]]

    assert kinds == ["Input", "Dense", "LeakyReLU"]


def test_loss_weights_are_refused():
    with pytest.raises(NotExpressible, match="loss_weights"):
        notation(dense(loss_weights=[2.0]), epochs=1)


def test_the_mode_of_early_stopping_is_kept():
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", mode="max")

    text = notation(dense(), epochs=1, validation_split=0.1, callbacks=[stopping])

    assert "mode='max'" in text
    with pytest.raises(NotationError, match="mode must be 'auto' or 'min': remove it"):
        parse(text)


def test_the_service_refuses_an_unknown_layer_by_name():
    model = keras.Sequential([keras.layers.LSTM(3)])
    model.compile(loss="mse")

    with pytest.raises(NotationError, match="Line 2: LSTM is not supported"):
        parse(notation(model, epochs=1))


def test_a_learning_rate_schedule_is_refused_by_name():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)

    with pytest.raises(NotExpressible, match="learning_rate is a ExponentialDecay"):
        notation(dense(optimizer=keras.optimizers.Adam(schedule)), epochs=1)


def test_callbacks_other_than_early_stopping_are_refused():
    with pytest.raises(NotExpressible, match="TerminateOnNaN cannot be submitted: only EarlyStopping can"):
        notation(dense(), epochs=1, callbacks=[keras.callbacks.TerminateOnNaN()])
