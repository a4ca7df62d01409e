"""Text to spec and back: texts that people paste, and refusals."""

from __future__ import annotations

import pytest
from hypothesis import given

from submissions.families.network import LENET_5, LENET_5_LIKE, dense
from submissions.notation.reader import NotationError, model_from, parse, read, read_all
from submissions.notation.writer import headline, render
from submissions.specs.forest import Forest
from submissions.specs.image_layers import Conv2D
from submissions.specs.knn import KNN
from submissions.specs.layers import Input
from submissions.specs.network import CNN
from submissions.specs.spec import Limits, SpecError, dump
from tests.spec_strategies import specs

KERAS_CODE = """
import tensorflow as tf
from tensorflow.keras import layers
num_classes = 10
model = tf.keras.models.Sequential()
model.add(layers.Conv2D(32, (3, 3), activation=tf.nn.relu, kernel_initializer='he_uniform', input_shape=(28, 28, 1)))
model.add(layers.MaxPool2D((2, 2)))
model.add(layers.LeakyReLU(alpha=0.1))
model.add(layers.Flatten(name='flat'))
model.add(layers.Dense(2**7, 'relu'))
model.add(layers.Dense(num_classes))
model.add(layers.Softmax())
opt = tf.keras.optimizers.SGD(lr=1e-2, momentum=0.9)
model.compile(optimizer=opt, loss=tf.keras.losses.CategoricalCrossentropy(), metrics=['accuracy'])
model.summary()
history = model.fit(x_train, y_train, batch_size=128, epochs=12, verbose=1, validation_split=.1,
                    callbacks=[tf.keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)])
"""


def refusal(text: str, **options: object) -> str:
    with pytest.raises(NotationError) as refused:
        read(text, **options)  # type: ignore[arg-type]
    return str(refused.value)


def network(text: str, dataset: str | None = None) -> CNN:
    spec = read(text, dataset=dataset).spec
    assert isinstance(spec, CNN)
    return spec


@given(specs())
def test_a_rendered_spec_is_read_back_unchanged(spec):
    assert dump(parse(render(spec))) == dump(spec)


@given(specs())
def test_a_headline_is_one_line(spec):
    assert "\n" not in headline(spec)


@pytest.mark.parametrize(
    "text",
    [
        "KNeighborsClassifier(n_neighbors=4, weights='distance')",
        "KNeighborsClassifier(4, weights='distance')",
        'sklearn.neighbors.KNeighborsClassifier( 4,\n\n   weights = "distance" )',
        "model = KNeighborsClassifier(n_neighbors=4, weights='distance')",
        "clf: object = neighbors.KNeighborsClassifier(2 + 2, weights='distance', metric_params=None)",
        "from sklearn.neighbors import KNeighborsClassifier as KNC\nk = 4\nclf = KNC(k, weights='distance')",
        "KNeighborsClassifier(4, weights='distance').fit(X, y)",
        "\"KNeighborsClassifier(4, weights='distance')\"",
        "“KNeighborsClassifier(4, weights=‘distance’)”",
        "clf = KNeighborsClassifier(4,\n        weights='distance')\n    clf.fit(X, y)",
        "```python\nprint(sklearn.__version__)\nKNeighborsClassifier(4, weights='distance')\n```",
        "Best model: KNeighborsClassifier(n_neighbors=4, weights='distance')",
        "if __name__ == '__main__':\n    clf = KNeighborsClassifier(4, weights='distance')",
    ],
)
def test_a_constructor_is_read_however_it_is_typed(text):
    assert parse(text) == KNN(n_neighbors=4, weights="distance")


def test_numbers_may_be_negative_or_scientific():
    spec = parse("RandomForestClassifier(n_jobs=-1, min_impurity_decrease=1e-3, max_features=.5)")

    assert spec == Forest(n_jobs=-1, min_impurity_decrease=0.001, max_features=0.5)


def test_class_weights_are_typed_by_digit():
    spec = parse("RandomForestClassifier(class_weight={0: 1, 9: 2.5})")

    assert spec == Forest(class_weight={"0": 1.0, "9": 2.5})
    assert render(spec) == "RandomForestClassifier(class_weight={0: 1.0, 9: 2.5})"


def test_defaults_are_left_out_as_scikit_learn_does():
    assert render(KNN(p=4.0, leaf_size=40)) == "KNeighborsClassifier(leaf_size=40, p=4)"
    assert render(Forest(n_estimators=100)) == "RandomForestClassifier()"


