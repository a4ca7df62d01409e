"""For interpreters under libfaketime, which read this as they start.

Python's own sleep lasts until an instant of the monotonic clock; libfaketime 0.9.10, told to leave that clock alone,
fails it with 'Invalid argument'.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: float | SupportsIndex) -> None:
    select.select([], [], [], float(seconds))


time.sleep = sleep
