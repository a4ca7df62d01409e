"""The description of a machine, and the probes that watch a run."""

from __future__ import annotations

import tempfile
import time

import numpy as np
import pytest

from workers.probes import energy, hardware
from workers.probes.usage import HostLoad, Sampler

pytestmark = pytest.mark.slow


def test_this_machine_is_described():
    machine = hardware.describe()

    assert machine["cpu"]
    assert machine["cores_logical"] >= machine["cores_physical"] >= 1
    assert machine["ram_bytes"] > 1 << 30
    assert machine["os"]
    assert len(machine["key"]) == 16


def test_hardware_for_a_run_on_the_cpu_leaves_out_the_gpu(monkeypatch):
    gpu = {"name": "NVIDIA T4", "memory_bytes": 16 << 30, "driver": "550.1", "cuda": "12.4"}
    monkeypatch.setattr(hardware, "detected_gpus", lambda: (gpu,))
    hardware.describe.cache_clear()

    with_gpu, without = hardware.describe("gpu"), hardware.describe("cpu")
    hardware.describe.cache_clear()

    assert (with_gpu["gpu"], without["gpu"]) == (gpu, None)
    assert with_gpu["key"] != without["key"]


def test_a_little_less_memory_is_the_same_hardware(monkeypatch):
    keys = set()
    for ram in (16_700_000_000, 16_690_000_000, 33_000_000_000):
        monkeypatch.setattr(hardware, "ram_bytes", lambda ram=ram: ram)
        hardware.describe.cache_clear()
        keys.add(hardware.describe("cpu")["key"])
    hardware.describe.cache_clear()

    assert len(keys) == 2


@pytest.mark.parametrize(
    ("said", "normal"),
    [
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "Intel Xeon E5-2680 v4"),
        ("AMD Ryzen 9 7950X 16-Core Processor", "AMD Ryzen 9 7950X"),
        ("Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz", "Intel Core i7-8650U"),
        ("Intel(R) Xeon(R) Processor", "Intel Xeon"),
        ("Apple M2 Pro", "Apple M2 Pro"),
        ("", "unknown CPU"),
    ],
)
def test_a_cpus_name_loses_trademarks_and_clock(said, normal):
    assert hardware.normalised(said) == normal


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    package = tmp_path / "intel-rapl:0"
    package.mkdir()
    (package / "max_energy_range_uj").write_text("262143328850\n")
    (tmp_path / "intel-rapl:0:0").mkdir()  # the package's cores: already counted in it
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    return package / "energy_uj"


def test_energy_is_read_from_the_cpus_counter(powercap):
    powercap.write_text("1000000\n")
    drawn = energy.start("cpu")
    powercap.write_text("3500000\n")

    assert drawn() == {"method": "rapl", "joules": 2.5}


def test_a_counter_that_restarted_at_zero_is_read_right(powercap):
    powercap.write_text("262142328850\n")
    drawn = energy.start("cpu")
    powercap.write_text("500000\n")

    assert drawn() == {"method": "rapl", "joules": 1.5}


def test_without_a_counter_the_energy_is_unknown_and_not_zero(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)

    assert energy.start("cpu")() == {"method": "none", "joules": None}
    assert energy.start("gpu")() == {"method": "none", "joules": None}


def test_without_a_counter_energy_is_estimated_if_the_operator_gave_the_watts_of_a_core(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    monkeypatch.setenv("QUEST_WATTS_PER_CORE", "8")
    used = iter([10.0, 12.5])
    monkeypatch.setattr(energy, "cpu_seconds", lambda: next(used))

    drawn = energy.start("cpu")

    assert drawn() == {"method": "estimate", "joules": 20.0}
    assert energy.start("gpu")() == {"method": "none", "joules": None}


def test_measured_energy_is_not_estimated(powercap, monkeypatch):
    monkeypatch.setenv("QUEST_WATTS_PER_CORE", "8")
    powercap.write_text("1000000\n")

    assert energy.start("cpu")()["method"] == "rapl"


def test_peak_memory_is_measured_for_each_run_alone():
    with Sampler() as hungry:
        np.ones(300 << 17)
    with Sampler() as modest:
        pass

    assert hungry.peak_memory_bytes - modest.peak_memory_bytes > 200 << 20


def test_a_run_in_one_thread_is_counted_as_one():
    with Sampler() as sampler:
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            sum(range(1_000))

    assert sampler.threads_used == 1


def test_runs_at_the_same_time_see_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with HostLoad(threads=1) as first, HostLoad(threads=1) as second:
        pass

    assert (first.readings()["other_runs"], second.readings()["other_runs"]) == (0, 1)
    with HostLoad(threads=1) as later:
        pass
    assert later.readings()["other_runs"] == 0
