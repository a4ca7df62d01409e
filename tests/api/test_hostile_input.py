"""Bad input never causes a 500 or saves a row, and is always refused in the standard shape."""

from __future__ import annotations

import json
import time

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from submissions.models import Event, Submission

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
URL, VALIDATE = "/api/v1/submissions/", "/api/v1/models/validate/"


@pytest.fixture
def api(owner_token, quest) -> Client:
    # Return a 500 as a response instead of raising its exception.
    return Client(headers={"Authorization": f"Token {owner_token}"}, raise_request_exception=False)


def send(api: Client, body: str | bytes, url: str = URL, content_type: str = "application/json"):
    return api.post(url, body, content_type=content_type)


def refused_by(response) -> tuple[int, set[str]]:
    """Status and fields of a refusal, which must have the standard shape."""
    assert response.headers["Content-Type"] == "application/json"
    assert set(response.json()) == {"errors"}
    errors = response.json()["errors"]
    assert errors
    assert all(set(error) == {"field", "message"} and error["message"] for error in errors)
    assert not Submission.objects.exists()
    assert not Event.objects.exists()
    return response.status_code, {error["field"] for error in errors}


@pytest.mark.parametrize("url", [URL, VALIDATE])
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"model"}),
        ({"model": None}, {"model"}),
        ({"model": 7}, {"model"}),
        ({"model": True}, {"model"}),
        ({"model": []}, {"model"}),
        ({"model": ""}, {"model"}),
        ({"model": {}}, {"model.family"}),
        ({"model": {"family": ["knn"]}}, {"model.family"}),
        ({"model": {"family": {"knn": 1}}}, {"model.family"}),
        ({"model": {"family": "odd"}}, {"model.family"}),
        ({"model": {"family": "knn", "n_neighbors": 10**400}}, {"model.n_neighbors"}),
        ({"model": {"family": "knn", "p": "NaN"}}, {"model.p"}),
        ({"model": {"family": "cnn", "layers": "Dense"}}, {"model.layers"}),
        ({"model": {"family": "cnn", "layers": [[[[]]]]}}, {"model.layers.0"}),
        ({"model": "KNeighborsClassifier()", "quest": True}, {"quest"}),
        ({"model": "KNeighborsClassifier()", "quest": [1]}, {"quest"}),
        ({"model": "KNeighborsClassifier()", "quest": {"id": 1}}, {"quest"}),
        ({"model": "KNeighborsClassifier()", "quest": None}, {"quest"}),
        ({"model": "KNeighborsClassifier()", "quest": -(10**4000)}, {"quest"}),
        ({"model": "KNeighborsClassifier()", "quest": "x" * 5000}, {"quest"}),
        ({"model": "KNeighborsClassifier()", "quest": "²"}, {"quest"}),
        ({"model": "KNeighborsClassifier()", "colour": "red"}, {"colour"}),
        ({"model": "__import__('os').system('true')"}, {"model"}),
    ],
)
def test_a_wrong_value_is_refused_and_named(api, body, fields, url):
    assert refused_by(send(api, json.dumps(body), url)) == (400, fields)


@pytest.mark.parametrize("name", ["device", "engine", "note"])
@pytest.mark.parametrize("value", [True, [], ["cpu"], {}, {"cpu": 1}, "x" * 3000])
def test_a_wrong_option_is_refused_and_named(api, name, value):
    body = {"model": "KNeighborsClassifier()", name: value}

    assert refused_by(send(api, json.dumps(body))) == (400, {name})


@pytest.mark.parametrize("device", ["gpu", "auto"])
def test_a_device_that_the_family_does_not_run_on_is_refused(api, device):
    body = {"model": "KNeighborsClassifier()", "device": device}

    assert refused_by(send(api, json.dumps(body))) == (400, {"device"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"KNeighborsClassifier()"',
        b"\xff\xfe{\x00}\x00",
        b'{"model": NaN}',
        b'{"model": {"family": "knn", "p": 1e999}}',
        b'{"model": ' + b"9" * 5000 + b"}",
        b'{"model": "KNeighborsClassifier()\\u0000"}',
        b'{"model": "KNeighborsClassifier()", "note": "\\u0000"}',
        b'{"model": "KNeighborsClassifier()", "note": "\\ud800"}',
        b'{"model": "KNeighborsClassifier()", "\\ud800": 1}',
        b'{"model": {"family": "knn", "\\u0000": 1}}',
        b'{"model": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"model": {"family": "knn", "p": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"[" * 200_000,
    ],
)
def test_invalid_json_is_refused(api, body):
    status, _ = refused_by(send(api, body))

    assert status == 400


def test_a_body_that_is_too_large_is_refused(api):
    body = json.dumps({"model": "x" * (256 * 1024)})

    assert refused_by(send(api, body)) == (413, {""})
    assert refused_by(send(api, "x" * (4 << 20))) == (413, {""})


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_of_another_type_is_refused(api, content_type):
    assert refused_by(send(api, "model=knn", content_type=content_type))[0] == 415


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "latin-1"])
def test_a_common_charset_in_the_content_type_is_accepted(api, charset):
    body = json.dumps({"model": "naïve"}, ensure_ascii=False).encode()

    response = api.generic("POST", VALIDATE, body, content_type=f"application/json; charset={charset}")

    assert refused_by(response) == (400, {"model"})


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_method_that_is_not_offered_is_refused(api, method):
    assert refused_by(getattr(api, method)(URL))[0] == 405


@pytest.mark.parametrize("path", ["nothing/", "submissions/one/", "submissions/-1/", "submissions/1/approve/"])
def test_an_unknown_address_is_refused_in_the_standard_shape(api, path):
    assert refused_by(api.get(f"/api/v1/{path}"))[0] == 404


def test_a_request_for_another_response_format_is_refused(api):
    assert refused_by(api.get(URL, headers={"Accept": "application/xml"}))[0] == 406


def test_hostile_bodies_are_refused_quickly(api):
    bodies = [
        '{"model": {"family": "knn", "p": ' + "[" * 100_000 + "]" * 100_000 + "}}",
        json.dumps({"model": "(" * 60_000}),
        json.dumps({"model": "KNeighborsClassifier(n_neighbors=9**9**9**9)"}),
        json.dumps({"model": {"family": "cnn", "layers": [{"kind": "Dense", "units": 1}] * 4000}}),
    ]
    for body in bodies:
        started = time.perf_counter()
        assert refused_by(send(api, body))[0] == 400
        assert time.perf_counter() - started < 1.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["family", "n_neighbors", "layers", "p", "metric", "optimizer", "loss", "kind", "epochs"])
MODELS = (
    JSON
    | st.fixed_dictionaries({"family": st.sampled_from(["knn", "forest", "cnn"])}, optional={"layers": st.lists(JSON)})
    | st.dictionaries(NAMES, JSON | st.sampled_from(["knn", "forest", "cnn"]), max_size=5)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(model=MODELS)
def test_no_request_body_causes_a_500(api, model):
    response = send(api, json.dumps({"model": model}), VALIDATE)

    assert response.status_code in (200, 400)
    assert ("errors" in response.json()) == (response.status_code == 400)
