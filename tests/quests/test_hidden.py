"""A quest that hides names and models leaks neither, on no page and in no answer, to nobody who should not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from submissions.models import ApiToken, Group, ModelsShown, Quest
from tests.cast import person

pytestmark = pytest.mark.slow

STARTS = [
    *(
        "/",
        "/?show=all",
        "/?sort=train",
        "/?show=all&sort=parameters",
        "/?wall",
        "/?wall=feed",
        "/feed/",
        "/feed.txt",
        "/charts/",
        "/status/",
    ),
    *("/api/v1/leaderboard/", "/api/v1/leaderboard/?show=all", "/api/v1/feed/", "/api/v1/quests/", "/api/v1/hardware/"),
]
LINK = re.compile(r"""(?:href|src|hx-get|data-[a-z-]+)="(/[^"#]*)|"(?:next|url|page)": ?"http://testserver(/[^"]*)""")
PICTURES = (".svg", ".png", ".vega")  # drawn from the same numbers as the files beside them
NEITHER = ("/static/", "/charts/vega-", "/api/docs", "/api/schema", "/logout", "/login", "/client", "/password")
NAMES = ("ITMALGrp01", "owner", "colleague")
MODELS = ("n_neighbors=17", "n_neighbors&#x27;: 17", '"n_neighbors": 17', "&quot;n_neighbors&quot;: 17")
SIZES = ("1,210", '"parameters":1210')  # 64 → 16 → 10 and nothing else
SECRETS = NAMES + MODELS + SIZES
MODEL = {"family": "knn", "n_neighbors": 17}
NET = {
    "family": "cnn",
    "layers": [
        {"kind": "Input", "shape": [64]},
        {"kind": "Dense", "units": 16, "activation": "relu"},
        {"kind": "Dense", "units": 10, "activation": "softmax"},
    ],
}


@pytest.fixture
def hidden(quest, submit, score, colleague, stranger, other_group) -> Quest:
    """Both groups have scores; what only the owner's group and instructors may know is in SECRETS."""
    Quest.objects.filter(pk=quest.pk).update(pseudonyms=True, models_shown=ModelsShown.AFTER_CLOSING)
    score(submit(MODEL), 350)
    score(submit(MODEL, note="Ask the owner."), 340)
    score(submit(NET), 330)
    score(submit(submitter=stranger, group=other_group), 345)
    submit(MODEL)
    return Quest.objects.get(pk=quest.pk)


def walk(client: Client, most: int) -> Iterator[tuple[str, str]]:
    """Every page that a reader comes to by following links from the public ones, with its text."""
    waiting, seen = list(STARTS), set(STARTS)
    while waiting and most:
        address, most = waiting.pop(0), most - 1
        response = client.get(address)
        if not response.headers.get("Content-Type", "").startswith(("text", "application/json")):
            continue
        text = response.getvalue().decode()
        yield address, text
        links = [(page or other).replace("&amp;", "&") for page, other in LINK.findall(text)]
        fresh = [link for link in dict.fromkeys(links) if link not in seen and _is_walked(link)]
        seen.update(fresh)
        waiting.extend(fresh)


def _is_walked(link: str) -> bool:
    address, _, query = link.partition("?")
    again = query.startswith("way=") or "seen=" in query  # the same page as without
    return not (again or link.startswith(NEITHER) or address.endswith(PICTURES))


def leaks(client: Client, most: int = 80) -> list[tuple[str, str]]:
    return [(address, secret) for address, text in walk(client, most) for secret in SECRETS if secret in text + address]


def test_nobody_who_should_not_know_finds_a_hidden_name_or_model(hidden, client, stranger_client):
    for outsider in (client, stranger_client):
        assert leaks(outsider) == []


def test_a_model_that_is_shown_does_not_tell_whose_it_is(hidden, stranger_client):
    Quest.objects.update(models_shown=ModelsShown.ALWAYS)

    found = leaks(stranger_client)

    assert {secret for _address, secret in found} & set(NAMES) == set()
    assert {secret for _address, secret in found} & set(MODELS)
    assert {secret for _address, secret in found} >= set(SIZES)


