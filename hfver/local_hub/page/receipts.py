"""The receipt of a release, shown above its files. A receipt is a file like any other: nothing in it is trusted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hfver.local_hub.git.tree_edit import Blob
from hfver.local_hub.page.html import Html, el
from hfver.local_hub.page.layout import size_text

if TYPE_CHECKING:
    from hfver.local_hub.git.repository import GitRepository

FILE = ".hfver/release.json"
LARGEST = 4 << 20
MOST_ROWS = 40


def receipt_of(git: GitRepository, commit: str) -> Html | None:
    found = git.lookup(commit, FILE)
    if not isinstance(found, Blob) or git.facts(found.oid).size > LARGEST:
        return None
    try:
        receipt = json.loads(git.read(found.oid))
    except (ValueError, RecursionError):
        return None
    return _panel(receipt) if isinstance(receipt, dict) else None


def _panel(receipt: dict[str, Any]) -> Html:
    source, model = _mapping(receipt, "git"), _mapping(receipt, "model")
    facts = {
        "Git commit": source.get("commit"),
        "Git remote": source.get("remote"),
        "Output": model.get("path"),
        "Size": size_text(model["size"]) if isinstance(model.get("size"), (int, float)) else None,
        "Files": model.get("nfiles"),
        "DVC md5": model.get("md5"),
        "Configs": _mapping(receipt, "configs").get("revision"),
    }
    tables = [_table(name.capitalize(), _flat(_mapping(receipt, name))) for name in ("metrics", "params")]
    return el(
        "section",
        el("h2", "Release ", el("strong", receipt.get("version") or receipt.get("tag") or "")),
        el("dl", [[el("dt", name), el("dd", value)] for name, value in facts.items() if value is not None]),
        tables,
        class_="card receipt",
    )


def _table(title: str, rows: dict[str, Any]) -> Html | None:
    if not rows:
        return None
    shown = list(rows.items())[:MOST_ROWS]
    body = [el("tr", el("th", name, scope="row"), el("td", value)) for name, value in shown]
    more = el("p", f"and {len(rows) - MOST_ROWS} more", class_="dim") if len(rows) > MOST_ROWS else None
    return el("details", el("summary", f"{title} ({len(rows)})"), el("table", body), more, open=len(rows) <= 12)


def _flat(value: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict) and depth < 6:
            flat |= _flat(item, f"{prefix}{name}.", depth + 1)
        else:
            flat[f"{prefix}{name}"] = item
    return flat


def _mapping(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
