from __future__ import annotations

from pathlib import Path

import pytest

from hfver.hooks.intent import Origin, is_zero, judge, last_reflog_message, parse_changes

ZERO, NEW, OLD = "0" * 40, "1" * 40, "2" * 40

CASES: dict[str, tuple[str | None, bool, str | None, bool, Origin]] = {
    # id: subcommand, known in the ledger, reflog message, reflogs of tags kept -> origin
    "git tag": ("tag", False, None, False, Origin.LOCAL),
    "git tag of a value known before": ("tag", True, None, False, Origin.LOCAL),
    "fetch": ("fetch", False, "tag: tagging abc", True, Origin.ARRIVED),
    "receive-pack": ("receive-pack", False, "push", True, Origin.ARRIVED),
    "gc repeats a deliberate tag": ("pack-refs", True, "tag: tagging abc", True, Origin.ARRIVED),
    "update-ref": ("update-ref", False, None, False, Origin.UNKNOWN),
    "update-ref with a forged reflog": ("update-ref", False, "tag: tagging abc", True, Origin.UNKNOWN),
    "update-ref to a known value": ("update-ref", True, None, False, Origin.ARRIVED),
    "nobody knows the command": ("?", False, "tag: tagging abc", True, Origin.UNKNOWN),
    "unreadable, known": (None, True, "tag: tagging abc", True, Origin.ARRIVED),
    "unreadable, tagged": (None, False, "tag: tagging abc (msg, 2026)", True, Origin.LOCAL),
    "unreadable, tagged, reflogs off since": (None, False, "tag: tagging abc", False, Origin.LOCAL),
    "unreadable, fetched": (None, False, "fetch origin: storing tag", True, Origin.ARRIVED),
    "unreadable, fetched by force": (None, False, "fetch --tags --force origin: updating tag", True, Origin.ARRIVED),
    "unreadable, pushed here": (None, False, "push", True, Origin.ARRIVED),
    "unreadable, cloned": (None, False, None, True, Origin.ARRIVED),
    "unreadable, no reflogs": (None, False, None, False, Origin.UNKNOWN),
    "unreadable, something else": (None, False, "update by script", True, Origin.UNKNOWN),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_origin_of_a_tag(case: tuple[str | None, bool, str | None, bool, Origin]) -> None:
    subcommand, known, reflog, kept, expected = case
    assert judge(subcommand, known=known, reflog=reflog, reflog_kept=kept).origin is expected


def test_only_tags_that_get_an_object_are_changes() -> None:
    lines = [
        f"{ZERO} {NEW} refs/tags/v1",
        f"{OLD} {ZERO} refs/tags/deleted",
        f"{ZERO} {'0' * 64} refs/tags/deleted-sha256",
        f"{ZERO} ref:refs/tags/v1 refs/tags/latest",
        f"{OLD} {NEW} refs/heads/main",
        f"{OLD} {NEW} HEAD",
        f"{OLD} {NEW} refs/tags/größe/v1'$(id)",
        "garbage",
    ]
    changes = parse_changes("\n".join(lines) + "\n")
    assert [(change.tag, change.old) for change in changes] == [("v1", ZERO), ("größe/v1'$(id)", OLD)]


def test_zero_is_zero_in_any_length() -> None:
    assert is_zero("0" * 40)
    assert is_zero("0" * 64)
    assert not is_zero(NEW)
    assert not is_zero("")


def test_the_reflog_file_gives_its_last_message(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "refs" / "tags" / "v1"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"0 1 A <a@b> 1 +0000\tfetch: storing tag\n1 2 A <a@b> 2 +0000\ttag: tagging 2 (gr\xf6\xdfe)\n")
    assert (last_reflog_message(tmp_path, "refs/tags/v1") or "").startswith("tag: tagging 2 ")
    assert last_reflog_message(tmp_path, "refs/tags/v2") is None
    log.write_bytes(b"")
    assert last_reflog_message(tmp_path, "refs/tags/v1") is None
