"""The queue's own cast: another group that submits, and a GPU worker beside the CPU worker."""

from __future__ import annotations

from typing import Any

import pytest

from submissions.models import Group, User, Worker


@pytest.fixture
def other(stranger: User, other_group: Group) -> dict[str, Any]:
    """The arguments of `submit` for the stranger and their group."""
    return {"submitter": stranger, "group": other_group}


@pytest.fixture
def gpu_worker(worker: Worker) -> Worker:
    return Worker.objects.create(
        name="gpu@here", host="here", pid=2, device="gpu", slots=1, version="test", hardware=worker.hardware
    )
