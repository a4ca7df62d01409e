"""A family added by one file, as docs/adding-a-family.md says, on a service of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.stack import PROJECT, Stack, running

pytestmark = [pytest.mark.trains, pytest.mark.long, pytest.mark.timeout(300)]

GUIDE = PROJECT / "docs" / "adding-a-family.md"
MODEL = "NearestCentroid(metric='manhattan')"


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, digits_home: Path) -> Iterator[Stack]:
    """The service with the guide's family, and no other file changed."""
    folder = tmp_path_factory.mktemp("families")
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
    assert code
    (folder / "centroid.py").write_text(code[1])
    home = tmp_path_factory.mktemp("extended")
    with running(home, digits_home, QUEST_FAMILIES="centroid", PYTHONPATH=str(folder)) as stack:
        yield stack


def test_an_added_family_is_submitted_by_notation_trained_and_on_the_board(extended):
    from sklearn.datasets import load_digits
    from sklearn.neighbors import NearestCentroid

    run = extended.wait(extended.submit(MODEL), seconds=120)

    images, labels = load_digits(return_X_y=True)
    direct = NearestCentroid(metric="manhattan").fit(images[:1437], labels[:1437])
    assert (run["state"], run["model"]) == ("scored", MODEL), run["reason"]
    assert run["score"] == pytest.approx(direct.score(images[1437:], labels[1437:]), abs=1e-12)
    board = extended.ask("GET", "/?family=centroid").body.replace("<wbr>", "")  # where a long line may break
    assert MODEL.replace("'", "&#x27;") in board


def test_an_added_family_is_validated_like_the_others(extended):
    refused = extended.ask("POST", "/api/v1/submissions/", {"model": {"family": "centroid", "metric": "cosine"}})

    assert refused.status == 400
    assert [error["field"] for error in refused.body["errors"]] == ["model.metric"]


def test_an_added_family_has_a_form(extended):
    with httpx.Client(base_url=extended.url, follow_redirects=True) as visitor:
        visitor.get("/login/")
        login = {"username": "itmalgrp01", "password": extended.logins["itmalgrp01"][0]}
        visitor.post("/login/", data={**login, "csrfmiddlewaretoken": visitor.cookies["csrftoken"]})
        page = visitor.get("/submit/?way=centroid").text

    assert "Nearest centroid" in page
    assert 'name="model_shrink_threshold"' in page
    assert "distance from an image to a mean image" in page
