"""Fills a running service with the submissions of a week: `python -m tests.showcase full`, with its QUEST_HOME.

The service's own workers train every model that gets a score. Only the dates are moved back, and the failed runs are
created directly. Prints a JSON object: name → submission number or code, for the addresses in `tests.every_page`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.db.models import F, Q
from django.utils import timezone

if TYPE_CHECKING:
    from submissions.models import Attempt, Group, Quest, Submission, Worker

PROJECT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 1400
DENSE_NET = "Sequential([Flatten(), Dense({}, activation='relu'), Dense(10, activation='softmax')])"
CONVOLUTIONAL_NET = """model = Sequential([
    Conv2D(16, 3, activation='relu'), MaxPooling2D(), Flatten(), Dropout(0.2), Dense(10, activation='softmax')])
model.fit(x, y, epochs=12)"""
LONG_NET = """model = Sequential([
    Conv2D(64, 5, padding='same', activation='relu'), Conv2D(64, 5, padding='same', activation='relu'), Flatten(),
    Dense(10, activation='softmax')])
model.fit(x, y, epochs=400)"""
# Name → group and model, in the order of submission. `tests.every_page` uses some of the names.
SUBMISSIONS = {
    "first": ("ITMALGrp04", "KNeighborsClassifier(n_neighbors=150)"),
    "forest": ("ITMALGrp01", "RandomForestClassifier(n_estimators=100)"),
    "few": ("ITMALGrp02", "RandomForestClassifier(n_estimators=10, max_depth=6)"),
    "near": ("ITMALGrp03", "KNeighborsClassifier(n_neighbors=1)"),
    "dense": ("ITMALGrp05", DENSE_NET.format(32)),
    "many": ("ITMALGrp02", "RandomForestClassifier(n_estimators=1000, max_features='log2')"),
    "knn": ("ITMALGrp01", "KNeighborsClassifier(n_neighbors=4, weights='distance')"),
    "scaled": ("ITMALGrp04", "make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=3, p=1))"),
    "wide": ("ITMALGrp05", DENSE_NET.format(256)),
    "net": ("ITMALGrp01", CONVOLUTIONAL_NET),
}
WARM_UP = {
    "warm-1": ("ITMALGrp01", "KNeighborsClassifier(n_neighbors=20)"),
    "warm-2": ("ITMALGrp02", "RandomForestClassifier(n_estimators=30)"),
    "warm-3": ("ITMALGrp03", "KNeighborsClassifier(n_neighbors=2, p=1.5)"),
    "warm-4": ("ITMALGrp02", "RandomForestClassifier(n_estimators=5)"),
}
MEMBERS = {
    "itmalgrp01": "Ada Lovelace", "itmalgrp02": "Alan Turing", "itmalgrp03": "Grace Hopper",
    "itmalgrp04": "Kurt Gödel", "itmalgrp05": "Emmy Noether", "instructor": "Carl Friedrich Gauß",
}  # fmt: skip


def fill(home: Path, part: str = "full") -> dict[str, Any]:
    """Fill the service in `home`; `part` is "full", or "failures" for the failed runs alone.

    Returns name → submission number or code, for the addresses in `tests.every_page`.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.showcase", part],
        cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "QUEST_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(part: str) -> dict[str, Any]:
    from submissions.models import Quest

    quest = Quest.objects.get(pk=1)
    if part == "failures":
        return create_revealed_quest(quest) | create_failed_runs(quest) | create_invitations(quest)
    name_members()
    warm_up = create_quest(quest, "Warm-up", private_share=0.4, final_runs=2)
    create_quest(quest, "Finale", state="draft", exclusive=True)
    numbers: dict[str, Any] = {name: submit(quest, *row) for name, row in SUBMISSIONS.items()}
    numbers |= {name: submit(warm_up, *row) for name, row in WARM_UP.items()} | {"revealed": warm_up.pk}
    wait_for(numbers.values())
    numbers |= create_failed_runs(quest)
    spread_over(timedelta(days=8))
    add_instructor_actions(quest, warm_up)
    numbers |= {name: submit(quest, "ITMALGrp01", LONG_NET) for name in ("running", "beside", "queued")}
    return numbers | create_invitations(quest)


def name_members() -> None:
    from submissions.models import User

    for username, name in MEMBERS.items():
        first, _, last = name.rpartition(" ")
        User.objects.filter(username=username).update(first_name=first, last_name=last)


def create_quest(quest: Quest, name: str, **rules: object) -> Quest:
    from submissions.models import Quest

    return Quest.objects.create(course=quest.course, name=name, dataset="digits", **{"state": "open", **rules})


def group_named(name: str, quest: Quest) -> Group:
    from submissions.models import Group

    return Group.objects.get(name=name, course=quest.course)


def submit(quest: Quest, group: str, text: str) -> int:
    from submissions.intake import submit as intake
    from submissions.notation.reader import read

    own = group_named(group, quest)
    member = own.memberships.get().user
    spec = read(text, dataset=quest.dataset).spec
    return intake.submit(quest=quest, group=own, submitter=member, spec=spec)[0].pk


