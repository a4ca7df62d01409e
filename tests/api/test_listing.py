"""The list of one's own submissions over the REST API."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from submissions.models import ApiToken, Membership
from tests.cast import FOREST, claim_one

pytestmark = pytest.mark.django_db
URL = "/api/v1/submissions/"


@pytest.fixture
def api(owner_token) -> Client:
    """The owner's notebook: every request carries the token."""
    return Client(headers={"Authorization": f"Token {owner_token}"})


def fields(response) -> list[str]:
    return [error["field"] for error in response.json()["errors"]]


def test_the_list_holds_the_groups_own_newest_first(api, submit, stranger, other_group):
    first, second = submit(), submit(FOREST)
    submit(submitter=stranger, group=other_group)

    assert [row["id"] for row in api.get(URL).json()["results"]] == [second.pk, first.pk]


def test_the_list_is_filtered(api, submit, quest, worker):
    knn, forest = submit(), submit(FOREST)
    claim_one(worker)

    def ids(**query):
        return [row["id"] for row in api.get(URL, query).json()["results"]]

    assert ids(state="running") == [knn.pk]
    assert ids(family="forest") == [forest.pk]
    assert ids(quest=quest.pk) == ids(quest="Digits quest") == ids(state="") == [forest.pk, knn.pk]
    assert ids(group="ITMALGrp02") == []


def test_the_list_is_read_page_by_page(api, submit):
    ids = [submit().pk for _ in range(5)]
    url, found = f"{URL}?limit=2&family=knn", []

    while url:
        page = api.get(url).json()
        found.append([row["id"] for row in page["results"]])
        url = page["next"]

    assert found == [ids[:2:-1], ids[2:0:-1], ids[:1]]


def test_the_number_of_queries_does_not_grow_with_the_rows(api, submit):
    def query_count() -> int:
        with CaptureQueriesContext(connection) as queries:
            api.get(URL)
        return len(queries)

    submit()
    api.get(URL)  # the first request also records that the token was used
    few = query_count()
    for _ in range(7):
        submit()

    assert query_count() == few


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=flying", "state"),
        ("family=svm", "family"),
        ("quest=none", "quest"),
        ("quest=99999999999999999999", "quest"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("cursor=nowhere", "cursor"),
        ("sort=beauty", "sort"),
        ("since=yesterday", "since"),
        ("device=tpu", "device"),
        ("group=%00", "group"),
        ("family=%00%ff", "family"),
        ("famly=knn", "famly"),
    ],
)
def test_an_invalid_query_names_its_parameter(api, quest, query, field):
    response = api.get(f"{URL}?{query}")

    assert (response.status_code, fields(response)) == (400, [field])


@pytest.mark.parametrize(
    ("who", "count"),
    [("owner_client", 1), ("colleague_client", 1), ("stranger_client", 0), ("instructor_client", 1)],
)
def test_each_role_lists_only_the_submissions_it_may_see(request, submission, who, count):
    assert len(request.getfixturevalue(who).get(URL).json()["results"]) == count


def test_a_token_sees_its_own_groups_submissions_only(submit, owner, other_group, submission):
    other_course_token = ApiToken.objects.create(user=owner, group=other_group)[1]
    Membership.objects.filter(user=owner).update(group=other_group)
    api = Client(headers={"Authorization": f"Token {other_course_token}"})

    assert api.get(URL).json()["results"] == []
    assert api.get(f"{URL}{submission.pk}/").status_code == 404
