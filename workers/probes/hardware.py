"""Describes this machine's hardware, which every attempt records."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import psutil

# The instruction sets that the libraries use: py-cpuinfo's name → our label. AMX and VNNI do most int8 arithmetic.
INSTRUCTION_SETS = {
    "avx2": "avx2",
    "avx512f": "avx512f",
    "avx512_vnni": "vnni",
    "avx_vnni": "vnni",
    "amx_tile": "amx",
    "amx_bf16": "amx-bf16",
    "amx_int8": "amx-int8",
    "neon": "neon",
    "asimd": "neon",
    "sve": "sve",
}

CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")
GIB = 1 << 30


@cache
def describe(device: str | None = None) -> dict[str, Any]:
    """CPU, cores, instruction sets, memory, operating system and GPU, with a `key` that equal machines share.

    For `device="cpu"` the GPU is left out: a run on the CPU does not use it. Takes a second, once a process.
    """
    found = detected_gpus() if device != "cpu" else ()
    machine = {
        "cpu": detected_cpu()["model"],
        "cores_physical": psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        "cores_logical": psutil.cpu_count() or 1,
        "instruction_sets": detected_cpu()["instruction_sets"],
        "ram_bytes": ram_bytes(),
        "os": _operating_system(),
        "gpu": dict(found[0]) if found else None,
    }
    # Rounded, since kernels reserve a little more or less memory from one boot to the next.
    like = {**machine, "ram_bytes": round(ram_bytes() / GIB)}
    return {**machine, "key": hashlib.sha256(json.dumps(like, sort_keys=True).encode()).hexdigest()[:16]}


def has_gpu() -> bool:
    return bool(detected_gpus())


def gpu_answers() -> bool:
    """Whether a GPU answers now: it may have failed since the start, or its driver."""
    detected_gpus.cache_clear()
    try:
        return has_gpu()
    except Exception:  # noqa: BLE001 - NVML has an error for each way to lose a GPU
        return False


def normalised(model: str) -> str:
    """A CPU's name without trademarks, cores and clock: `Intel(R) Xeon(R) CPU E5 @ 2.40GHz` → `Intel Xeon E5`."""
    bare = re.sub(r"\((R|TM|C)\)|@.*|\bCPU\b|\b\d+-Core\b|\bProcessor\b", " ", model, flags=re.IGNORECASE)
    return " ".join(bare.split()) or "unknown CPU"


@cache
def detected_cpu() -> dict[str, Any]:
    import cpuinfo  # takes a second, so only where it is needed

    info = cpuinfo.get_cpu_info()
    flags = info.get("flags", [])
    sets = sorted({label for flag, label in INSTRUCTION_SETS.items() if flag in flags})
    return {"model": normalised(info.get("brand_raw") or platform.machine()), "instruction_sets": sets}


def ram_bytes() -> int:
    """The memory of this machine, or of the container around this process."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(CGROUP_MEMORY.read_text()))
    except (OSError, ValueError):  # no cgroup, or "max"
        return total


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


@cache
def detected_gpus() -> tuple[dict[str, Any], ...]:
    """name, memory_bytes, driver and cuda (version) of each NVIDIA GPU, found without TensorFlow."""
    try:
        import pynvml
    except ImportError:
        return gpus_from_nvidia_smi()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        return tuple(_from_nvml(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    finally:
        pynvml.nvmlShutdown()


def _from_nvml(nvml: Any, index: int) -> dict[str, Any]:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    cuda = nvml.nvmlSystemGetCudaDriverVersion()
    return {
        "name": nvml.nvmlDeviceGetName(handle),
        "memory_bytes": int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
        "driver": nvml.nvmlSystemGetDriverVersion(),
        "cuda": f"{cuda // 1000}.{cuda % 1000 // 10}",
    }


def gpus_from_nvidia_smi() -> tuple[dict[str, Any], ...]:
    if not shutil.which("nvidia-smi"):
        return ()
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [[cell.strip() for cell in line.split(",")] for line in lines if line.count(",") == 2]
    return tuple(
        {"name": name, "memory_bytes": int(mebibytes) << 20, "driver": driver, "cuda": None}
        for name, mebibytes, driver in rows
        if mebibytes.isdigit()
    )
