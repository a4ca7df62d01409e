"""The registry of model families: the built-in ones, and one that a test adds."""

from __future__ import annotations

import inspect
from typing import Annotated, Literal

import pytest
from pydantic import Field

from submissions.notation.reader import NotationError, parse, read
from submissions.notation.writer import headline, render
from submissions.specs import cost, families
from submissions.specs.families import Family, family_of, register
from submissions.specs.forest import Forest
from submissions.specs.knn import KNN
from submissions.specs.spec import DATASETS, Images, Spec, SpecError, described, dump
from submissions.specs.validation import validate


class Guess(Spec):
    family: Literal["guess"] = "guess"
    digit: Annotated[int, Field(ge=0, le=9)] = Field(7, description="the answer for every image")
    odds: tuple[float, ...] = ()


@pytest.fixture
def guess():
    """Registers a family for the duration of the test."""

    def add(*, offered: bool = True) -> Family:
        words = described(Guess)
        return register(
            Family(
                name="guess",
                label="A guess",
                spec=Guess,
                constructor="Guesser",
                builder="x:y",
                help=words,
                offered=offered,
            )
        )

    yield add
    families.unregister("guess")


@cost.size.register
def _size(spec: Guess) -> tuple[str, float]:
    return "guess", 1.0 + spec.digit


@cost.estimated_seconds.register
def _estimated_seconds(spec: Guess, images: Images, *, accelerated: bool) -> float:
    return images.test * 1e-6


def test_an_added_family_registers_its_size_and_estimate():
    assert cost.size(Guess(digit=3)) == ("guess", 4.0)
    assert cost.estimated_seconds(Guess(), DATASETS["mnist"], accelerated=False) == pytest.approx(0.01)


def test_a_family_without_a_formula_is_never_estimated():
    class Plain(Spec):
        family: Literal["plain"] = "plain"

    assert cost.size(Plain()) == ("", 1.0)
    assert cost.estimated_seconds(Plain(), DATASETS["mnist"], accelerated=False) is None


def test_the_built_in_families_come_first_and_in_order(guess):
    guess()

    assert [family.name for family in families.all_families()][:3] == ["knn", "forest", "cnn"]
    assert families.all_families()[-1].name == "guess"


def test_a_family_is_added_without_touching_another_file(guess):
    guess()
    spec = Guess(digit=3, odds=(0.5, 1.0))

    assert validate({"family": "guess", "digit": 3, "odds": [0.5, 1]}) == spec
    assert render(spec) == "Guesser(digit=3, odds=(0.5, 1.0))"
    assert parse(render(spec)) == spec
    assert headline(spec) == render(spec)
    assert family_of(spec).help == {"digit": "the answer for every image"}


def test_an_added_familys_refusals_say_what_is_allowed(guess):
    guess()

    with pytest.raises(NotationError) as refused:
        read("Guesser(digit=10)")

    assert refused.value.errors == [
        {
            "field": "digit",
            "message": "Line 1: digit: 10 is not allowed: give a whole number from 0 to 9. The service's limit is 9.",
        }
    ]


def test_a_family_that_is_not_offered_cannot_be_submitted(guess):
    guess(offered=False)

    with pytest.raises(SpecError):
        validate({"family": "guess"})
    with pytest.raises(SpecError):
        read("Guesser()")
    assert validate({"family": "guess"}, offered_only=False) == Guess()


@pytest.mark.parametrize("family", families.all_families(), ids=lambda family: family.name)
def test_every_field_has_a_line_of_help(family):
    assert set(family.help) == set(family.spec.model_fields) - {"family"}


def test_every_preset_is_a_valid_spec_by_name():
    presets = {name: spec for family in families.offered() for name, spec in family.presets.items()}

    assert {"LeNet-5", "LeNet-5-like", "Dense net 512", "Dense net 4096"} < set(presets)
    assert {"K nearest neighbours, defaults", "Random forest, defaults"} < set(presets)
    for spec in presets.values():
        assert validate(dump(spec), dataset=None) == spec


def test_the_specs_have_every_parameter_of_scikit_learn_with_its_default():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier

    for estimator, spec in ((RandomForestClassifier, Forest), (KNeighborsClassifier, KNN)):
        only = family_of(spec()).only
        theirs = {name: parameter.default for name, parameter in inspect.signature(estimator).parameters.items()}
        assert theirs == {**spec().arguments(), **only}