def wait_for(numbers: Iterable[int]) -> None:
    from submissions.models import Submission

    deadline = time.monotonic() + TIMEOUT_S
    while left := Submission.objects.filter(pk__in=list(numbers)).live().count():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{left} submissions are not trained after {TIMEOUT_S} seconds.")
        time.sleep(0.5)


def create_revealed_quest(quest: Quest) -> dict[str, int]:
    """A revealed quest with one score; returns its number."""
    warm_up = create_quest(quest, "Warm-up", private_share=0.4)
    wait_for([submit(warm_up, *WARM_UP["warm-1"])])
    reveal(warm_up)
    return {"revealed": warm_up.pk}


def reveal(quest: Quest) -> None:
    from submissions.models import User
    from submissions.quests import lifecycle

    for state in ("closed", "revealed"):
        lifecycle.move_quest(quest, state, user=User.objects.get(username="instructor"))  # type: ignore[arg-type]


def create_failed_runs(quest: Quest) -> dict[str, int]:
    """A run that needed too much memory and one that took too long, ended by the functions that workers use."""
    from submissions.models import Exit
    from submissions.queue import leases

    with exclusive_worker() as worker:
        failed = submit(quest, "ITMALGrp01", "RandomForestClassifier(n_estimators=9000)")
        for _ in range(2):
            reason = f"It needed more than {quest.memory_mb:,} MB, the quest's limit for one run."
            leases.release(claim(failed, worker), Exit.OUT_OF_MEMORY, reason=reason)
        timed_out = submit(quest, "ITMALGrp01", DENSE_NET.format(2000))
        leases.time_out(claim(timed_out, worker))
    return {"failed": failed, "timed_out": timed_out}


def claim(number: int, worker: Worker) -> Attempt:
    from submissions.queue import claims

    attempt = claims.claim(device="cpu", worker=worker)
    if attempt is None or attempt.submission_id != number:
        raise RuntimeError(f"Submission {number} is not the next to be claimed.")
    return attempt


@contextmanager
def exclusive_worker() -> Iterator[Worker]:
    """A worker whose runs this module claims, while the other workers are paused."""
    from submissions.models import Hardware, Worker

    others = list(Worker.objects.alive().values_list("pk", flat=True))
    Worker.objects.filter(pk__in=others).update(duty="paused")
    machine = Hardware.objects.earliest("pk")
    worker = Worker.objects.create(name="cpu@lab", host="lab", pid=1, device="cpu", version="", hardware=machine)
    try:
        yield worker
    finally:
        Worker.objects.filter(pk=worker.pk).update(stopped_at=timezone.now())
        Worker.objects.filter(pk__in=others).update(duty="on")


def create_invitations(quest: Quest) -> dict[str, Any]:
    """An invitation, a newcomer's one-time link, and a worker's number, for pages that need them."""
    from submissions.groups import invitations, login_slips
    from submissions.models import Membership, User, Worker

    group = group_named("ITMALGrp05", quest)
    newcomer = User.objects.create_user("alonzo", first_name="Alonzo", last_name="Church")  # without a password
    Membership.objects.create(user=newcomer, group=group, course=group.course)
    return {
        "code": invitations.invite(group, user=newcomer),
        "welcome": login_slips.one_time_link(newcomer, base_url=""),
        "worker": Worker.objects.alive().filter(device="cpu").latest("pk").pk,
    }


def spread_over(span: timedelta) -> None:
    """Move the submissions' times back, evenly over the last `span`; the newest stays as it is."""
    from submissions.models import Submission

    rows = list(Submission.objects.order_by("-pk"))
    for age, row in enumerate(rows):
        backdate(row, span * age / len(rows))


def backdate(row: Submission, by: timedelta) -> None:
    times = ("submitted_at", "ranked_at", "finished_at")
    type(row).objects.filter(pk=row.pk).update(**{name: F(name) - by for name in times})
    row.attempts.update(started_at=F("started_at") - by, ended_at=F("ended_at") - by)
    row.events.update(at=F("at") - by)


def add_instructor_actions(quest: Quest, warm_up: Quest) -> None:
    """An announcement, a reveal, an extension and an invitation."""
    from submissions.groups import invitations
    from submissions.models import Quest, User
    from submissions.quests import announcements, extensions

    instructor = User.objects.get(username="instructor")
    now = timezone.now()
    Quest.objects.filter(Q(pk=quest.pk)).update(opens_at=now - timedelta(days=9), closes_at=now + timedelta(days=5))
    quest.refresh_from_db()
    announcements.announce(quest, "Hand in by Friday noon; the lab stays open until then.", user=instructor)
    reveal(warm_up)
    fifth = group_named("ITMALGrp05", quest)
    extensions.extend(quest=quest, group=fifth, user=instructor, reason="ill for a week", extra_submissions=10)
    first = group_named("ITMALGrp01", quest)
    invitations.invite(first, user=first.memberships.get().user)


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(sys.argv[1])) + "\n")
