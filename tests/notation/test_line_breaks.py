"""Places where a long line of notation may break on a page."""

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
def test_notation_may_break_after_a_bracket_or_comma(notation, parts):
    assert breakable(notation).split("<wbr>") == parts


def test_marked_notation_is_escaped_and_keeps_its_text():
    marked = breakable("f(<script>,'x')")

    assert "<script>" not in marked
    assert re.sub("&[^;]+;", "?", strip_tags(marked)) == "f(?script?,?x?)"
