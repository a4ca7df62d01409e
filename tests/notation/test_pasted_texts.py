"""Texts as students paste them are understood as their files say, and nothing in them is lost without a word."""

from __future__ import annotations

import pytest

from tests.notation.snippets import Snippet, read, snippets, table

ALL = list(snippets())


def test_there_are_more_than_forty_of_them_and_a_table_of_all():
    assert len(ALL) > 40
    assert len(list(table())) == len(ALL) + 2


@pytest.mark.parametrize("snippet", ALL, ids=lambda snippet: snippet.name)
def test_a_pasted_text_is_understood(snippet: Snippet):
    assert read(snippet.text) == snippet.said
