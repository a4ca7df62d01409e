"""Where the notebook client's token comes from, and where it never shows."""

from __future__ import annotations

import os
import pickle
import stat
import sys

import pytest

from mnist_quest import (
    NotSignedIn,
    Quest,
    QuestError,
    login,
)
from tests.client_ways import HERE, QUEUED, answering

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("alone")]


def header(given: str | None = None) -> str:
    """The header of the token that is found where nobody can be asked."""
    token = login.find_token(HERE, given, ask=False)
    assert token
    return token.header()


def test_the_sources_of_a_token_stand_in_order(monkeypatch):
    login.Token("quest_saved").save(HERE)
    headers = [header("quest_given"), header()]
    monkeypatch.setenv("QUEST_TOKEN", "quest_variable")
    headers.append(header())

    assert headers == ["Token quest_given", "Token quest_saved", "Token quest_variable"]
    token = Quest(HERE)._find_token(False)
    assert token
    assert token.header() == "Token quest_variable"


def test_colab_keeps_it_as_a_secret(monkeypatch):
    class Userdata:
        @staticmethod
        def get(name: str) -> str:
            return {"QUEST_TOKEN": "quest_colab"}[name]

    monkeypatch.setitem(sys.modules, "google", type("google", (), {}))
    monkeypatch.setitem(sys.modules, "google.colab", type("colab", (), {"userdata": Userdata}))

    assert header() == "Token quest_colab"


def test_where_nobody_can_be_asked_it_is_said_what_to_do():
    with pytest.raises(NotSignedIn, match=f"set QUEST_TOKEN or run `mnist-quest login {HERE}`"):
        Quest(HERE).run(17)


def test_a_token_shows_itself_nowhere():
    quest = answering(QUEUED)
    run = quest.run(17)
    token = quest._find_token(False)

    shown = [repr(thing) for thing in (quest, token, quest._connection, quest._connection._client.headers, run)]
    assert "secret" not in " ".join(shown) + str(vars(quest)) + str(token)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(token)


def test_a_login_is_kept_for_its_owner_alone(service):
    path = service.login()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Quest().url == HERE


def test_a_login_that_others_can_read_is_not_used(service):
    path = service.login()
    os.chmod(path, 0o644)

    with pytest.raises(QuestError, match=f"chmod 600 {path}"):
        Quest(HERE)._find_token(False)


def test_a_token_that_the_service_does_not_take_is_not_kept(django, quest):
    with pytest.raises(NotSignedIn, match="does not take this token"):
        Quest(HERE, token="quest_wrong", transport=django).login()

    assert not login.login_file().exists()


def test_without_an_address_it_asks_for_one():
    with pytest.raises(QuestError, match="Say where the service is"):
        Quest()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("quest.example.edu", "https://quest.example.edu"),
        ("localhost:8000", "http://localhost:8000"),
        ("https://quest.example.edu/api/v1/", "https://quest.example.edu"),
    ],
)
def test_an_address_may_be_short(given, url):
    assert Quest(given).url == url