def test_keras_code_is_read_as_written_in_a_notebook():
    reading = read(KERAS_CODE)

    assert isinstance(reading.spec, CNN)
    assert render(reading.spec) == (
        "model = Sequential([\n"
        "    Input((28, 28, 1)),\n"
        "    Conv2D(32, 3, activation='relu', kernel_initializer='he_uniform'),\n"
        "    MaxPooling2D(),\n"
        "    LeakyReLU(negative_slope=0.1),\n"
        "    Flatten(),\n"
        "    Dense(128, activation='relu'),\n"
        "    Dense(10),\n"
        "    Activation('softmax'),\n"
        "])\n"
        "model.compile(optimizer=SGD(momentum=0.9), loss='categorical_crossentropy')\n"
        "model.fit(x_train, y_train, epochs=12, batch_size=128, validation_split=0.1, "
        "callbacks=[EarlyStopping(patience=3, restore_best_weights=True)])"
    )
    assert "line 2: import tensorflow as tf" in reading.left_aside
    assert "line 14: metrics" in reading.left_aside


def test_a_list_of_layers_is_read_like_layers_that_are_added():
    listed = parse("keras.Sequential([keras.Input(shape=(784,)), Dense(8, activation='relu'), Dense(10)])")
    added = parse("m = Sequential()\nm.add(Dense(8, input_dim=784, activation=activations.relu))\nm.add(Dense(10))")

    assert listed == added


@pytest.mark.parametrize(
    ("first", "shape"),
    [("Conv2D(4, 3), Flatten()", (28, 28, 1)), ("Flatten()", (28, 28)), ("Dense(16)", (784,)),
     ("Rescaling(1./255), Conv2D(4, 3), Flatten()", (28, 28, 1)), ("Dropout(0.2), Dense(16)", (784,))],
)  # fmt: skip
def test_a_missing_input_follows_from_the_first_layer(first, shape):
    spec = network(f"Sequential([{first}, Dense(10, activation='softmax')])")

    assert spec.layers[0] == Input(shape=shape)


def test_a_missing_input_has_the_size_of_the_data_sets_images():
    spec = network("Sequential([Conv2D(4, 3), Flatten(), Dense(10)])", dataset="digits")

    assert spec.layers[0] == Input(shape=(8, 8, 1))


def test_a_network_without_compile_and_fit_gets_the_forms_defaults():
    spec = network("Sequential([Dense(10, activation='softmax')])")

    assert (spec.optimizer.name, spec.loss.name, spec.epochs, spec.batch_size) == (
        "adam", "sparse_categorical_crossentropy", 5, 32,
    )  # fmt: skip
    assert not spec.loss.from_logits


def test_a_network_without_compile_that_ends_in_logits_is_trained_from_logits():
    assert network("Sequential([Dense(10)])").loss.from_logits
    assert network("Sequential([Dense(84, activation='tanh'), RBF(10)])").loss.from_logits


def test_presets_are_shown_on_one_line_as_typed():
    assert headline(dense(512)) == (
        "Sequential([Input((784,)), Dense(512, activation='relu'), Dropout(0.5), Dense(512, activation='relu'), "
        "Dropout(0.5), Dense(10, activation='softmax')])"
    )
    assert headline(LENET_5).endswith("Dense(84, activation='tanh'), RBF(10)])")
    assert "AveragePooling2D(2)" in headline(LENET_5_LIKE)


