"""The site's formats for numbers and times, its error pages, and its content security policy."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client

from submissions.models import Quest
from submissions.wording import score, seconds, stamp

ROOT = Path(settings.BASE_DIR)
TEMPLATES = [
    path for app in ("config", "submissions", "leaderboard") for path in (ROOT / app / "templates").rglob("*.html")
]


@pytest.mark.parametrize(
    ("duration", "written"),
    [
        (None, "–"),
        (0.0, "< 0.01 s"),
        (0.52, "0.52 s"),
        (7.1, "7.1 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185.2, "3 min 05 s"),
        (3599.8, "1 h 00 min"),
        (3719.0, "1 h 02 min"),
        (90_000.0, "25 h 00 min"),
    ],
)
def test_durations_are_formatted_readably(duration, written):
    assert seconds(duration) == written


def test_a_score_has_five_decimals():
    assert (score(0.9714), score(1.0), score(None)) == ("0.97140", "1.00000", "–")


def test_a_time_of_day_is_written_in_the_quests_zone():
    quest, at = Quest(time_zone="Asia/Tokyo"), datetime(2026, 10, 12, 20, 13, tzinfo=UTC)
    template = Template("{% load quest %}{{ at|stamp:quest }}, {{ at|in_zone:quest|date:'j F H:i' }}")

    assert stamp(None, quest) == "–"
    assert template.render(Context({"at": at, "quest": quest})) == "13/10 05:13, 13 October 05:13"


def test_a_missing_page_gets_the_sites_own_404(client, db):
    response = client.get("/nowhere/")

    assert response.status_code == 404
    assert "This page does not exist." in response.text


def test_a_missing_api_address_is_answered_in_json(client, db):
    response = client.get("/api/v1/nowhere/")

    assert response.status_code == 404
    assert response.json()["errors"][0]["message"]


def test_a_post_without_a_csrf_token_gets_the_sites_own_403(owner):
    client = Client(enforce_csrf_checks=True)

    response = client.post("/login/", {"username": "owner", "password": "x"})

    assert response.status_code == 403
    assert "You do not have permission to see or do this." in response.text


def test_the_500_page_renders_without_any_context():
    assert "Your submissions are safe" in render_to_string("500.html")


@pytest.mark.parametrize("address", ["/", "/feed/", "/login/"])
def test_pages_forbid_inline_scripts_and_foreign_sources(client, quest, address):
    policy = client.get(address).headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_inline_script_or_style(template):
    text = template.read_text()

    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:|hx-on", text)


def test_the_stylesheet_fetches_nothing_from_elsewhere():
    assert not re.search(r"https?://|@import", (ROOT / "config/static/quest.css").read_text())


def test_the_api_docs_page_names_its_language_and_links_to_the_board(client, db):
    page = client.get("/api/docs/").text

    assert '<html lang="en' in page
    assert '<main id="swagger-ui">' in page
    assert 'href="/"' in page


def test_the_desks_history_names_the_zone_of_its_times(instructor_client, quest):
    assert "Times of day are in Europe/Copenhagen" in instructor_client.get("/desk/history/").text
