"""The notebook client in tests: it talks to the service in this process, or gets prepared answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from django.test import Client

from mnist_quest import Quest

HERE = "http://testserver"
TEXT = "KNeighborsClassifier(n_neighbors=4)"
QUEUED = {
    "id": 17, "state": "queued", "score": None, "reason": "", "model": TEXT, "page": f"{HERE}/submissions/17/",
    "timing": None, "hardware": None, "position": 1, "progress": {},
}  # fmt: skip
RUNNING = {**QUEUED, "state": "running", "progress": {"phase": "fit", "epoch": 2, "epochs": 5, "done": 0.4}}
TIMES = {"train": 1.5, "predict": 0.5}
SCORED = {**QUEUED, "state": "scored", "score": 0.9714, "timing": TIMES, "hardware": {"label": "EPYC"}}


class InProcess(httpx.BaseTransport):
    """Sends each request to the service in this process, by Django's test client."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        kind = request.headers.get("content-type", "")
        answer = Client().generic(
            request.method, request.url.raw_path.decode(), request.read(), kind, headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


@pytest.fixture
def clean_environment(tmp_path, monkeypatch) -> None:
    """No saved login, no environment variables, and no sleeping."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("QUEST_TOKEN", "QUEST_URL", "QUEST_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture
def in_process(db) -> InProcess:
    return InProcess()


@pytest.fixture
def service(in_process, owner_token, quest) -> Quest:
    return Quest(HERE, token=owner_token, transport=in_process)


def answering(*answers: Any, seen: list[httpx.Request] | None = None) -> Quest:
    """A quest that gets these answers in turn: JSON, a whole response, or an exception to raise."""
    remaining = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        answer = next(remaining)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    return Quest(HERE, token="quest_secret", transport=httpx.MockTransport(handle))


def error_response(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"field": "", "message": "Later."}]}, headers=headers)
