"""hfver: a git tag is a model release.

Public names are resolved on first use, so that ``import hfver`` stays light for the hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hfver.manager import HuggingFaceManager

__all__ = ["HuggingFaceManager", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "HuggingFaceManager":
        from hfver.manager import HuggingFaceManager

        return HuggingFaceManager
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
