"""An engine added by one file, as docs/adding-an-engine.md describes, in a service of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from submissions.models import Quest
from submissions.specs import engines
from tests.stack import PROJECT, Stack, running

pytestmark = pytest.mark.slow

GUIDE = PROJECT / "docs" / "adding-an-engine.md"
MODEL = "KNeighborsClassifier(n_neighbors=3)"


@pytest.fixture
def kd():
    """An engine that is registered for the duration of the test."""
    yield engines.register(engines.EngineChoice(name="kd", label="kd: by a tree", implementation="x:y"))
    engines.unregister("kd")


def test_every_policy_follows_from_the_registered_engines(kd):
    policies = dict(engines.policy_choices())

    assert policies["accelerated"] == "accelerated, unless a group asks for stock or kd"
    assert policies["kd_only"] == "kd only"
    assert engines.allowed("kd") == ("kd", "accelerated", "stock")
    assert engines.allowed("kd_only") == ("kd",)


def test_a_quest_whose_engine_was_removed_accepts_the_remaining_ones():
    assert engines.allowed("kd") == engines.allowed("kd_only") == ("accelerated", "stock")


@pytest.mark.parametrize("name", ["", "two words", "stock_only", "a" * 16])
def test_a_name_that_does_not_fit_a_policy_is_refused(name):
    with pytest.raises(ValueError, match="is not a valid engine name"):
        engines.register(engines.EngineChoice(name=name, label="x", implementation="x:y"))


@pytest.mark.django_db
def test_a_quest_may_choose_an_added_engine_and_a_group_submits_to_it(kd, quest, submit):
    quest.engine_policy = "kd"
    quest.full_clean()
    quest.save()

    assert submit().engine == "kd"
    assert submit({"family": "knn", "n_neighbors": 7}, engine="stock").engine == "stock"
    assert (
        Quest.objects.get(pk=quest.pk).get_engine_policy_display() == "kd, unless a group asks for accelerated or stock"
    )


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, digits_home: Path) -> Iterator[Stack]:
    """The service with the guide's engine, and no other file changed."""
    folder = tmp_path_factory.mktemp("engines")
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
    assert code
    (folder / "kd_engine.py").write_text(code[1])
    home = tmp_path_factory.mktemp("extended")
    with running(home, digits_home, QUEST_ENGINES="kd_engine", PYTHONPATH=str(folder)) as stack:
        yield stack


@pytest.mark.trains
@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_added_engine_can_be_requested_computes_and_is_named_on_the_board(extended):
    run = extended.wait(extended.submit(MODEL, engine="kd"), seconds=120)
    usual = extended.wait(extended.submit(MODEL, engine="stock"), seconds=120)

    assert run["state"] == "scored", run["reason"]
    assert (run["engine"], run["score"]) == ("kd", usual["score"])
    assert "(k-d tree)" in extended.ask("GET", "/?show=all").body
    assert extended.ask("GET", "/api/v1/quests/").body["results"][0]["engines"] == ["accelerated", "stock", "kd"]