def test_seed_and_precision_are_read_from_keras_settings():
    spec = network(
        "keras.utils.set_random_seed(7)\nkeras.mixed_precision.set_global_policy('mixed_bfloat16')\nSequential([Dense(10)])"
    )

    assert (spec.seed, spec.precision) == (7, "mixed_bfloat16")
    assert headline(spec) == "Sequential([Input((784,)), Dense(10)])"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SVC(C=3)", "Line 1: SVC is not supported"),
        ("x = 3", "there is no model"),
        ("", "there is no model"),
        ("KNeighborsClassifier(n_neighbors=", "Line 1: this is not Python"),
        ("KNeighborsClassifier()\nKNeighborsClassifier(3)", "Lines 1, 2 each have a model"),
        ("\nKNeighborsClassifier(\n  n_neighbours=3)", "Line 3: n_neighbours: This parameter is unknown: did you mean"),
        ("KNeighborsClassifier(3, 'distance')", "takes only n_neighbors by position"),
        ("KNeighborsClassifier(n_neighbors=True)", "n_neighbors: True is not allowed: give a whole number"),
        ("KNeighborsClassifier(p=1e999)", "inf is not allowed"),
        ("KNeighborsClassifier(k)", "k is not a plain value"),
        ("KNeighborsClassifier(**best)", "write the parameters out"),
        ("KNeighborsClassifier(3, n_neighbors=4)", "n_neighbors is given twice"),
        ("KNeighborsClassifier(metric_params={'w': 1})", "metric_params must be None: remove it"),
        ("m = KNeighborsClassifier()\nm.set_params(n_neighbors=3)", "Line 2: the method set_params"),
        ("m = KNeighborsClassifier()\nm.n_neighbors = 3", "Line 2: m is changed after it was created"),
        ("for k in range(9):\n  KNeighborsClassifier(k)", "Line 1: loops that create models are not supported"),
        ("m = Sequential()\nfor n in (64, 32):\n  m.add(Dense(n))", "Line 2: loops that add layers are not supported"),
        ("def build():\n  return Sequential([Dense(10)])\nm = build()", "Line 1: functions are not supported: write"),
        ("class Net(keras.Model):\n  pass\nm = Net()", "Line 1: classes are not supported: write a Sequential model"),
        ("if big:\n  m = KNeighborsClassifier(9)", "Line 1: conditions are not supported"),
        ("m = KNeighborsClassifier()\ng = GridSearchCV(m, {'p': [1, 2]})", "Line 2: GridSearchCV tries many models"),
        ("VotingClassifier([('a', KNeighborsClassifier())])", "Line 1: VotingClassifier is not supported"),
        ("make_pipeline(RobustScaler(),\n KNeighborsClassifier())", "RobustScaler is not supported before a model"),
        ("make_pipeline(FunctionTransformer(f), KNeighborsClassifier())", "FunctionTransformer would run code"),
        ("make_pipeline(PCA(800), KNeighborsClassifier())", "n_components: 800 is not allowed: give a whole"),
        ("make_pipeline(StandardScaler(), Sequential([Dense(10)]))", "steps before Sequential are not supported"),
        ("make_pipeline(StandardScaler())", "a pipeline must end with a model"),
        ("Pipeline([StandardScaler(), KNeighborsClassifier()])", "write a pipeline's step with its name"),
        ("{'n_jobs': -1}", "Line 1: it is not clear which model these parameters belong to"),
        ("{'knn__n_neighbors': 3, 'svd__rank': 2}", "svd__rank belongs to no supported step"),
        ("KNeighborsClassifier(n_neighbors=3, ...)", "is not Python"),
        ("RandomForestClassifier(...)", "... leaves out parameters"),
        ("Sequential([Dense(10),\n LSTM(3)])", "Line 2: LSTM is not supported: use Input, Conv2D"),
        ("Sequential([layers.Lambda(f), Dense(10)])", "Lambda would run code"),
        ("Sequential([Dense(units) for units in (3, 10)])", "write the layers as a list"),
        ("Sequential([Conv2D(8, 40), Flatten(), Dense(10)])", "kernel_size: 40 is not allowed"),
        ("Sequential([Conv2D(8, 29), Flatten(),\n Dense(10)])", "Line 1: Layer 1 does not fit: Conv2D's window"),
        ("Sequential([Dense(10),\n Conv2D(8, 3)])", "Line 2: Layer 2 does not fit: Conv2D takes height"),
        ("Sequential([Dense(9)])", "ten digits need (10,)"),
        ("m = Sequential([Dense(10)])\nm.compile(optimizer='lion')", "Line 2: the optimizer 'lion' is not supported"),
        ("m = Sequential([Dense(10)])\nm.compile(loss='hinge')", "Line 2: name: 'hinge' is not allowed"),
        ("m = Sequential([Dense(10)])\nm.compile(Adam(ExponentialDecay(1)))", "ExponentialDecay(…) is not a plain"),
        ("m = Sequential([Dense(10)])\nm.fit(x, y)\nm.fit(x, y)", "Line 3: there is a second fit"),
        ("m = Sequential([Dense(10)])\nm.fit(x, y, callbacks=[EarlyStopping()])", "needs a validation_split above 0"),
        ("m = Sequential([Dense(10)])\nm.pop()", "the method pop is not supported"),
        ("i = Input((784,))\no = Dense(10)(i)\nm = keras.Model(i, o)", "Line 3: functional models are not supported"),
        ("nn.Sequential(nn.Flatten(), nn.Linear(784, 10))", "this is PyTorch; here, write the layers as one list"),
        ("Sequential(Flatten(), Dense(10))", "write the layers as one list, as in Keras"),
        ("Sequential([Flatten()] + [Dense(9) for i in a])", "loops that create layers are not supported"),
        ("some = []\nsome.append(Dense(10))\nSequential(some)", "some, which this line changes, is not supported"),
        ("i = Input((784,))\no = Dense(10)(i)", "Line 1: functional models are not supported: write the"),
        ("KNeighborsClassifier(" + "9" * 5_000 + ")", "Line 1: this number is too large"),
        ("OneVsRestClassifier(KNeighborsClassifier(3)).fit(X, y)", "OneVsRestClassifier is not supported"),
        ("clf = SVC(C=3).fit(X, y)", "SVC is not supported"),
        ("[KNeighborsClassifier(k) for k in a]", "Line 1: loops that create models are not supported"),
        ("m = Sequential([Dense(10)])\nm.fit(x, y, validation_data=(a, b), callbacks=[EarlyStopping()])",
         "validation_data is ignored, so there is nothing to monitor: use validation_split=0.1"),
    ],
)  # fmt: skip
def test_unsupported_text_is_refused_with_line_and_cause(text, words):
    assert words in refusal(text)


