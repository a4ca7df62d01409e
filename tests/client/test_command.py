"""`mnist-quest` as scripts use it: what it prints, and with which code it ends."""

from __future__ import annotations

import io
import json
import sys

import pytest

from mnist_quest import Quest, command
from mnist_quest.errors import CannotReach
from submissions.models import State, Submission
from tests.notebook_client import InProcess
from tests.stack import PROJECT

pytestmark = pytest.mark.slow

HERE = "http://testserver"
TEXT = "KNeighborsClassifier(n_neighbors=4)"


@pytest.fixture(autouse=True)
def at_a_terminal_of_its_own(db, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("QUEST_URL", HERE)
    monkeypatch.delenv("QUEST_TOKEN", raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(command, "Quest", lambda *given, **more: Quest(*given, transport=InProcess(), **more))


@pytest.fixture
def signed_in(owner_token, quest, monkeypatch) -> None:
    monkeypatch.setenv("QUEST_TOKEN", owner_token)


@pytest.fixture
def said(capsys):
    """Runs the command; its exit code, and what it printed, as JSON where it was asked for that."""

    def run(*arguments: str):
        code = command.main(arguments)
        output = capsys.readouterr()
        return code, json.loads(output.out) if "--json" in arguments else output.out + output.err

    return run


@pytest.mark.usefixtures("signed_in")
def test_text_is_submitted(said):
    code, text = said("submit", TEXT, "--note", "by command")

    submission = Submission.objects.get()
    assert code == 0
    assert f"Run {submission.pk} is queued" in text
    assert (submission.notation, submission.note) == (TEXT, "by command")


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.py", f"from sklearn.neighbors import *\nmodel = {TEXT}\n"),
        ("spec.json", '{"family": "knn", "n_neighbors": 4}'),
        (
            "work.ipynb",
            json.dumps(
                {
                    "cells": [
                        {"cell_type": "markdown", "source": "# Mine"},
                        {"cell_type": "code", "source": ["%pip install x\n", "import sklearn\n"]},
                        {"cell_type": "code", "source": f"model = {TEXT}"},
                    ]
                }
            ),
        ),
    ],
)
def test_a_file_is_submitted(said, tmp_path, name, content):
    (tmp_path / name).write_text(content)

    code, data = said("submit", str(tmp_path / name), "--json")

    assert (code, data["model"]) == (0, TEXT)


@pytest.mark.usefixtures("signed_in")
def test_standard_input_is_submitted(said, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(TEXT))

    assert said("submit", "-", "--json")[1]["model"] == TEXT


@pytest.mark.usefixtures("signed_in")
def test_a_run_is_shown_and_cancelled(said, submission):
    number = str(submission.pk)

    assert "is queued, number 1 in line" in said("status", number)[1]
    assert said("status", "--json")[1][0]["id"] == submission.pk
    assert said("cancel", number, "--json") == (0, said("status", number, "--json")[1])
    assert Submission.objects.get().state == State.CANCELLED


@pytest.mark.usefixtures("signed_in")
def test_watching_ends_with_the_run(said, submission, score, submit):
    score(submission, 350)
    cancelled = submit({"family": "knn", "n_neighbors": 9})
    said("cancel", str(cancelled.pk))

    code, text = said("watch", str(submission.pk))
    assert (code, f"Run {submission.pk} scored 0.97222, trained in 1.50 s on AMD EPYC" in text) == (0, True)
    code, text = said("watch", str(cancelled.pk))
    assert (code, f"Run {cancelled.pk} was cancelled" in text) == (6, True)
    code, data = said("watch", str(cancelled.pk), "--json")
    assert (code, data["state"]) == (6, "cancelled")


@pytest.mark.usefixtures("signed_in")
def test_board_feed_and_quota_are_tables(said, submission, score):
    score(submission, 350)

    assert "ITMALGrp01" in said("board")[1]
    assert said("board", "--json")[1][0]["score"] == pytest.approx(350 / 360)
    assert "dat=digits, score=0.97222" in said("feed")[1]
    assert said("quota", "--json")[1] == [
        {"quest": "Digits quest", "group": "ITMALGrp01", "limit": 50, "used": 1, "left": 49, "next_at": None}
    ]


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("submit", "KNeighborsClassifier(n_neighbors=0)"), 3, "n_neighbors"),
        (("submit", "missing.py"), 3, "There is no file missing.py"),
        (("status", "4711"), 3, "You have no submission 4711"),
    ],
)
def test_a_refusal_has_its_exit_code_and_message(said, arguments, code, says):
    ended, text = said(*arguments)
    assert (ended, says in text) == (code, True)

    ended, data = said(*arguments, "--json")
    assert (ended, says in str(data["errors"])) == (code, True)


def test_without_a_token_it_says_how_to_log_in(said, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    code, text = said("quota")

    assert code == 4
    assert f"mnist-quest login {HERE}" in text


@pytest.mark.usefixtures("signed_in")
def test_a_used_up_quota_has_its_own_exit_code(said, quest):
    quest.daily_quota = 1
    quest.save()
    said("submit", TEXT)

    assert said("submit", TEXT)[0] == 7


def test_no_connection_has_its_own_exit_code(said, monkeypatch):
    monkeypatch.setattr(command, "Quest", Quest)

    assert said("board", "--url", "http://127.0.0.1:1")[0] == 5


def test_a_token_from_standard_input_is_saved(said, monkeypatch, owner_token, quest):
    monkeypatch.setattr(sys, "stdin", io.StringIO(owner_token + "\n"))

    code, text = said("login", HERE)

    assert code == 0
    assert owner_token not in text
    assert said("quota")[0] == 0


def test_a_wrong_command_line_is_explained():
    with pytest.raises(SystemExit) as ended:
        command.main(["fetch"])

    assert ended.value.code == 2


def test_the_guide_names_every_command_and_every_exit_code():
    guide = (PROJECT / "docs" / "client.md").read_text()

    for code in {code for _kind, code in command.EXIT_CODES} | {0, 1, 2, 130}:
        assert f"| {code} |" in guide
    for name in ("login", "submit", "status", "watch", "cancel", "board", "feed", "quota"):
        assert f"mnist-quest {name}" in guide


@pytest.mark.usefixtures("signed_in")
def test_a_notebook_is_sent_without_its_cells_in_other_languages(said, tmp_path):
    cells = ["%%bash\nls", "%time clf = KNeighborsClassifier(n_neighbors=4)\n!ls", "%%html\n<b>"]
    content = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    (tmp_path / "work.ipynb").write_text(json.dumps(content))

    code, data = said("submit", str(tmp_path / "work.ipynb"), "--json")

    assert (code, data["model"]) == (0, TEXT)
    assert data["left_aside"]["harmless"] == ["line 1: %time", "line 2: !ls"]


@pytest.mark.usefixtures("signed_in")
def test_json_is_one_document_even_where_the_connection_is_lost(said, submission, monkeypatch):
    def lost(self, **more):
        raise CannotReach("Cannot reach it.")

    monkeypatch.setattr("mnist_quest.run.Run.wait", lost)

    code, data = said("watch", str(submission.pk), "--json")

    assert (code, data) == (5, {"errors": [{"field": "", "message": "Cannot reach it."}]})


@pytest.mark.parametrize("arguments", [("board", "--limit", "0"), ("feed", "--limit", "-1"), ("feed", "--limit", "x")])
def test_a_limit_below_one_is_a_wrong_command_line(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)

    assert ended.value.code == 2
    assert "give 1 or more" in capsys.readouterr().err
