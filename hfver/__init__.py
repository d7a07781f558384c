"""hfver: a git tag is a model release.

Public names are resolved on first use, so that ``import hfver`` stays light for the hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hfver.manager import HuggingFaceManager
    from hfver.record import RecordedRun, record_run

__all__ = ["HuggingFaceManager", "RecordedRun", "__version__", "record_run"]

_PUBLIC = {"HuggingFaceManager": "hfver.manager", "RecordedRun": "hfver.record", "record_run": "hfver.record"}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PUBLIC[name]), name)