def test_a_refusal_gives_the_path_of_the_field():
    with pytest.raises(NotationError) as refused:
        read("Sequential([Conv2D(8, 0), Flatten(), Dense(10)])")

    assert [error["field"] for error in refused.value.errors] == ["layers.1.kernel_size"]


def test_a_refusal_says_that_the_limit_is_the_quests():
    text = "RandomForestClassifier(n_estimators=501)"

    assert "501 trees exceed the quest's limit of 500" in refusal(text, limits=Limits(trees=500))


def test_a_model_may_be_an_object_json_or_notation():
    spec = KNN(n_neighbors=4)

    for value in (
        {"family": "knn", "n_neighbors": 4},
        ' {"family": "knn", "n_neighbors": 4}',
        "KNeighborsClassifier(4)",
    ):
        assert model_from(value, dataset="mnist", limits=None).spec == spec


@pytest.mark.parametrize("value", [None, 3, ["knn"], {}, "", "{", "{}", {"family": ["knn"]}, {1: object()}])
def test_a_value_that_is_not_a_model_is_refused(value):
    with pytest.raises(SpecError):
        model_from(value, dataset="mnist", limits=None)


def test_an_f_string_in_a_print_is_harmless():
    reading = read("KNeighborsClassifier()\nprint(f'{score:.5f}')")

    assert reading.harmless == ("line 2: print(f'{score:.5f}')",)


def test_equal_models_of_a_text_are_read_once():
    readings = read_all(
        "a = KNeighborsClassifier(3)\nb = KNeighborsClassifier(n_neighbors=3)\nRandomForestClassifier()"
    )

    assert [(reading.line, reading.spec) for reading in readings] == [(1, KNN(n_neighbors=3)), (3, Forest())]


def test_a_model_in_a_pipeline_counts_on_its_own_only_if_trained():
    piped = "knn = KNeighborsClassifier(3)\n{}pipe = make_pipeline(StandardScaler(), knn)"

    assert len(read_all(piped.format(""))) == 1
    assert len(read_all(piped.format("knn.fit(X, y)\n"))) == 2


def test_dividing_by_255_is_harmless_for_networks_only():
    scaled = "x_train = x_train / 255\n"

    assert not read(f"{scaled}Sequential([Dense(10)])").consequential
    assert read(f"{scaled}KNeighborsClassifier()").consequential


def test_a_name_changed_in_a_loop_or_by_a_method_has_no_known_value():
    assert "Line 2: k, which this line changes," in refusal("k = 3\nfor i in a:\n  k = i\nKNeighborsClassifier(k)")
    assert "write the layers as a list" in refusal("some = []\nsome.append(Dense(10))\nSequential(some)")
    assert parse("k = 3\nk += 1\nKNeighborsClassifier(k)") == KNN(n_neighbors=4)


def test_parameters_in_braces_are_read_as_python_and_specs_as_json():
    spec = KNN(n_neighbors=4)

    assert model_from("{'n_neighbors': 4}").spec == spec
    assert model_from('{"family": "knn", "n_neighbors": 4}').spec == spec
    with pytest.raises(SpecError, match="This is not JSON"):
        model_from('{"family": "knn", ')


def test_a_layer_given_as_activation_comes_after_its_layer():
    inside = network("Sequential([Dense(8, activation=layers.LeakyReLU(0.1)), Dense(10, activation=Softmax())])")
    behind = network("Sequential([Dense(8), LeakyReLU(0.1), Dense(10), Softmax()])")

    assert inside == behind


def test_padding_may_be_upper_case_as_in_keras():
    layer = network('Sequential([Conv2D(4, 3, padding="SAME"), Flatten(), Dense(10)])').layers[1]

    assert isinstance(layer, Conv2D)
    assert layer.padding == "same"


def test_a_list_of_layers_may_be_unpacked_in_another():
    assert network("rest = [Flatten(), Dense(10)]\nSequential([*rest])") == network(
        "Sequential([Flatten(), Dense(10)])"
    )


def test_a_network_of_62_layers_is_not_too_large():
    layers = "".join(
        "model.add(layers.Dense(64, activation='relu', kernel_initializer='he_normal'))\n" for _ in range(60)
    )

    assert len(network(f"model = Sequential()\n{layers}model.add(Dense(10))").layers) == 62
