"""Texts as students paste them are read as their files say, and every ignored line is listed."""

from __future__ import annotations

import pytest

from tests.notation.snippets import Snippet, read, snippets, table

ALL = list(snippets())


def test_the_table_lists_every_one_of_more_than_forty_texts():
    assert len(ALL) > 40
    assert len(list(table())) == len(ALL) + 2


@pytest.mark.parametrize("snippet", ALL, ids=lambda snippet: snippet.name)
def test_a_pasted_text_is_read_as_its_file_says(snippet: Snippet):
    assert read(snippet.text) == snippet.expected
