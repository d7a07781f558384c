"""Secrets in files that are about to leave this machine, found with detect-secrets and our own eye for Hub tokens.

Two ways around a false alarm, both of them detect-secrets' own: ``pragma: allowlist secret`` in a comment on the line,
or an entry in the repository's ``.secrets.baseline``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from hfver.errors import RefusedError
from hfver.leftovers import scratch
from hfver.redact import HUB_TOKEN
from hfver.small_json import parse_json

BASELINE = ".secrets.baseline"
_LARGEST = 10 * 1024 * 1024
_PRAGMA = "pragma: allowlist secret"
# Digests are everywhere in these files (commits, md5s), so hexadecimal strings and addresses prove nothing.
_UNSUITABLE = frozenset({"HexHighEntropyString", "IPPublicDetector"})


@dataclass(frozen=True, slots=True)
class Finding:
    path: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind}"


def scan(files: Mapping[str, bytes], baseline: bytes | None = None) -> list[Finding]:
    """Every suspected secret by path and line; never the secret itself."""
    allowed = _allowed(baseline)
    texts = {path: raw for path, raw in files.items() if len(raw) <= _LARGEST and b"\0" not in raw[:8192]}
    found = {finding for path, raw in texts.items() for finding in _hub_tokens(path, raw)}
    found |= set(_detected(texts, allowed))
    return sorted(found, key=lambda finding: (finding.path, finding.line, finding.kind))


def refuse_secrets(findings: Iterable[Finding], destination: str) -> None:
    """Raise, naming every place, if anything was found."""
    listed = list(findings)
    if listed:
        places = "\n  ".join(map(str, listed))
        raise RefusedError(
            f"not sent to {destination}: what looks like a secret stands in\n  {places}",
            hints=[
                "take it out, and revoke it if it was real",
                f"or mark the line with a comment `# {_PRAGMA}`, or add it to {BASELINE} (detect-secrets scan)",
            ],
        )


def _hub_tokens(path: str, raw: bytes) -> Iterator[Finding]:
    for number, line in enumerate(raw.decode("utf-8", "replace").split("\n"), 1):
        if HUB_TOKEN.search(line):  # no pragma makes a Hub token fit to be published
            yield Finding(path, number, "Hugging Face token")


def _detected(files: Mapping[str, bytes], allowed: frozenset[tuple[str, str]]) -> Iterator[Finding]:
    if not files:
        return
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import transient_settings

    classes = (plugin.__name__ for plugin in get_mapping_from_secret_type_to_class().values())
    plugins = [{"name": name} for name in classes if name not in _UNSUITABLE]
    with scratch("hfver-scan-") as folder, transient_settings({"plugins_used": plugins}):
        for number, (path, raw) in enumerate(files.items()):
            # How a file is read depends on its ending; the rest of its name may be hostile or too long.
            copy = folder / f"{number}{_suffix(path)}"
            copy.write_bytes(raw)
            for secret in scan_file(str(copy)):
                if (path, secret.secret_hash) not in allowed:
                    yield Finding(path, secret.line_number, secret.type)


def _suffix(path: str) -> str:
    suffix = PurePosixPath(path).suffix
    return suffix if suffix.isascii() and len(suffix) < 10 and suffix[1:].isalnum() else ".txt"


def _allowed(baseline: bytes | None) -> frozenset[tuple[str, str]]:
    if baseline is None:
        return frozenset()
    try:
        results: Any = parse_json(baseline)["results"]
        return frozenset(
            (str(path), str(entry["hashed_secret"])) for path, entries in results.items() for entry in entries
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise RefusedError(
            f"{BASELINE} is not a baseline of detect-secrets: {exc}", hints=[f"detect-secrets scan > {BASELINE}"]
        ) from exc
