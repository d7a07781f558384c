"""hfver: a git tag is a model release.

Public names are resolved on first use, so that ``import hfver`` stays light for the hooks.
"""

from __future__ import annotations

__version__ = "0.1.0"
