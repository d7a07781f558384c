"""Paths that must never be written, whoever names them and wherever they are named."""

from __future__ import annotations

_GIT_LIKE = (
    ".git",
    ".GIT",
    ".Git",
    ".git.",
    ".git ",
    ".git. .",
    ".git::$INDEX_ALLOCATION",
    ".git:stream",
    ".GIT .:x",
    "git~1",
    "GIT~1",
    "git~2",
    "git~1.",
    "gi7eba~1",
    ".g\u200cit",
    ".git\u200d",
    "\ufeff.git",
    ".gi\u202et",
    ".g\u206ait",
    ".g\u00adit",
    ".GI\ufe0fT",
    "\uff0egit",
    ".\uff47\uff49\uff54",
)
_DVC_LIKE = (
    ".dvc",
    ".DVC",
    ".Dvc.",
    ".dvc ",
    ".dvc::$DATA",
    "dvc~1",
    "DVC~3 ",
    "dv12ab~1",
    ".d\u200bvc",
    ".dvc\u2060",
    ".\uff44vc",
)
_DOTS = ("..", ".. ", "...", ". .", " ..", ".\u200c.", "..:x", "\uff0e\uff0e")

# Where a part stands in a path makes no difference.
HOSTILE_PARTS = (*_GIT_LIKE, *_DVC_LIKE, *_DOTS)
HOSTILE_PATHS = (
    "/etc/passwd",
    "/",
    "//x",
    "a//b",
    "a/",
    "a/./b",
    "../x",
    "a/../../x",
    "\0",
    "a\0b",
    *HOSTILE_PARTS,
    *(f"{part}/hooks/post-checkout" for part in HOSTILE_PARTS),
    *(f"deep/er/{part}/config" for part in HOSTILE_PARTS),
    *(f"deep/{part}" for part in HOSTILE_PARTS),
)
