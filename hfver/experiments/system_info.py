"""The machine an experiment ran on, as far as its record tells: nothing that names its owner."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = (
    "torch", "transformers", "tokenizers", "safetensors", "accelerate", "peft", "datasets", "numpy", "scikit-learn",
    "tensorflow", "jax", "dvc", "dvclive", "huggingface_hub",
)  # fmt: skip
_GPU_QUERY = ("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
_GPU_SECONDS = 5


def system_info() -> Mapping[str, Any]:
    """Python, platform, versions of the packages that matter, CPU, memory and GPUs. No host or user name."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(terse=True),
        "machine": platform.machine(),
        "packages": package_versions(),
        "cpu": {"count": os.cpu_count(), "model": _cpu_model()},
        "memory_bytes": _memory(),
        "gpus": gpus(),
    }


def package_versions(names: tuple[str, ...] = _PACKAGES) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def gpus() -> list[dict[str, Any]]:
    """NVIDIA cards by their own tool; torch would take seconds to import."""
    if shutil.which(_GPU_QUERY[0]) is None:
        return []
    try:
        done = subprocess.run(_GPU_QUERY, capture_output=True, text=True, timeout=_GPU_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return []
    cards = [line.split(", ") for line in done.stdout.splitlines()] if done.returncode == 0 else []
    return [
        {"name": name, "memory_mib": int(memory) if memory.isdigit() else None, "driver": driver}
        for name, memory, driver in (card for card in cards if len(card) == 3)
    ]


def _cpu_model() -> str:
    if sys.platform == "linux":
        try:
            with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if line.startswith("model name"):
                        return line.partition(":")[2].strip()
        except OSError:
            pass
    return platform.processor()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
