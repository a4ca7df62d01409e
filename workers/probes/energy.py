"""The energy of a run, in joules, where the machine can measure it; None where it cannot, never zero."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from workers.probes.usage import cpu_seconds
from workers.processes.protocol import EnergyReading

WATTS_PER_CORE = "QUEST_WATTS_PER_CORE"  # a whole number, which config.environment checks; 0: unknown
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
POWERCAP = Path("/sys/class/powercap")

Meter = Callable[[], float]


def start(device: str) -> Callable[[], EnergyReading]:
    """Start measuring; the returned function gives the energy used since then.

    Methods: `nvml` is the GPU alone; `rapl` the CPU packages of the whole machine, other runs included; `estimate` the
    run's CPU seconds times the watts that the operator gave for a busy core; `none`. For a run on a GPU nothing is
    estimated: the GPU uses most of the energy.
    """
    meters = {"nvml": _nvml} if device == "gpu" else {"rapl": _rapl, "estimate": _estimate}
    for method, begin in meters.items():
        if meter := begin():
            return partial(_reading, method, meter)
    return lambda: {"method": "none", "joules": None}


def _reading(method: str, meter: Meter) -> EnergyReading:
    return {"method": method, "joules": round(meter(), 3)}


def _nvml() -> Meter | None:
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        before = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:  # noqa: BLE001 - no library, no driver, or a GPU older than Volta: there is no counter
        return None
    return lambda: (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) - before) / 1000


def _rapl() -> Meter | None:
    """Sums the packages, `intel-rapl:N`; `intel-rapl:N:M` are parts of them. AMD's counters have the same names."""
    packages = [folder for folder in POWERCAP.glob("intel-rapl:*") if folder.name.count(":") == 1]
    try:
        before = {folder: _microjoules(folder) for folder in packages}
    except OSError:  # since 2020 only root may read the counters
        return None
    if not before:
        return None
    return lambda: sum(_microjoules_since(folder, then) for folder, then in before.items()) / 1e6


def _estimate() -> Meter | None:
    watts = os.environ.get(WATTS_PER_CORE, "").strip()
    if not watts.isdigit() or int(watts) == 0:
        return None
    before = cpu_seconds()
    # At least one tick of that clock: a shorter run used energy too.
    return lambda: max(TICK_S, cpu_seconds() - before) * int(watts)


def _microjoules_since(folder: Path, then: int) -> int:
    used = _microjoules(folder) - then
    # The counter restarts at zero once it is full.
    return used if used >= 0 else used + int((folder / "max_energy_range_uj").read_text())


def _microjoules(folder: Path) -> int:
    return int((folder / "energy_uj").read_text())
