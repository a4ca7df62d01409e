"""Requests with an unknown charset, and API addresses without their last slash."""

from __future__ import annotations

import io
import json
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from config.wsgi import application
from submissions.models import Submission

pytestmark = pytest.mark.django_db
KNN = json.dumps({"model": "KNeighborsClassifier(n_neighbors=4)"}).encode()


def ask(path: str, content_type: str, *, query: str = "", method: str = "GET", body: bytes = b"") -> tuple[int, Any]:
    """Call the WSGI application as a server does; returns status and body."""
    environ: dict[str, Any] = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    setup_testing_defaults(environ)
    environ |= {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method, "CONTENT_TYPE": content_type}
    statuses: list[str] = []
    answer = b"".join(application(environ, lambda status, headers: statuses.append(status)))
    return int(statuses[0].split()[0]), json.loads(answer) if answer.startswith(b"{") else answer


@pytest.mark.parametrize("charset", ["zlib", "rot13", "idna", "utf-7", "utf-16", "base64", "nothing", "\xff", ""])
@pytest.mark.parametrize("path", ["/", "/api/v1/leaderboard/", "/nowhere"])
def test_an_unknown_charset_is_refused(path, charset):
    status, body = ask(path, f"application/json; charset={charset}", query="quest=1")

    assert (status, body["errors"][0]["field"]) == (415, "Content-Type")


def test_a_header_that_cannot_be_parsed_is_refused():
    assert ask("/", "text/plain; charset*=zlib''%41", query="quest=1")[0] == 415


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "latin-1", "us-ascii"])
def test_a_common_charset_is_accepted(charset):
    assert ask("/healthz", f"application/json; charset={charset}", query="quest=1") == (200, {"status": "ok"})


def test_a_post_without_the_last_slash_keeps_its_body_and_token(client, owner_token, quest):
    headers = {"Authorization": f"Token {owner_token}"}

    made = client.post("/api/v1/submissions", KNN, content_type="application/json", headers=headers)

    assert made.status_code == 201
    assert made.headers["Location"].endswith(f"/api/v1/submissions/{Submission.objects.get().pk}/")
    assert client.get(f"/api/v1/submissions/{made.json()['id']}", headers=headers).json()["id"] == made.json()["id"]
    assert client.get("/api/v1/leaderboard?show=all").json()["quest"] == quest.pk


def test_a_missing_slash_makes_no_new_address(client, db):
    assert client.get("/api/v1/nothing").status_code == 404
    assert client.get("/feed").status_code == 301
