"""How the pages write a model."""

import re

import pytest
from django.utils.html import strip_tags

from submissions.templatetags.quest import breakable


@pytest.mark.parametrize(
    ("notation", "parts"),
    [
        ("KNeighborsClassifier(n_neighbors=4, p=1)", ["KNeighborsClassifier(", "n_neighbors=4, p=1)"]),
        ("Sequential([Flatten(), Dense(10)])", ["Sequential(", "[Flatten(), Dense(", "10)])"]),
        ("strides=(2,2)", ["strides=(", "2,", "2)"]),
    ],
)
def test_a_line_of_notation_may_end_behind_a_bracket_or_comma(notation, parts):
    assert breakable(notation).split("<wbr>") == parts


def test_what_it_marks_is_escaped_and_reads_as_before():
    marked = breakable("f(<script>,'x')")

    assert "<script>" not in marked
    assert re.sub("&[^;]+;", "?", strip_tags(marked)) == "f(?script?,?x?)"
