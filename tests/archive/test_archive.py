"""The archive of a finished quest: static pages, charts and data that name no person."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from posixpath import dirname, join, normpath
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leaderboard.charts import pictures
from leaderboard.charts.painter_process import NoPicture
from submissions.intake.disqualification import disqualify
from submissions.models import Quest, QuestState, User
from tests.cast import FOREST

pytestmark = pytest.mark.slow

FOLDER = "digits-quest-machine-learning-autumn-2026/"


@pytest.fixture(autouse=True)
def fake_charts(monkeypatch) -> None:
    """Replace the painter, which has its own tests and takes seconds to start."""
    monkeypatch.setattr(pictures, "svg", lambda figure, style: f"<svg>{figure.name} {style.scheme}</svg>")


@pytest.fixture
def finished(submit, score, quest, stranger, other_group, owner) -> Quest:
    User.objects.filter(pk=owner.pk).update(first_name="Ada", last_name="Lovelace")
    score(submit(), 300, private=(80, 100))
    score(submit(FOREST, submitter=stranger, group=other_group), 320, private=(70, 100))
    score(submit({"family": "knn", "n_neighbors": 7}), 310, private=(75, 100))
    Quest.objects.update(state=QuestState.REVEALED, private_share=0.2)
    return Quest.objects.get()


def read(response) -> dict[str, str]:
    """The text of each file in the zip, by name."""
    with ZipFile(io.BytesIO(b"".join(response.streaming_content))) as bag:
        assert bag.testzip() is None
        assert all(name.startswith(FOLDER) for name in bag.namelist())
        return {name.removeprefix(FOLDER): bag.read(name).decode() for name in bag.namelist()}


def archived(quest: Quest, client) -> dict[str, str]:
    return read(client.get(f"/desk/quests/{quest.pk}/archive.zip"))


class Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.scripts += tag == "script"
        self.found |= {value for name, value in attrs if name in ("href", "src", "srcset")}


def test_every_link_leads_to_a_file_of_the_archive_and_no_page_needs_a_script(finished, instructor_client):
    found = archived(finished, instructor_client)

    for name, page in found.items():
        if name.endswith(".html"):
            links = Links(page)
            assert not links.scripts
            for link in links.found - {"#main"}:
                assert normpath(join(dirname(name), link)) in found, f"{link} on {name}"


def test_the_archive_holds_board_feed_charts_data_and_a_page_for_each_score(finished, instructor_client):
    found = archived(finished, instructor_client)

    assert {"index.html", "feed.html", "charts.html", "style.css", "charts/cost.svg", "charts/cost-dark.svg"} <= {
        *found
    }
    assert [row["group"] for row in csv.DictReader(io.StringIO(found["data/ranking.csv"].removeprefix("\ufeff")))] == [
        "ITMALGrp01",
        "ITMALGrp02",
    ], "by the private score"
    scores = json.loads(found["data/scores.json"])
    assert [one["private_score"] for one in scores] == [0.8, 0.7, 0.75]
    assert scores[2]["spec"]["n_neighbors"] == 7
    page = found[f"submissions/{scores[2]['id']}.html"]
    assert "KNeighborsClassifier(n_neighbors=7)" in page
    assert "AMD EPYC 9B14" in page
    assert "0.86111" in page
    assert json.loads(found["data/quest.json"])["private_share"] == 0.2


def test_no_person_is_named_and_groups_keep_their_pseudonyms(finished, instructor_client):
    Quest.objects.update(pseudonyms=True)

    found = archived(finished, instructor_client)

    assert not re.search("Ada|Lovelace|owner|stranger|ITMALGrp", "".join(found.values()))


def test_hidden_models_are_in_no_file(finished, instructor_client):
    Quest.objects.update(models_shown="from", models_shown_from=timezone.now() + timedelta(days=9))

    found = archived(Quest.objects.get(), instructor_client)

    assert not re.search(r"Classifier\(|n_neighbors", "".join(found.values()))
    assert not [name for name in found if name.startswith("submissions/")]
    assert "0.86111" in found["feed.html"]


def test_disqualified_submissions_are_left_out(finished, instructor, instructor_client):
    cheat = finished.submissions.get(family="forest")
    disqualify(cheat, user=instructor, reason="Trained on the test images.")

    found = archived(finished, instructor_client)

    assert "ITMALGrp02" not in "".join(found.values())
    assert f"submissions/{cheat.pk}.html" not in found


def test_a_long_feed_is_paginated(finished, instructor_client, monkeypatch):
    monkeypatch.setattr("leaderboard.archive.pages.FEED_PAGE", 2)

    found = archived(finished, instructor_client)

    assert "feed-2.html" in Links(found["feed.html"]).found
    assert "feed.html" in Links(found["feed-2.html"]).found
    assert "feed-3.html" not in found


def test_a_chart_that_cannot_be_drawn_still_has_its_numbers(finished, instructor_client, monkeypatch):
    def broken(figure, style) -> str:
        raise NoPicture("The painter is gone.")

    monkeypatch.setattr(pictures, "svg", broken)

    found = archived(finished, instructor_client)

    assert "charts/cost.svg" not in found
    assert "could not be drawn" in found["charts.html"]
    assert "charts/cost.csv" in found


def test_a_quest_without_any_score_can_be_archived(quest, instructor_client):
    Quest.objects.update(state=QuestState.ARCHIVED)

    assert "No scores." in archived(quest, instructor_client)["index.html"]


def test_there_is_no_archive_before_the_reveal(quest, instructor_client):
    Quest.objects.update(state=QuestState.CLOSED)

    page = instructor_client.get(f"/desk/quests/{quest.pk}/archive.zip", follow=True)

    assert "has not been revealed yet" in page.content.decode()
    with pytest.raises(CommandError, match="not been revealed"):
        call_command("archive_quest", str(quest.pk))


def test_the_command_writes_the_archive_and_overwrites_no_file(finished, tmp_path, capsys):
    file = tmp_path / "quest.zip"

    call_command("archive_quest", "Digits quest", str(file))

    with ZipFile(file) as bag:
        assert f"{FOLDER}index.html" in bag.namelist()
    with pytest.raises(CommandError, match="is there already"):
        call_command("archive_quest", "Digits quest", str(file))
    with pytest.raises(CommandError, match='"Digits quest" of Machine learning'):
        call_command("archive_quest", "another")


def test_more_scores_take_no_more_queries(finished, submit, score, instructor_client):
    with CaptureQueriesContext(connection) as few:
        archived(finished, instructor_client)
    Quest.objects.update(state=QuestState.OPEN)
    for neighbours in range(8, 10):
        score(submit({"family": "knn", "n_neighbors": neighbours}), 200)
    Quest.objects.update(state=QuestState.REVEALED)
    with CaptureQueriesContext(connection) as more:
        archived(finished, instructor_client)

    assert len(more) == len(few)
