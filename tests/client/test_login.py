"""Where the notebook client's token comes from, and where it never shows."""

from __future__ import annotations

import os
import pickle
import stat
import sys

import httpx
import pytest

from mnist_quest import (
    NotSignedIn,
    Quest,
    QuestError,
    login,
)
from tests.notebook_client import HERE, QUEUED, answering

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("clean_environment")]


def header(given: str | None = None) -> str:
    """The header of the token that is found without a prompt."""
    token = login.find_token(HERE, given, ask=False)
    assert token
    return token.header()


def test_the_sources_of_a_token_are_tried_in_order(monkeypatch):
    login.Token("quest_saved").save(HERE)
    headers = [header("quest_given"), header()]
    monkeypatch.setenv("QUEST_TOKEN", "quest_variable")
    headers.append(header())

    assert headers == ["Token quest_given", "Token quest_saved", "Token quest_variable"]

    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=QUEUED)

    Quest(HERE, transport=httpx.MockTransport(answer)).run(17)
    assert seen[0].headers["Authorization"] == "Token quest_variable"


def test_a_colab_secret_is_used(monkeypatch):
    class Userdata:
        @staticmethod
        def get(name: str) -> str:
            return {"QUEST_TOKEN": "quest_colab"}[name]

    monkeypatch.setitem(sys.modules, "google", type("google", (), {}))
    monkeypatch.setitem(sys.modules, "google.colab", type("colab", (), {"userdata": Userdata}))

    assert header() == "Token quest_colab"


def test_without_anyone_to_ask_the_error_says_what_to_do():
    with pytest.raises(NotSignedIn, match=f"set QUEST_TOKEN or run `mnist-quest login {HERE}`"):
        Quest(HERE).run(17)


def test_a_token_is_never_shown():
    quest = answering(QUEUED)
    run = quest.run(17)
    (token,) = (part for part in vars(quest).values() if isinstance(part, login.Token))

    parts = [quest, run, *vars(quest).values(), *vars(run).values()]
    parts += [inner for part in parts for inner in getattr(part, "__dict__", {}).values()]
    headers = [part.headers for part in parts if isinstance(part, httpx.Client)]
    assert headers
    assert "secret" not in " ".join(map(repr, [*parts, *headers])) + str(vars(quest)) + str(token)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(token)


def test_a_saved_login_is_readable_by_its_owner_only(service):
    path = service.login()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Quest().url == HERE


def test_a_login_that_others_can_read_is_not_used(service):
    path = service.login()
    os.chmod(path, 0o644)

    with pytest.raises(QuestError, match=f"chmod 600 {path}"):
        Quest(HERE).run(17)


def test_a_refused_token_is_not_saved(in_process, quest):
    with pytest.raises(NotSignedIn, match="does not accept this token"):
        Quest(HERE, token="quest_wrong", transport=in_process).login()

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
