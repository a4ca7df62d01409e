"""Submitting: validates a model, checks deadline and quota under a lock, and queues it. This is the only way in."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from submissions.database.write_lock import writing
from submissions.models import Device, Event, Group, Quest, Submission, User
from submissions.notation.writer import headline, render
from submissions.quests.quotas import closed_reason, is_open_for, quota, wait_reason
from submissions.quests.refusal import check_not_archived, refuse
from submissions.queue.lifecycle import record
from submissions.queue.wakeups import QUEUES, wake
from submissions.specs import engines
from submissions.specs.families import family_of
from submissions.specs.shapes import parameters
from submissions.specs.spec import Spec, dump
from submissions.specs.validation import validate


def submit(
    *,
    quest: Quest,
    submitter: User,
    group: Group | None,
    spec: Spec,
    device: str = "",
    engine: str = "",
    note: str = "",
    idempotency_key: str | None = None,
) -> tuple[Submission, bool]:
    """Queue `spec` for `group`; instructors (no group) submit out of competition.

    Returns the submission and whether it is new: a known `idempotency_key` returns the earlier submission. Raises
    Refused, or SpecError if the spec does not fit the quest's data set and limits. A broker that is down does no harm:
    the reaper wakes the workers later.
    """
    device = device or devices_for(spec)[0]
    _check_device(spec, device)
    fingerprints = _fingerprints(quest, spec, device, engine, note)
    with writing():
        # Parallel posts of the same user or group wait here for each other, so they can neither exceed the group's
        # quota nor use one idempotency key twice.
        User.objects.select_for_update().get(pk=submitter.pk)
        if group is not None:
            Group.objects.select_for_update().get(pk=group.pk)
        if earlier := _earlier(submitter, idempotency_key, fingerprints):
            return earlier, False
        # Read again and locked: neither deadline nor data set may change before the commit.
        quest = Quest.objects.select_for_update(of=("self",)).select_related("course").get(pk=quest.pk)
        _check_entry(quest, submitter, group)
        _check_engine(quest, engine)
        validate(dump(spec), dataset=quest.dataset, limits=quest.limits, offered_only=False)
        now = timezone.now()
        submission = Submission.objects.create(
            quest=quest,
            group=group,
            submitter=submitter,
            out_of_competition=group is None,
            device=device,
            engine=engine or quest.default_engine,
            seed=secrets.randbelow(2**31),
            note=note,
            submitted_at=now,
            ranked_at=now,
            idempotency_key=idempotency_key,
            idempotency_body=fingerprints[0] if idempotency_key else "",
            **_spec_fields(spec),
        )
        record(submission, Event.Kind.SUBMITTED, actor=submitter.display_name, user=submitter)
        wake(QUEUES[Device(device)])
    return submission, True


def _spec_fields(spec: Spec) -> dict[str, Any]:
    counts = parameters(spec)
    return {
        "family": spec.family,
        "spec": dump(spec),
        "notation": render(spec),
        "headline": headline(spec),
        "parameters": sum(counts) if counts else None,
    }


def devices_for(spec: Spec) -> tuple[str, ...]:
    """The devices that a submission of `spec` may ask for, the default first; `auto` if there is a choice."""
    devices = family_of(spec).devices
    return devices if len(devices) == 1 else (Device.AUTO.value, *devices)


def _check_device(spec: Spec, device: str) -> None:
    devices = devices_for(spec)
    if device not in devices:
        words = {"family": family_of(spec).label, "offered": ", ".join(devices), "device": device}
        raise refuse("device", _("%(family)s runs on %(offered)s, not on %(device)r.") % words)


def _check_engine(quest: Quest, engine: str) -> None:
    if engine and engine not in quest.engines:
        raise refuse("engine", engine_refusal(quest, engine))


def engine_refusal(quest: Quest, engine: str) -> str:
    """A sentence that says why `quest` does not accept `engine`."""
    if engine in engines.names():
        words = {"engine": engine, "offered": _(" or ").join(quest.engines)}
        return _("This quest does not accept the %(engine)s engine, only %(offered)s.") % words
    words = {"engine": engine, "offered": ", ".join(quest.engines)}
    return _("There is no engine %(engine)r. This quest offers %(offered)s.") % words


def _fingerprints(quest: Quest, spec: Spec, device: str, engine: str, note: str) -> list[str]:
    """Hashes of this request and of its equivalent, with the default engine named or left out."""
    same = {"": quest.default_engine, quest.default_engine: ""}
    engines = [engine, same[engine]] if engine in same else [engine]
    return [_fingerprint([quest.pk, dump(spec), device, one, *([note] if note else [])]) for one in engines]


def _fingerprint(body: list[object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _earlier(submitter: User, key: str | None, fingerprints: Sequence[str]) -> Submission | None:
    if key is None:
        return None
    earlier = Submission.objects.filter(submitter=submitter, idempotency_key=key).first()
    if earlier and earlier.idempotency_body not in fingerprints:
        words = _("This key was already used for submission %(id)s, which is a different one.")
        raise refuse("Idempotency-Key", words % {"id": earlier.pk}, status=409)
    return earlier


def _check_entry(quest: Quest, submitter: User, group: Group | None) -> None:
    if group is None:
        if not submitter.is_staff:
            raise refuse("group", _("You are not in a group of this course. Ask your instructor."), status=403)
        return check_not_archived(quest)
    if group.course_id != quest.course_id:
        words = _("%(group)s and %(quest)s belong to different courses.")
        raise refuse("quest", words % {"group": group, "quest": quest}, status=403)
    if not is_open_for(quest, group):
        raise refuse("quest", closed_reason(quest, group), status=403)
    allowance = quota(quest, group)
    if allowance.next_at:
        wait = allowance.next_at - timezone.now()
        raise refuse("quest", wait_reason(quest, allowance), status=429, retry_after=wait)
