"""What a run drew, where the machine can say. The method is always named; without one the figure is None, not zero."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from workers.probes.usage import cpu_seconds

WATTS_PER_CORE = "QUEST_WATTS_PER_CORE"  # a whole number, which config.environment checks; 0 for nothing known
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
POWERCAP = Path("/sys/class/powercap")

Meter = Callable[[], float]


def start(device: str) -> Callable[[], dict[str, Any]]:
    """Begin to measure; the function that comes back gives `{"method", "joules"}` since then.

    `nvml` is the GPU alone; `rapl` the CPU packages of the whole machine, other runs included; `estimate` what the
    operator says that a busy core draws, for the run's CPU seconds. Of a GPU nothing is estimated: it draws the most.
    """
    meters = {"nvml": _nvml} if device == "gpu" else {"rapl": _rapl, "estimate": _estimate}
    for method, begin in meters.items():
        if meter := begin():
            return partial(_drawn, method, meter)
    return lambda: {"method": "none", "joules": None}


def _drawn(method: str, meter: Meter) -> dict[str, Any]:
    return {"method": method, "joules": round(meter(), 3)}


def _nvml() -> Meter | None:
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:  # noqa: BLE001 - no library, no driver, or a GPU older than Volta: all mean that nothing can be read
        return None
    return lambda: (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) - before) / 1000


def _rapl() -> Meter | None:
    """Packages are `intel-rapl:N`; `intel-rapl:N:M` are parts of them. AMD's counters appear under the same name."""
    packages = [folder for folder in POWERCAP.glob("intel-rapl:*") if folder.name.count(":") == 1]
    try:
        before = {folder: _microjoules(folder) for folder in packages}
    except OSError:  # since 2020 only root may read it
        return None
    if not before:
        return None
    return lambda: sum(_since(folder, then) for folder, then in before.items()) / 1e6


def _estimate() -> Meter | None:
    watts = os.environ.get(WATTS_PER_CORE, "").strip()
    if not watts.isdigit() or int(watts) == 0:
        return None
    before = cpu_seconds()
    # A run that is shorter than a tick of that clock drew something too.
    return lambda: max(TICK_S, cpu_seconds() - before) * int(watts)


def _since(folder: Path, then: int) -> int:
    drawn = _microjoules(folder) - then
    # The counter starts again at zero once it is full.
    return drawn if drawn >= 0 else drawn + int((folder / "max_energy_range_uj").read_text())


def _microjoules(folder: Path) -> int:
    return int((folder / "energy_uj").read_text())
