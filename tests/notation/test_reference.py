"""docs/notation.md is generated from the specs and up to date."""

from __future__ import annotations

from submissions.notation.reference import reference
from submissions.specs.families import offered
from submissions.specs.layer_types import LAYERS
from submissions.specs.preprocessing import STEPS
from tests.stack import PROJECT

WRITTEN = PROJECT / "docs" / "notation.md"


def test_the_reference_is_up_to_date():
    assert WRITTEN.read_text() == reference(), (
        "regenerate it: python -m submissions.notation.reference > docs/notation.md"
    )


def test_the_reference_names_everything_that_can_be_typed():
    text = reference()

    for family in offered():
        assert all(f"| `{name}` |" in text for name in family.spec.model_fields if name != "family")
    assert all(f"**{name}**" in text for name in (*LAYERS, *STEPS))
