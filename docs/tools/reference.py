"""Writes the pages that are made from the code: docs/commands.md, exit-codes.md, json.md, the JSON schema.

python -m docs.tools.reference            write them
python -m docs.tools.reference --check    exit code 1 if one is not what the code says
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from docs.tools.command_line import all_commands
from docs.tools.json_page import json_page
from hfver import errors
from hfver.cli.main import SECTIONS
from hfver.config.templates import SCHEMA_NAME, schema_text

DOCS = Path(__file__).resolve().parents[1]

WHAT_TO_DO = {
    "DONE": ("Done, or nothing was left to do.", ""),
    "FAILED": ("", "Read the hint; it names the command."),
    "USAGE": ("", "`hfver COMMAND --help`, or `hfver validate-config`"),
    "DRIFT": ("", "[Recovery](recovery.md), by the state `hfver status` shows"),
    "UNAUTHORISED": ("", "`hf auth login`, `HF_TOKEN`, or [`hfver trust`](security.md)"),
    "CONFLICT": ("", "`hfver status` shows both sides; a new version is the way out"),
    "UNREACHABLE": ("", "Nothing: the next hook or `hfver push` goes on"),
    "INTEGRITY": ("", "The message names the file and where good bytes may be"),
    "REFUSED": ("", "The message names what to change, and the way around the guard"),
    "INTERRUPTED": ("Ctrl-C.", "`hfver push` finishes what was begun"),
}


OTHER_KINDS: dict[int, tuple[errors.Kind, ...]] = {
    errors.EXIT_FAILED: ("bug",),
    errors.EXIT_INTERRUPTED: ("interrupted",),
}


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    return {
        DOCS / "commands.md": commands_page(),
        DOCS / "exit-codes.md": exit_codes_page(),
        DOCS / "json.md": json_page(),
        DOCS.parent / "configs" / SCHEMA_NAME: schema_text(),
    }


def commands_page() -> str:
    found = {command.path: command for command in all_commands()}
    lines = [
        "# Commands",
        "",
        "Made from `--help`: `make docs` writes this page, and a test fails when it is not current.",
        "",
        "Every command takes `--json` (the result as one JSON value on stdout: [json.md](json.md)) and `-q` (results",
        "and errors only).",
        "Results go to stdout; progress, hints, warnings and errors go to stderr. Through a pipe, tables are",
        "tab-separated and nothing is coloured; `NO_COLOR` is honoured. `LOG_LEVEL=DEBUG` tells each step on stderr.",
        "What the exit codes mean: [exit-codes.md](exit-codes.md).",
        "",
    ]
    for title, entries in SECTIONS.items():
        lines += [f"**{title}**:", "", *(f"- [`hfver {name}`](#hfver-{name}): {entry.help}" for name, entry in
                                       entries.items()), ""]  # fmt: skip
    for path, command in found.items():
        lines += [f"{'#' * (len(path) + 1)} {command.name}", "", "```text", command.help.rstrip(), "```", ""]
    return "\n".join(lines)


def exit_codes_page() -> str:
    lines = [
        "# Exit codes",
        "",
        "Part of the interface: scripts may rely on them. Made from `hfver/errors.py` by `make docs`.",
        "",
        "| code | when | what to do | `kind` in [JSON](json.md) |",
        "|---|---|---|---|",
        *(f"| {code} | {when} | {todo} | {kinds} |" for code, when, todo, kinds in exit_codes()),
        "",
        "A command that does several things (`push`, `sync --all`) goes on after a failure and ends with the code of",
        "the first one; an unreachable Hub ends it at once, as it would fail the rest as well.",
        "",
        "In hooks only code 8 means anything to git: `git tag` or `git push` is refused. Everything else a hook meets",
        "is said on stderr and fails nothing.",
        "",
    ]
    return "\n".join(lines)


def exit_codes() -> Iterator[tuple[int, str, str, str]]:
    """Code, what it stands for, what mends it, kinds; the families' own words, where a family has the code."""
    families = [
        found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, errors.HfverError)
    ]
    for constant, code in vars(errors).items():
        if not constant.startswith("EXIT_"):
            continue
        when, todo = WHAT_TO_DO[constant.removeprefix("EXIT_")]
        with_code = [family for family in families if family.exit_code == code]
        docs = [str(family.__doc__).splitlines()[0] for family in with_code if family is not errors.HfverError]
        kinds = [*dict.fromkeys(family.kind for family in with_code), *OTHER_KINDS.get(code, ())]
        yield code, when or " ".join(docs), todo, ", ".join(f"`{kind}`" for kind in kinds)


def main(arguments: list[str]) -> int:
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if arguments == ["--check"]:
        sys.stderr.writelines(f"{path.relative_to(DOCS.parent)} is not current: make docs\n" for path in stale)
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
