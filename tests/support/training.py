"""Programs that load models with transformers, each in an interpreter of its own: the Hub is chosen when it starts."""

from __future__ import annotations

import pytest

# One thread: the machine has other tests to run. Everything comes from the Hub that is named, nothing from elsewhere.
QUIET = {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def need_training() -> None:
    """Skip, and say why, where the training extra is not installed; `make test-slow` installs it."""
    for name in ("torch", "transformers", "accelerate"):
        pytest.importorskip(name, reason="needs the training extra: make test-slow")
