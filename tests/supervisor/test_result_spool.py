"""Results that a process left on disk are scored while their leases hold, and no file there stops a worker."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError

from submissions.models import Attempt, Exit, Score, State
from submissions.queue import leases
from tests.cast import claim_one, reload, result_of
from workers.supervisor import result_spool


@pytest.fixture
def folder(settings, tmp_path):
    settings.QUEST_HOME = tmp_path
    (tmp_path / "spool").mkdir()
    return tmp_path / "spool"


@pytest.fixture
def left_over(folder, submission, worker) -> Attempt:
    """An attempt whose worker died between the end of its training and the database."""
    attempt = claim_one(worker)
    (folder / f"{attempt.lease}.json").write_text(json.dumps(result_of(350)))
    return attempt


def test_a_dead_workers_result_is_scored(folder, left_over, submission):
    assert result_spool.deliver() == 1

    assert Score.objects.get().attempt == left_over
    assert reload(submission).state == State.SCORED
    assert not list(folder.iterdir())


def test_a_result_that_comes_too_late_is_deleted(folder, left_over):
    leases.release(left_over, Exit.LOST, reason="The worker was not heard from any more.")

    assert result_spool.deliver() == 0

    assert not Score.objects.exists()
    assert not list(folder.iterdir())


@pytest.mark.parametrize("content", ["[]", "null", "{", "", '{"public": 3}', "\udcff"])
def test_a_file_that_holds_no_result_is_set_aside(folder, left_over, content):
    file = folder / f"{left_over.lease}.json"
    file.write_bytes(content.encode(errors="surrogateescape"))

    assert result_spool.deliver() == 0

    assert [path.suffix for path in folder.iterdir()] == [".unreadable"]
    assert Attempt.objects.get().exit == ""


def test_a_foreign_file_is_set_aside_and_the_others_are_delivered(folder, left_over):
    (folder / "a-note.json").write_text("{}")

    assert result_spool.deliver() == 1
    assert [path.name for path in folder.iterdir()] == ["a-note.unreadable"]


def test_a_living_processs_result_is_left_to_it(folder, submission, worker):
    attempt = claim_one(worker)
    file = result_spool.keep(attempt, result_of(350))

    assert result_spool.deliver() == 0
    assert [path.suffix for path in folder.iterdir()] == [".json"]

    result_spool.drop(attempt, file)
    assert not list(folder.iterdir())


def test_a_result_that_cannot_be_written_yet_stays(folder, left_over, monkeypatch):
    def away(*_: object) -> None:
        raise OperationalError("the database is starting up")

    monkeypatch.setattr(leases, "record_score", away)
    monkeypatch.setattr(result_spool.connections, "close_all", lambda: None)

    assert result_spool.deliver() == 0
    assert [path.suffix for path in folder.iterdir()] == [".json"]


def test_without_a_spool_there_is_nothing_to_deliver(settings, tmp_path):
    settings.QUEST_HOME = tmp_path / "nowhere"

    assert result_spool.deliver() == 0
