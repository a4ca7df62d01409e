"""The notebook client against the service itself, in this process; where no service is needed, against answers."""

from __future__ import annotations

import os
import pickle
import stat
import sys
from importlib.util import find_spec
from typing import Any

import httpx
import pandas
import pytest

import mnist_quest
from config.version import RELEASE
from mnist_quest import (
    CannotReach,
    ClientTooOld,
    NotSignedIn,
    Quest,
    QuestError,
    QuestWarning,
    Refused,
    RunFailed,
    ServiceTrouble,
    TryLater,
    login,
)
from submissions.api.representations import SubmissionWhole
from submissions.models import Submission
from tests.cast import client_of
from tests.in_process import InProcess

HERE = "http://testserver"
TEXT = "KNeighborsClassifier(n_neighbors=4)"
QUEUED = {
    "id": 17, "state": "queued", "score": None, "reason": "", "model": TEXT, "page": f"{HERE}/submissions/17/",
    "timing": None, "hardware": None, "position": 1, "progress": {},
}  # fmt: skip
RUNNING = {**QUEUED, "state": "running", "progress": {"phase": "fit", "epoch": 2, "epochs": 5, "done": 0.4}}
TIMES = {"train": 1.5, "predict": 0.5}
SCORED = {**QUEUED, "state": "scored", "score": 0.9714, "timing": TIMES, "hardware": {"label": "EPYC"}}


