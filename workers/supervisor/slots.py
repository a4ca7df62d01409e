"""How a machine is divided among runs: how many slots there are, and what each run gets of the cores.

Many small runs side by side give a class more than one after another: no library here uses a second core as well as a
second run does. A run that is alone gets all cores, which the claim grants (`Attempt.threads_asked`).
"""

from __future__ import annotations

from typing import Any

import psutil

from submissions.specs import cost
from submissions.specs.network import CNN
from submissions.specs.spec import DATASETS, SpecError
from submissions.specs.validation import validate
from workers.probes.hardware import ram_bytes

# What a trainer takes with TensorFlow, MNIST and a network of the usual size in memory.
MEMORY_A_SLOT = 3 << 29
# TensorFlow takes its threads once, as it starts: another trainer costs some seconds, and a network of short steps is
# no faster on more threads (docs/performance.md).
WORTH_ANOTHER_TRAINER_S = 60
LONG_STEP_S = 0.01


def usual_slots() -> int:
    """One for each core, as far as the memory reaches."""
    return max(1, min(psutil.cpu_count() or 1, ram_bytes() // MEMORY_A_SLOT))


def gains_by_threads(spec: dict[str, Any], dataset: str) -> bool:
    """Whether this network is worth a trainer of its own, with more threads than a slot's share."""
    try:
        net = validate(spec, dataset=dataset, offered_only=False)
    except SpecError:
        return False  # the trainer says what is wrong with it
    if not isinstance(net, CNN):
        return False
    images = DATASETS[dataset]
    seconds = cost.estimated_seconds(net, images, accelerated=True) or 0.0
    return seconds >= WORTH_ANOTHER_TRAINER_S and seconds / net.steps(images) >= LONG_STEP_S


if __name__ == "__main__":  # for what starts Celery by itself: `celery worker -c $(python -m workers.supervisor.slots)`
    print(usual_slots())  # noqa: T201
