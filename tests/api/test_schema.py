"""The OpenAPI schema, and the page that shows it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from tests.cast import FOREST, KNN
from tests.stack import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
OPERATIONS = {
    "/api/v1/submissions/": {"get", "post"},
    "/api/v1/submissions/{id}/": {"get"},
    "/api/v1/submissions/{id}/cancel/": {"post"},
    "/api/v1/submissions/{id}/final/": {"post"},
    "/api/v1/submissions/{id}/errors/": {"get"},
    "/api/v1/submissions/{id}/compare/{other}/": {"get"},
    "/api/v1/models/validate/": {"post"},
    "/api/v1/leaderboard/": {"get"},
    "/api/v1/feed/": {"get"},
    "/api/v1/quests/": {"get"},
    "/api/v1/hardware/": {"get"},
    "/api/v1/workers/": {"get"},
    "/api/v1/me/": {"get"},
}
NET = {
    "family": "cnn",
    "layers": [{"kind": "Input", "shape": [8, 8, 1]}, {"kind": "Flatten"}, {"kind": "Dense", "units": 10}],
    "optimizer": {"name": "sgd", "momentum": 0.9},
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True)))


def check(schema: dict[str, Any], component: str, value: Any) -> None:
    """ValidationError unless `value` matches the schema's `component`."""
    Draft202012Validator({**schema, "$ref": f"#/components/schemas/{component}"}).validate(value)


def test_the_schema_is_valid_without_warnings(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def test_every_operation_is_in_the_schema(schema):
    assert schema["openapi"] == "3.1.1"
    assert {path: set(methods) for path, methods in schema["paths"].items()} == OPERATIONS


def test_the_guide_names_every_operation():
    guide = (PROJECT / "docs" / "api.md").read_text()

    for path in OPERATIONS:
        assert path.removeprefix("/api/v1/").replace("{id}", "17") in guide


def test_only_public_operations_allow_anonymous_requests(schema):
    public = {
        path.removeprefix("/api/v1/")
        for path, methods in schema["paths"].items()
        for operation in methods.values()
        if {} in operation["security"]
    }

    assert public == {"leaderboard/", "feed/", "quests/", "hardware/"}


def test_every_refusal_has_the_standard_shape(schema):
    refusals = [
        answer["content"]["application/json"]["schema"]
        for methods in schema["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status >= "400"
    ]

    assert refusals
    assert all(found == {"$ref": "#/components/schemas/Refusal"} for found in refusals)


@pytest.mark.parametrize("model", [KNN, FOREST, NET, "KNeighborsClassifier(n_neighbors=4)"])
def test_a_model_of_each_family_matches_the_schema(schema, owner_client, quest, model):
    body = {"model": model}
    check(schema, "SubmissionRequest", body)

    submitted = owner_client.post("/api/v1/submissions/", json.dumps(body), content_type="application/json")
    validated = owner_client.post("/api/v1/models/validate/", json.dumps(body), content_type="application/json")

    check(schema, "SubmissionWhole", submitted.json())
    check(schema, "Understood", validated.json())


def test_an_invalid_model_does_not_match_the_schema(schema):
    validator = Draft202012Validator({**schema, "$ref": "#/components/schemas/SubmissionRequest"})

    assert not validator.is_valid({"model": {"family": "knn", "n_neighbors": 0}})
    assert not validator.is_valid({"model": {"family": "svm"}})
    assert not validator.is_valid({"model": 7})


def test_responses_match_the_schema(schema, owner_client, submission, score):
    score(submission, 300)
    answers = {
        "submissions/": "SubmissionPage",
        f"submissions/{submission.pk}/": "SubmissionWhole",
        "leaderboard/": "BoardListing",
        "feed/": "FeedListing",
        "quests/": "QuestList",
        "hardware/": "HardwareList",
        "workers/": "WorkerList",
        "me/": "Person",
        "submissions/?state=no": "Refusal",
    }

    for path, component in answers.items():
        check(schema, component, owner_client.get(f"/api/v1/{path}").json())


def test_the_docs_page_keeps_the_content_security_policy(client, db):
    page = client.get("/api/docs/")

    assert page.status_code == 200
    html = page.content.decode()
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|https?://", html)
    sources = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert sources
    for source in sources:
        assert source.startswith("/")
        assert client.get(source.replace("&amp;", "&")).status_code == 200
