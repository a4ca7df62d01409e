"""The notebook client submits and asks: at the service itself, and through trouble on the way."""

from __future__ import annotations

import pickle
import re
from importlib.util import find_spec

import httpx
import pandas
import pytest

import mnist_quest
from config.version import RELEASE
from mnist_quest import (
    CannotReach,
    ClientTooOld,
    Quest,
    QuestWarning,
    Refused,
    ServiceTrouble,
    TryLater,
)
from submissions import client_wheel
from submissions.api.representations import SubmissionWhole
from submissions.models import Submission
from tests.cast import client_of
from tests.notebook_client import HERE, QUEUED, TEXT, answering, error_response

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("clean_environment")]


def test_a_submission_comes_back_as_a_run(service):
    run = service.submit(TEXT, note="from a test")

    assert (run.state, run.model, run.score, run.training_time) == ("queued", TEXT, None, None)
    assert Submission.objects.get(pk=run.id).note == "from a test"
    assert repr(run) == f"<Run {run.id} is queued, number 1 in line: {TEXT}>"


def test_a_retry_after_a_lost_answer_submits_once(in_process, owner_token, quest):
    class Forgetful(httpx.BaseTransport):
        lost = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = in_process.handle_request(request)
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

    assert (refusal.value.retry_after or 0) > 0
    assert service.quota()[0]["left"] == 0


def test_ignored_lines_that_may_change_the_score_raise_a_warning():
    told = {"harmless": ["line 1: import keras"], "consequential": ["line 3: x_train[:1000]"]}

    with pytest.warns(QuestWarning, match=r"may change your score:\n  line 3: x_train\[:1000\]"):
        answering({**QUEUED, "left_aside": told}).submit(TEXT)


def test_a_passing_error_is_retried(monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    seen: list[httpx.Request] = []
    answers = (httpx.ConnectError("refused"), error_response(503), error_response(429, **{"Retry-After": "7"}), QUEUED)

    assert answering(*answers, seen=seen).submit(TEXT).id == 17
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert len(seen) == 4
    assert pauses[0] < pauses[1] < pauses[2] == 7


def test_a_long_retry_after_is_raised_instead_of_awaited():
    with pytest.raises(TryLater) as refusal:
        answering(error_response(429, **{"Retry-After": "3600"})).run(17)

    assert refusal.value.retry_after == 3600


def test_a_lasting_error_is_raised():
    with pytest.raises(ServiceTrouble, match=r"internal error \(500\)"):
        answering(*[error_response(500)] * 5).run(17)


def test_an_unreachable_service_is_reported_with_advice():
    with pytest.raises(CannotReach, match=r"Cannot reach http://127\.0\.0\.1:1 .*notation\(model\) works offline"):
        Quest("http://127.0.0.1:1").leaderboard()


def test_another_server_at_that_address_is_reported():
    with pytest.raises(CannotReach, match="is not a Search Quest"):
        answering(httpx.Response(200, html="<h1>Welcome to the library</h1>")).run(17)
    with pytest.raises(CannotReach, match="redirects to https://elsewhere"):
        answering(httpx.Response(301, headers={"Location": "https://elsewhere.example.edu/"})).run(17)


def test_an_outdated_client_learns_how_to_update_and_submits_nothing(in_process, owner_token, quest, monkeypatch):
    monkeypatch.setattr(mnist_quest, "__version__", "0.0.9")
    old = Quest(HERE, token=owner_token, transport=in_process)

    with pytest.raises(
        ClientTooOld, match=rf"pip install --upgrade --no-index .*--find-links {HERE}/client/ mnist-quest"
    ):
        old.submit(TEXT)
    assert not Submission.objects.exists()


def test_client_and_service_have_one_version():
    assert mnist_quest.__version__ == RELEASE


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


def test_board_and_feed_need_no_token(in_process, scored):
    stranger = Quest(HERE, transport=in_process)

    assert len(stranger.leaderboard()) == 1
    assert "ITMALGrp01: best: dat=digits, score=0.97222" in str(stranger.feed())


def test_a_model_can_be_validated_first(service):
    assert service.validate(TEXT)["spec"]["n_neighbors"] == 4
    assert not Submission.objects.exists()


def test_a_run_reads_only_fields_that_the_service_has():
    assert set(QUEUED) <= set(SubmissionWhole.Meta.fields)


def test_the_page_has_the_command_that_installs_the_client(client, db):
    page = client.get("/client/").content.decode()

    assert f"pip install --no-index --trusted-host testserver --find-links {HERE}/client/ mnist-quest" in page
    assert re.findall(r'href="/client/(httpx|mnist_quest)-', page) == ["mnist_quest", "httpx"]


@pytest.fixture
def without_companions(monkeypatch, tmp_path):
    monkeypatch.setattr(client_wheel, "COMPANIONS", tmp_path)
    client_wheel.companions.cache_clear()
    yield
    client_wheel.companions.cache_clear()


@pytest.mark.usefixtures("without_companions")
def test_a_service_without_httpxs_wheel_names_the_package_index(client, db):

    page = client.get("/client/").content.decode()

    assert f"pip install {HERE}/client/mnist_quest-{RELEASE}-py3-none-any.whl" in page
    assert "pip also installs httpx from a package index" in page


@pytest.mark.parametrize("address", ["/client/", "/client/x.whl", "/client/httpx-0-py3-none-any.whl"])
def test_only_existing_wheels_are_served(client, db, address):
    assert client.get(address).status_code == (200 if address == "/client/" else 404)


def test_anyone_may_download_the_current_wheel_only(owner, client):
    name = f"/client/mnist_quest-{RELEASE}-py3-none-any.whl"

    for visitor in (client, client_of(owner)):
        assert visitor.get(name).content.startswith(b"PK")
        assert visitor.get("/client/mnist_quest-0.0.9-py3-none-any.whl").status_code == 404
