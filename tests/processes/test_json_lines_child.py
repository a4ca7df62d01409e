"""A child that is spoken to in JSON lines: whole lines, a deadline for each wait, and no process left behind."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from submissions.processes.json_lines_child import ChildGone, JsonLinesChild
from tests.trainers import gone

ECHO = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
IN_PARTS = """
import sys, time
for part in ('{"a"', ': 1}\\n{', '"b": 2}\\nlast'):
    print(part, end='', flush=True)
    time.sleep(0.05)
"""
WITH_A_CHILD = "import subprocess, sys\nprint(subprocess.Popen(['sleep', '60']).pid, flush=True)\nsys.stdin.read()"
DEAF = "import time\ntime.sleep(60)"


@pytest.fixture
def started():
    """Starts a child that runs this code."""
    children = []

    def started(code: str) -> JsonLinesChild:
        children.append(JsonLinesChild())
        children[-1].launch([sys.executable, "-c", code])
        return children[-1]

    yield started
    for child in children:
        child.kill()


def soon() -> float:
    return time.monotonic() + 20


def test_a_line_larger_than_the_pipe_arrives_whole(started):
    child = started(ECHO)
    message = {"text": "x" * 50_000}

    child.write_line(message, deadline=soon())

    assert json.loads(child.read_line(deadline=soon())) == message


def test_lines_that_come_in_parts_are_put_together_and_half_a_line_at_the_end_is_none(started):
    child = started(IN_PARTS)

    assert [child.read_line(deadline=soon()) for _ in range(2)] == [b'{"a": 1}', b'{"b": 2}']
    with pytest.raises(ChildGone):
        child.read_line(deadline=soon())


def test_a_child_that_says_nothing_is_waited_for_until_the_deadline(started):
    assert started(DEAF).read_line(deadline=time.monotonic() + 0.1) is None


def test_a_child_that_does_not_read_is_waited_for_until_the_deadline(started):
    with pytest.raises(ChildGone):
        started(DEAF).write_line({"text": "x" * (1 << 20)}, deadline=time.monotonic() + 0.2)


def test_killing_ends_the_whole_session_and_may_be_repeated(started):
    child = started(WITH_A_CHILD)
    grandchild = int(child.read_line(deadline=soon()) or 0)

    child.kill()
    child.kill()

    assert not child.alive()
    assert child.exit_code == -9
    assert gone(grandchild)


def test_a_fork_does_not_end_the_child_of_its_parent(started):
    child = started(ECHO)
    if (fork := os.fork()) == 0:
        child.kill()
        os._exit(child.alive())
    assert os.waitpid(fork, 0)[1] == 0

    assert child.alive()