def test_the_crawl_finds_names_and_models_that_are_not_hidden(hidden, owner_client, instructor_client):
    for insider in (owner_client, instructor_client):
        found = {secret for _address, secret in leaks(insider, most=15)}
        assert {"ITMALGrp01", "n_neighbors=17", *SIZES} <= found


def test_a_token_of_another_group_learns_no_more(hidden, stranger, other_group):
    secret = ApiToken.objects.create(user=stranger, group=other_group, name="laptop")[1]
    notebook = Client(headers={"Authorization": f"Token {secret}"})

    for path in (*STARTS[-5:], "/api/v1/me/", "/api/v1/submissions/", "/api/v1/submissions/1/"):
        assert not [secret for secret in SECRETS if secret in notebook.get(path).text], path


def test_a_group_is_found_under_its_pseudonym_and_nothing_leads_to_its_name(hidden, group, client):
    row = client.get("/api/v1/leaderboard/").json()["results"][0]
    pseudonym = Group.objects.get(pk=group.pk).pseudonym

    assert row["group"] == pseudonym
    assert "0.97222" in client.get(f"/groups/{pseudonym}/").text
    assert "0.97222" not in client.get(f"/groups/{group.name}/").text


def test_a_model_that_is_hidden_says_until_when(hidden, client):
    row = client.get("/api/v1/feed/").json()["results"][0]

    assert (row["model"], row["model_hidden"]) == (None, "shown after closing")
    assert "model=(shown after closing)" in client.get("/feed.txt").text
    assert "shown after closing" in client.get("/").text


def test_sorted_by_size_the_networks_whose_size_is_hidden_stand_last_by_rank(
    quest, hidden, submit, score, stranger, other_group, client, stranger_client
):
    small = {**NET, "layers": [NET["layers"][0], NET["layers"][2]]}
    score(submit(small, submitter=stranger, group=other_group), 320)

    def sizes(reader: Client) -> list[int | None]:
        rows = reader.get("/api/v1/leaderboard/?show=all&sort=-parameters").json()["results"]
        return [row["parameters"] for row in rows if row["family"] == "cnn" or row["parameters"]]

    assert sizes(client) == [None, None]
    assert sizes(stranger_client) == [650, None]
    Quest.objects.update(models_shown=ModelsShown.ALWAYS)
    assert sizes(client) == [1210, 650]


def test_pages_of_a_board_sorted_by_hidden_sizes_make_up_the_whole(hidden, client):
    first = client.get("/api/v1/leaderboard/?show=all&sort=parameters&limit=2").json()
    second = client.get(first["next"]).json()

    assert [row["correct"] for row in first["results"] + second["results"]] == [350, 345, 340, 330]


def test_ones_own_rows_are_shown_whole_among_the_hidden_ones(hidden, owner_client, stranger_client):
    rows = owner_client.get("/api/v1/leaderboard/").json()["results"]

    assert (rows[0]["group"], rows[0]["model"]) == ("ITMALGrp01", "KNeighborsClassifier(n_neighbors=17)")
    assert rows[1]["model"] is None
    assert "ITMALGrp02" in stranger_client.get("/feed.txt").text


def test_who_has_left_a_group_is_an_outsider_to_its_names(hidden, group, client):
    gone = person("gone", group)
    gone.memberships.all().delete()
    browser = Client()
    browser.force_login(gone)

    assert leaks(browser, most=15) == []


def test_showing_the_models_again_changes_what_was_cached(hidden, client):
    etag = client.get("/feed.txt").headers["ETag"]
    beat = client.get("/").context["snapshot"].etag
    Quest.objects.update(models_shown=ModelsShown.ALWAYS)

    assert "n_neighbors=17" in client.get("/feed.txt", headers={"If-None-Match": etag}).text
    assert "n_neighbors=17" in client.get(f"/?seen={beat}").text


def test_a_reader_is_not_served_what_another_readers_etag_stands_for(hidden, owner_client, stranger_client):
    etag = owner_client.get("/feed.txt").headers["ETag"]

    assert stranger_client.get("/feed.txt", headers={"If-None-Match": etag}).status_code == 200
