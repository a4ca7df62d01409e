"""Python reads this module at startup; it makes `time.sleep` work under libfaketime.

Python sleeps until an instant of the monotonic clock. With DONT_FAKE_MONOTONIC, libfaketime 0.9.10 fails that call with
'Invalid argument'.
"""

import select
import time
from typing import SupportsIndex


def sleep(seconds: float | SupportsIndex) -> None:
    select.select([], [], [], float(seconds))


time.sleep = sleep
