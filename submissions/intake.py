"""The only way in: a submission is validated, checked against deadline and quota under a lock, and queued."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from submissions import notation
from submissions.families.registry import family_of
from submissions.families.shapes import parameters
from submissions.locks import writing
from submissions.models import Device, Engine, Event, Group, Quest, State, Submission, User
from submissions.moves import record
from submissions.specs import Spec, dump
from submissions.wakeups import QUEUES, wake


@dataclass
class Refused(Exception):
    """A submission that is not taken. `errors` name their field; `status` is what HTTP calls it."""

    errors: Sequence[dict[str, str]]
    status: int = 400
    retry_after: timedelta | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join(error["message"] for error in self.errors)


def refuse(name: str, message: str, **more: Any) -> Refused:
    return Refused([{"field": name, "message": message}], **more)


@dataclass(frozen=True, slots=True)
class Quota:
    """What a group may still submit to a quest. `left` is None where there is no daily quota."""

    limit: int | None
    used: int
    left: int | None
    next_at: datetime | None

    @property
    def spent(self) -> bool:
        return self.next_at is not None


def quota(quest: Quest, group: Group) -> Quota:
    """The group's quota now: by the calendar day of the quest's time zone, refunded ones left out."""
    now = timezone.now()
    midnight = now.astimezone(quest.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = Submission.objects.filter(
        quest=quest, group=group, rerun_of=None, refunded=False, out_of_competition=False
    )
    used = counted.filter(submitted_at__gte=midnight).count()
    left = None if quest.daily_quota is None else max(0, quest.daily_quota - used)
    last = counted.order_by("-submitted_at").values_list("submitted_at", flat=True).first()
    waits = [last + timedelta(seconds=quest.min_interval_seconds)] if last else []
    if left == 0:
        # Wall-clock arithmetic in the zone: the day that the clocks change has 23 or 25 hours.
        waits.append(midnight + timedelta(days=1))
    pending = [at for at in waits if at > now]
    return Quota(limit=quest.daily_quota, used=used, left=left, next_at=max(pending, default=None))


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

    Gives the submission and whether it is new: with an `idempotency_key` seen before, the first one is given again.
    Raises Refused. A broker that is down does not matter: the reaper wakes the workers later.
    """
    device = device or devices_for(spec)[0]
    _check_choices(spec, device, engine)
    fingerprint = _fingerprint(quest, spec, device, engine)
    with writing():
        # Whoever submits for this group waits here, so that parallel posts cannot pass its quota.
        if group is not None:
            Group.objects.select_for_update().get(pk=group.pk)
        else:
            User.objects.select_for_update().get(pk=submitter.pk)
        if earlier := _earlier(submitter, idempotency_key, fingerprint):
            return earlier, False
        _check_entry(quest, submitter, group)
        now = timezone.now()
        submission = Submission.objects.create(
            quest=quest,
            group=group,
            submitter=submitter,
            out_of_competition=group is None,
            device=device,
            engine=engine or Engine.STOCK,
            seed=secrets.randbelow(2**31),
            note=note,
            submitted_at=now,
            ranked_at=now,
            idempotency_key=idempotency_key,
            idempotency_body=fingerprint if idempotency_key else "",
            **_described(spec),
        )
        record(submission, Event.Kind.SUBMITTED, actor=submitter.display_name, user=submitter)
        wake(QUEUES[Device(device)])
    return submission, True


def _described(spec: Spec) -> dict[str, Any]:
    counts = parameters(spec)
    return {
        "family": spec.family,
        "spec": dump(spec),
        "notation": notation.render(spec),
        "headline": notation.headline(spec),
        "parameters": sum(counts) if counts else None,
    }


def devices_for(spec: Spec) -> tuple[str, ...]:
    """What a submission of `spec` may ask for, the default first: `auto` where there is a choice."""
    devices = family_of(spec).devices
    return devices if len(devices) == 1 else (Device.AUTO.value, *devices)


def _check_choices(spec: Spec, device: str, engine: str) -> None:
    devices = devices_for(spec)
    if device not in devices:
        offered = ", ".join(devices)
        raise refuse("device", f"{family_of(spec).label} runs on {offered}, not on {device!r}.")
    if engine and engine not in Engine.values:
        raise refuse("engine", f"There is no engine {engine!r}; there is {', '.join(Engine.values)}.")


def _fingerprint(quest: Quest, spec: Spec, device: str, engine: str) -> str:
    body = json.dumps([quest.pk, dump(spec), device, engine], sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()


def _earlier(submitter: User, key: str | None, fingerprint: str) -> Submission | None:
    if key is None:
        return None
    earlier = Submission.objects.filter(submitter=submitter, idempotency_key=key).first()
    if earlier and earlier.idempotency_body != fingerprint:
        raise refuse(
            "Idempotency-Key", f"This key already stands for submission {earlier.pk}, which is another one.", status=409
        )
    return earlier


def _check_entry(quest: Quest, submitter: User, group: Group | None) -> None:
    quest.refresh_from_db()
    if group is None:
        if not submitter.is_staff:
            raise refuse("group", "You are in no group of this course: ask your instructor.", status=403)
        return
    if group.course_id != quest.course_id:
        raise refuse("quest", f"{group} belongs to another course than {quest}.", status=403)
    if not quest.is_open:
        raise refuse("quest", closed_because(quest), status=403)
    allowance = quota(quest, group)
    if allowance.next_at:
        at = allowance.next_at.astimezone(quest.zone)
        raise refuse(
            "quest",
            f"{_spent_words(quest, allowance)} The next submission is free at {at:%H:%M} on {at:%d/%m}.",
            status=429,
            retry_after=allowance.next_at - timezone.now(),
        )


def _spent_words(quest: Quest, allowance: Quota) -> str:
    if allowance.left == 0:
        return f"Your group has used its {allowance.limit} submissions of today."
    return f"A group may submit once every {quest.min_interval_seconds} seconds."


def closed_because(quest: Quest) -> str:
    """Why `quest` takes no submissions now, in a sentence."""
    now = timezone.now()
    if quest.opens_at and quest.opens_at > now:
        return f"{quest} opens {quest.opens_at.astimezone(quest.zone):%d/%m/%Y at %H:%M:%S} ({quest.time_zone})."
    if quest.closes_at and quest.closes_at <= now:
        return f"{quest} closed {quest.closes_at.astimezone(quest.zone):%d/%m/%Y at %H:%M:%S} ({quest.time_zone})."
    return f"{quest} is not open: it is {quest.get_state_display().lower()}."


def rerun(submission: Submission, *, user: User, reason: str = "") -> Submission:
    """Queue the same spec again, free of quota, with the first one's time for deadline and ties."""
    if submission.state in (State.QUEUED, State.RUNNING):
        raise refuse("submission", "It has not ended yet: only an ended submission can be run again.", status=409)
    copied = ["quest", "group", "submitter", "out_of_competition", "family", "spec", "notation", "headline"]
    copied += ["parameters", "device", "engine", "seed", "ranked_at"]
    with writing():
        again = Submission.objects.create(rerun_of=submission, **{name: getattr(submission, name) for name in copied})
        record(again, Event.Kind.RERUN, actor=user.display_name, user=user, reason=reason)
        wake(QUEUES[Device(again.device)])
    return again
