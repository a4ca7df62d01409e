"""Divides a machine among runs: the number of slots, and which runs are worth more threads.

A class is served better by many small runs side by side than by one after another: no library here uses a second core
as well as a second run does. A run that is alone gets all cores, which the claim grants (`Attempt.threads_asked`).
"""

from __future__ import annotations

from typing import Any

import psutil

from submissions.specs import cost
from submissions.specs.network import CNN
from submissions.specs.spec import DATASETS, SpecError
from submissions.specs.validation import validate
from workers.probes.hardware import ram_bytes

# A trainer's memory with TensorFlow, MNIST and a network of the usual size: 1.5 GiB.
SLOT_BYTES = 3 << 29
# TensorFlow takes its threads once, as it starts: another trainer costs some seconds, and a network of short steps is
# no faster on more threads (docs/performance.md).
WORTH_ANOTHER_TRAINER_S = 60
LONG_STEP_S = 0.01


def usual_slots() -> int:
    """One for each core, or fewer if the memory is too small for so many."""
    return max(1, min(psutil.cpu_count() or 1, ram_bytes() // SLOT_BYTES))


def gains_by_threads(spec: dict[str, Any], dataset: str) -> bool:
    """Whether the model is a network for which a trainer with more threads than a slot's share pays."""
    try:
        net = validate(spec, dataset=dataset, offered_only=False)
    except SpecError:
        return False  # the trainer will report the error
    if not isinstance(net, CNN):
        return False
    images = DATASETS[dataset]
    seconds = cost.estimated_seconds(net, images, accelerated=True) or 0.0
    return seconds >= WORTH_ANOTHER_TRAINER_S and seconds / net.steps(images) >= LONG_STEP_S


if __name__ == "__main__":  # for scripts that start Celery: `celery worker -c $(python -m workers.supervisor.slots)`
    print(usual_slots())  # noqa: T201