@pytest.fixture(autouse=True)
def nothing_around(tmp_path, monkeypatch) -> None:
    """No saved login, no variables, and no pauses."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("QUEST_TOKEN", "QUEST_URL", "QUEST_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture
def django(db) -> InProcess:
    return InProcess()


@pytest.fixture
def service(django, owner_token, quest) -> Quest:
    return Quest(HERE, token=owner_token, transport=django)


def answering(*answers: Any, seen: list[httpx.Request] | None = None) -> Quest:
    """A quest at which these answers come in turn: JSON, a whole response, or an error on the way."""
    left = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        answer = next(left)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    return Quest(HERE, token="quest_secret", transport=httpx.MockTransport(handle))


def trouble(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"field": "", "message": "Later."}]}, headers=headers)


# --- the token ---


def test_the_sources_of_a_token_stand_in_order(monkeypatch):
    login.Token("quest_saved").save(HERE)
    headers = [
        login.find_token(HERE, "quest_given", ask=False).header(),
        login.find_token(HERE, None, ask=False).header(),
    ]
    monkeypatch.setenv("QUEST_TOKEN", "quest_variable")
    headers.append(login.find_token(HERE, None, ask=False).header())

    assert headers == ["Token quest_given", "Token quest_saved", "Token quest_variable"]
    assert Quest(HERE)._find_token(False).header() == "Token quest_variable"


def test_colab_keeps_it_as_a_secret(monkeypatch):
    class Userdata:
        @staticmethod
        def get(name: str) -> str:
            return {"QUEST_TOKEN": "quest_colab"}[name]

    monkeypatch.setitem(sys.modules, "google", type("google", (), {}))
    monkeypatch.setitem(sys.modules, "google.colab", type("colab", (), {"userdata": Userdata}))

    assert login.find_token(HERE, None, ask=False).header() == "Token quest_colab"


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


# --- submitting ---


def test_a_submission_comes_back_as_a_run(service):
    run = service.submit(TEXT, note="from a test")

    assert (run.state, run.model, run.score, run.training_time) == ("queued", TEXT, None, None)
    assert Submission.objects.get(pk=run.id).note == "from a test"
    assert repr(run) == f"<Run {run.id} is queued, number 1 in line: {TEXT}>"


def test_a_retry_after_a_lost_answer_submits_once(django, owner_token, quest):
    class Forgetful(httpx.BaseTransport):
        lost = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = django.handle_request(request)
            if self.lost < 2:
                self.lost += 1
                raise httpx.ReadError("the line went dead")
            return answer

    run = Quest(HERE, token=owner_token, transport=Forgetful()).submit(TEXT)

    assert [run.id] == list(Submission.objects.values_list("pk", flat=True))


def test_a_refusal_names_each_field(service):
    with pytest.raises(Refused, match=r"model\.n_neighbors: ") as refusal:
        service.submit({"family": "knn", "n_neighbors": 0})

    assert refusal.value.status == 400
    assert refusal.value.errors[0][0] == "model.n_neighbors"
    assert str(pickle.loads(pickle.dumps(refusal.value))) == str(refusal.value)


def test_a_quota_that_is_used_up_says_when_to_come_back(service, quest):
    quest.daily_quota = 1
    quest.save()
    service.submit(TEXT)

    with pytest.raises(TryLater) as refusal:
        service.submit(TEXT)

    assert refusal.value.retry_after > 0
    assert service.quota()[0]["left"] == 0


def test_what_changes_the_score_is_warned_of():
    told = {"harmless": ["line 1: import keras"], "consequential": ["line 3: x_train[:1000]"]}

    with pytest.warns(QuestWarning, match=r"changes your score:\n  line 3: x_train\[:1000\]"):
        answering({**QUEUED, "left_aside": told}).submit(TEXT)


# --- connections ---


def test_trouble_that_passes_is_waited_out(monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    seen: list[httpx.Request] = []
    answers = (httpx.ConnectError("refused"), trouble(503), trouble(429, **{"Retry-After": "7"}), QUEUED)

    assert answering(*answers, seen=seen).submit(TEXT).id == 17
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert len(seen) == 4
    assert pauses[0] < pauses[1] < pauses[2] == 7


def test_a_long_wait_is_told_and_not_waited_for():
    with pytest.raises(TryLater) as refusal:
        answering(trouble(429, **{"Retry-After": "3600"})).run(17)

    assert refusal.value.retry_after == 3600


def test_trouble_that_stays_is_told():
    with pytest.raises(ServiceTrouble, match=r"trouble of its own \(500\)"):
        answering(*[trouble(500)] * 5).run(17)


def test_a_service_that_is_not_there_is_said_to_be_out_of_reach():
    with pytest.raises(CannotReach, match=r"Cannot reach http://127\.0\.0\.1:1 .*notation\(model\) works offline"):
        Quest("http://127.0.0.1:1").leaderboard()


def test_something_else_at_that_address_is_said_to_be_that():
    with pytest.raises(CannotReach, match="is not a Search Quest"):
        answering(httpx.Response(200, html="<h1>Welcome to the library</h1>")).run(17)
    with pytest.raises(CannotReach, match="sends on to https://elsewhere"):
        answering(httpx.Response(301, headers={"Location": "https://elsewhere.example.edu/"})).run(17)


def test_a_client_that_is_too_old_is_told_how_to_update_and_does_nothing(django, owner_token, quest, monkeypatch):
    monkeypatch.setattr(mnist_quest, "__version__", "0.0.9")
    old = Quest(HERE, token=owner_token, transport=django)

    with pytest.raises(ClientTooOld, match=rf"pip install --upgrade {HERE}/client/mnist_quest-.*\.whl"):
        old.submit(TEXT)
    assert not Submission.objects.exists()


def test_client_and_service_have_one_version():
    assert mnist_quest.__version__ == RELEASE


# --- runs ---


def test_a_run_is_followed_to_its_score(capsys):
    run = answering(QUEUED, QUEUED, RUNNING, SCORED).run(17).wait()

    assert (run.score, run.training_time, run.scoring_time, run.hardware) == (0.9714, 1.5, 0.5, "EPYC")
    assert capsys.readouterr().err.splitlines() == [
        "Run 17 is queued, number 1 in line",
        "Run 17 is training, epoch 2 of 5",
        "Run 17 scored 0.97140, trained in 1.50 s on EPYC",
    ]


def test_an_outage_does_not_end_the_waiting():
    outage = [httpx.ConnectError("refused")] * 12

    assert answering(RUNNING, *outage, SCORED).run(17).wait(progress=False).score == 0.9714


def test_a_run_that_failed_raises_its_reason():
    failed = {**QUEUED, "state": "failed", "reason": "It needs more memory than the quest allows."}

    with pytest.raises(RunFailed, match="Run 17 failed: It needs more memory") as error:
        answering(RUNNING, failed).run(17).wait(progress=False)

    assert error.value.run.state == "failed"


def test_interrupting_leaves_the_run_going_and_says_so(capsys):
    quest = answering(RUNNING, KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        quest.run(17).wait()

    said = capsys.readouterr().err
    assert "Run 17 goes on without you." in said
    assert "quest.run(17).wait() watches it again, quest.run(17).cancel() ends it." in said


def test_patience_ends_without_ending_the_run():
    with pytest.raises(TimeoutError, match="still running; it goes on"):
        answering(RUNNING, *[RUNNING] * 3).run(17).wait(0, progress=False)


def test_a_run_is_cancelled_and_one_that_has_ended_stays_as_it_is(service, submission):
    run = service.run(submission.pk)

    assert run.cancel().state == "cancelled"
    assert run.cancel().state == "cancelled"


def test_a_run_in_a_notebook_escapes_what_is_in_it():
    hostile = {**SCORED, "model": "<script>", "hardware": {"label": "<b>"}, "page": 'http://x/"><script>'}

    shown = answering(hostile).run(17)._repr_html_()

    assert "<script>" not in shown
    assert "0.97140" in shown


def test_runs_come_page_by_page_newest_first(service, submit):
    made = [submit({"family": "knn", "n_neighbors": number}).pk for number in range(1, 6)]

    assert [run.id for run in service.runs()] == made[::-1]
    assert [run.id for run in service.runs(2)] == made[:2:-1]
    assert "queued" in str(service.runs())
    assert list(service.runs().table()["run"]) == made[::-1]


def test_every_page_is_asked_for():
    pages = ({"results": [QUEUED] * 100, "next": "https://other.example.edu/api/v1/submissions/?cursor=abc&limit=100"},)
    seen: list[httpx.Request] = []

    runs = answering(*pages, {"results": [SCORED] * 3, "next": None}, seen=seen).runs(200)

    assert len(runs) == 103
    assert str(seen[1].url) == f"{HERE}/api/v1/submissions/?cursor=abc&limit=100"


# --- board and feed ---


@pytest.fixture
def scored(submission, score) -> Submission:
    return score(submission, 350)


def test_the_board_is_a_data_frame(service, scored):
    board = service.leaderboard()

    assert isinstance(board, pandas.DataFrame)
    assert board.iloc[0].to_dict() | {"rank": 1, "group": "ITMALGrp01", "training_time": 1.5} == board.iloc[0].to_dict()


def test_without_pandas_the_board_is_rows(service, scored, monkeypatch):
    monkeypatch.setattr("mnist_quest.tables.find_spec", lambda name: None if name == "pandas" else find_spec(name))

    board = service.leaderboard(family="knn")

    assert board[0]["group"] == "ITMALGrp01"
    assert str(board).splitlines()[0].startswith("rank  group")
    assert "<td>ITMALGrp01</td>" in board._repr_html_()


def test_board_and_feed_need_no_token(django, scored):
    stranger = Quest(HERE, transport=django)

    assert len(stranger.leaderboard()) == 1
    assert "ITMALGrp01: best: dat=digits, score=0.97222" in str(stranger.feed())


def test_a_model_can_be_looked_at_first(service):
    assert service.validate(TEXT)["spec"]["n_neighbors"] == 4
    assert not Submission.objects.exists()


# --- what the client relies on ---


def test_what_a_run_reads_is_what_the_service_answers():
    assert set(QUEUED) <= set(SubmissionWhole.Meta.fields)


def test_the_page_has_the_line_that_installs_it(client, db):
    page = client.get("/client/").content.decode()

    assert f"pip install {HERE}/client/mnist_quest-{RELEASE}-py3-none-any.whl" in page


def test_everyone_may_have_the_wheel_and_only_the_current_one(owner, client):
    name = f"/client/mnist_quest-{RELEASE}-py3-none-any.whl"

    for visitor in (client, client_of(owner)):
        assert visitor.get(name).content.startswith(b"PK")
        assert visitor.get("/client/mnist_quest-0.0.9-py3-none-any.whl").status_code == 404
