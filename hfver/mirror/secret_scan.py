"""What is a secret in a text: decided here, for everything hfver is about to publish.

Two searches, both bounded in time and memory, because what is searched comes from anybody's repository:

    by form          keys that cannot be mistaken (of the Hub, AWS, GitHub, ..., private keys): everywhere, in names,
                     messages, values and files, text or not. Standard library only; linear.
    detect-secrets   besides, in the files of the configs repository: what is assigned to a ``password``, and what looks
                     random. Its detectors are given single lines, in pieces; its own way to a file expands the aliases
                     of YAML and the interpolation of INI files, and has no bound.

Two ways around a false alarm, both of them detect-secrets' own: ``pragma: allowlist secret`` in a comment on the line
(``allowlist nextline secret`` on the one before), or an entry in the repository's ``.secrets.baseline``. Neither makes
a token of the Hub fit to be published.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from hfver.errors import RefusedError
from hfver.model import Tag
from hfver.redact import HIDDEN, redact

BASELINE = ".secrets.baseline"
MOST_SECONDS = 10.0  # of processor time for one call of `scan`: ordinary configuration takes about one for each MB
LARGEST = 1024 * 1024  # bytes of a configuration
LARGEST_RESULT = 256 * 1024  # bytes; larger results are data, and searched by form only
_LOOKED_AT = 8192  # bytes at the beginning of a large file that tell whether it is text
_LARGEST_BASELINE = 16 * 1024 * 1024
_MOST_FINDINGS = 100
_SHOWN = 20
_HUB = "Hugging Face token"


@dataclass(frozen=True, slots=True)
class Finding:
    """A suspected secret, by where it stands and never by what it is. ``line`` counts from 1; 0 where there are none.

    With ``unsearched`` it is a file that could not be searched, and ``kind`` says why.
    """

    place: str
    line: int
    kind: str
    unsearched: bool = False

    def __str__(self) -> str:
        place = f"{self.place}:{self.line}" if self.line else self.place
        return without_secrets(f"{place}: {self.kind}")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a repository says is no secret, by path in git and hash. ``digest`` tells two of them apart."""

    entries: frozenset[tuple[str, str]] = frozenset()
    digest: str = ""

    @classmethod
    def read(cls, *files: bytes | None) -> Baseline:
        """All that these files of detect-secrets allow; RefusedError for one that is none."""
        found = {entry for raw in files if raw is not None for entry in _entries(raw)}
        return cls(frozenset(found), hashlib.sha256(repr(sorted(found)).encode()).hexdigest() if found else "")

    def has(self, path: str, *secrets: str | None) -> bool:
        hashes = (hashlib.sha1(secret.encode(), usedforsecurity=False).hexdigest() for secret in secrets if secret)
        return bool(self.entries) and any((path, digest) in self.entries for digest in hashes)


NO_BASELINE = Baseline()


def baseline_at(top: Path, at_commit: bytes | None = None) -> Baseline:
    """What is allowed by the baseline of a commit, if one is asked about, and by that of the work tree: a commit of old
    cannot be told any more that an alarm was false.
    """
    place = top / BASELINE
    return Baseline.read(at_commit, place.read_bytes() if place.is_file() else None)


def _entries(raw: bytes) -> Iterator[tuple[str, str]]:
    try:
        if len(raw) > _LARGEST_BASELINE:
            raise ValueError(f"it has {len(raw):,} bytes")
        results: Any = json.loads(raw)["results"]
        yield from [(str(path), str(entry["hashed_secret"])) for path, found in results.items() for entry in found]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise RefusedError(
            f"{BASELINE} is not a baseline of detect-secrets: {exc}", hints=[f"detect-secrets scan > {BASELINE}"]
        ) from exc


# -- by form ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Form:
    """One kind of key. Where the pattern has a group, that is what detect-secrets takes for the secret, and what its
    baselines hold the hash of.
    """

    kind: str  # as detect-secrets calls it
    pattern: str  # compiled when it is first needed: hooks start with this module
    marks: tuple[str, ...]  # one of them stands in every such key; looking for them is what makes clean texts fast

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        if any(mark in text for mark in self.marks):
            yield from re.finditer(self.pattern, text, re.ASCII)


def _form(kind: str, pattern: str, *marks: str) -> _Form:
    return _Form(kind, pattern, marks)


# Each has to be linear in a hostile text: what repeats is bounded, or consumed by a match.
# Formats: https://github.com/Yelp/detect-secrets (plugins), https://github.com/gitleaks/gitleaks (config). A token of
# the Hub has 34 letters and digits; for OAuth it is a JSON web token. What is all x stands for one in instructions.
_FORMS = (
    _form(_HUB, r"hf_oauth_[\w.-]{16,}|(?:hf_|api_org_)(?![xX]+(?![A-Za-z0-9]))[A-Za-z0-9]{16,}", "hf_", "api_org_"),
    _form("Private Key", r"(BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?)-----", "PRIVATE KEY"),
    _form("Private Key", r"(PuTTY-User-Key-File-[23]): ", "PuTTY-User-Key-File-"),
    _form("AWS Access Key", r"(?<![A-Z0-9])(?:A[KS]IA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Za-z])", "AKIA", "ASIA", "ABIA",
          "ACCA"),
    _form("GitHub Token", r"(gh[pousr])_[A-Za-z0-9]{36}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _form("GitHub Token", r"github_pat_[A-Za-z0-9_]{50,}", "github_pat_"),
    _form("GitLab Token", r"(glpat|gldt|glrt|glptt)-[\w-]{20,}", "glpat-", "gldt-", "glrt-", "glptt-"),
    _form("Slack Token", r"xox[abposr]-(?:\d{1,20}-){1,6}[A-Za-z0-9]{10,}", "xox"),
    _form("Slack Token", r"https://hooks\.slack\.com/services/T\w{1,20}/B\w{1,20}/\w{10,}", "hooks.slack.com"),
    _form("OpenAI Token", r"(?:(?<![\w-])|(?<=\\[nrt]))sk-[\w-]{20,100}T3BlbkFJ[\w-]{20,}", "T3BlbkFJ"),
    _form("Anthropic API Key", r"sk-ant-[a-z0-9]{3,10}-[\w-]{50,}", "sk-ant-"),
    _form("Google API Key", r"AIza[\w-]{35}", "AIza"),
    _form("Google OAuth Secret", r"GOCSPX-[\w-]{28}", "GOCSPX-"),
    _form("Stripe Access Key", r"[rs]k_live_[0-9a-zA-Z]{24,}", "k_live_"),
    _form("PyPI Token", r"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[\w-]{50,}", "pypi-AgE"),
    _form("NPM tokens", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _form("SendGrid API Key", r"SG\.[\w-]{22}\.[\w-]{43}", "SG."),
    _form("Azure Storage Account access key", r"AccountKey=[A-Za-z0-9+/=]{88}", "AccountKey="),
)  # fmt: skip
# In a message an address with a password is a mistake; in a file it is as often an example.
_IN_MESSAGES = (
    *_FORMS,
    _form("Basic Auth Credentials", r"(?<=://)[^\s/:@]{1,100}:(?![$<{*%])[^\s/@]{1,200}(?=@)", "://"),
)  # fmt: skip
# Characters that show nothing may stand in the middle of a key, which is whole again for whoever copies it.
_UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_UNSEEN_BYTES = bytes((*range(9), *range(11, 32), 127))  # zero among them: UTF-16 without it is ASCII
_PRAGMA = re.compile(r"pragma: ?(?:allow|white)list[ -]secret")
_PRAGMA_BEFORE = re.compile(r"pragma: ?allowlist[ -]nextline[ -]secret")
_PART, _SHARED = 8 * 1024 * 1024, 4096  # bytes of a file looked at together, and of them once more with the next ones


def find(text: str) -> str | None:
    """The kind of secret that stands in a text; None for a clean one."""
    seen = _UNSEEN.sub("", text)
    versions = (text,) if seen == text else (text, seen)
    return next((kind for version in versions for kind, _ in _matches(version, _IN_MESSAGES)), None)


def in_texts(texts: Mapping[str, str]) -> list[Finding]:
    """Findings in short texts, by what each of them is: ``{"the message of tag v1.0.0": "..."}``."""
    return [Finding(place, 0, kind) for place, text in texts.items() if (kind := find(text)) is not None]


def in_title(tag: Tag) -> list[Finding]:
    """Findings in a release's title: the tag's name, and its message, or the subject of a commit tagged without one."""
    said_by = f"the message of tag {tag.name}" if tag.tag_object else f"the subject of commit {tag.commit[:12]}"
    return in_texts({f"the name of tag {tag.name}": tag.name, said_by: tag.subject})


def in_names(what: str, names: Iterable[str]) -> list[Finding]:
    """Findings in names, such as paths, of which there may be many."""
    listed = list(names)
    if find("\n".join(listed)) is None:
        return []
    return in_texts({f"{what} {without_secrets(name)}": name for name in listed})


def in_files(files: Iterable[tuple[str, bytes]], baseline: Baseline = NO_BASELINE) -> list[Finding]:
    """Findings by form alone in files, by their path in git."""
    return list(islice((finding for path, raw in files for finding in _by_form(path, raw, baseline)), _MOST_FINDINGS))


def without_secrets(text: str) -> str:
    """A text as it may be published: secrets taken out, and what only looks like one as well."""
    if next(_matches(text, _IN_MESSAGES), None) is None and find(text) is not None:
        text = _UNSEEN.sub("", text)
    for form in _IN_MESSAGES:
        if any(mark in text for mark in form.marks):
            text = re.sub(form.pattern, HIDDEN, text, flags=re.ASCII)
    return redact(text)


def hide_values(values: Mapping[str, Any], prefix: str = "") -> tuple[dict[str, Any], list[Finding]]:
    """Named values, nested or not, with secrets taken out; and where they were, such as ``train.api_key``."""
    clean: dict[str, Any] = {}
    found: list[Finding] = []
    for key, value in values.items():
        kind = find(str(key))
        name = str(key) if kind is None else without_secrets(str(key))
        clean[name], below = _hide(value, f"{prefix}{name}")
        found += below if kind is None else [Finding(f"{prefix}{name}", 0, kind), *below]
    return clean, found


def _hide(value: Any, name: str) -> tuple[Any, list[Finding]]:
    if isinstance(value, Mapping):
        return hide_values(value, f"{name}.")
    if isinstance(value, (list, tuple)):
        pairs = [_hide(item, f"{name}[{at}]") for at, item in enumerate(value)]
        return [item for item, _ in pairs], [finding for _, below in pairs for finding in below]
    kind = find(value) if isinstance(value, str) else None
    return (value, []) if kind is None else (without_secrets(value), [Finding(name, 0, kind)])


def _matches(text: str, forms: Sequence[_Form]) -> Iterator[tuple[str, re.Match[str]]]:
    for form in forms:
        for match in form.matches(text):
            yield form.kind, match


def _by_form(path: str, raw: bytes, baseline: Baseline) -> list[Finding]:
    """Findings in any file. Its bytes are read as one character each: keys are ASCII, whatever stands around them."""
    found: set[Finding] = set()
    line = 1
    for start in range(0, len(raw), _PART):
        part = raw[start : start + _PART + _SHARED]
        for data in {part, part.translate(None, _UNSEEN_BYTES)}:
            text = data.decode("latin-1")
            for kind, match in islice(_matches(text, _FORMS), _MOST_FINDINGS):
                if kind == _HUB or not (_has_pragma(text, match) or baseline.has(path, match[0], *match.groups())):
                    found.add(Finding(path, line + text.count("\n", 0, match.start()), kind))
        line += raw.count(b"\n", start, start + _PART)
    return sorted(found, key=_order)


def _has_pragma(text: str, match: re.Match[str]) -> bool:
    *before, first = text[max(0, match.start() - _SHARED) : match.start()].split("\n")
    rest = text[match.end() : match.end() + _SHARED].partition("\n")[0]
    return bool(_PRAGMA.search(first + match[0] + rest) or (before and _PRAGMA_BEFORE.search(before[-1])))


def _order(finding: Finding) -> tuple[str, int, str]:
    return finding.place, finding.line, finding.kind


# -- refusing ---------------------------------------------------------------------------------------------------------


def refuse_secrets(findings: Iterable[Finding], destination: str, hints: Sequence[str] = ()) -> None:
    """Raise, naming every place, if anything was found. ``hints`` say how to mend what stands in no file."""
    error = refusal_of(findings, f"not sent to {destination}: ", hints)
    if error is not None:
        raise error


def refusal_of(findings: Iterable[Finding], said_before: str = "", hints: Sequence[str] = ()) -> RefusedError | None:
    listed = list(dict.fromkeys(findings))
    secrets = [finding for finding in listed if not finding.unsearched]
    unsearched = [finding for finding in listed if finding.unsearched]
    said, ways = [], list(hints)
    if secrets:
        said.append("what looks like a secret stands in" + _listed(secrets))
        ways.insert(0, "take it out, and revoke it if it was real")
    if any(finding.line for finding in secrets):
        ways.append(
            f"or mark the line with a comment `# pragma: allowlist secret`, or add it to {BASELINE} "
            "(detect-secrets scan)"
        )
    if unsearched:
        said.append("these files could not be searched for secrets:" + _listed(unsearched))
        ways.append("leave them out with mirror.exclude, or let DVC track them")
    return RefusedError(said_before + "\nand ".join(said), hints=ways) if said else None


def _listed(findings: Sequence[Finding]) -> str:
    more = f"\n  and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else ""
    return "".join(f"\n  {finding}" for finding in findings[:_SHOWN]) + more


# -- files of the configs repository ----------------------------------------------------------------------------------


class SearchMemory(Protocol):
    """Remembers files that were found clean; ``hfver.state.State`` does."""

    def known_clean(self, keys: Sequence[str]) -> set[str]: ...
    def remember_clean(self, keys: Sequence[str]) -> None: ...


def scan(
    files: Mapping[str, bytes], baseline: Baseline = NO_BASELINE, memory: SearchMemory | None = None
) -> list[Finding]:
    """Every suspected secret in files of the configs repository, by path in git and line; and files that are no text
    where one is expected, or too large, or the one at which the time was up: the rest is not looked at then.
    """
    keys = {path: clean_key(path, blob_id(raw), baseline) for path, raw in files.items()} if memory else {}
    known = memory.known_clean(list(keys.values())) if memory else set()
    clock = _Clock(MOST_SECONDS)
    found: list[Finding] = []
    clean: list[str] = []
    for path, raw in sorted(files.items()):
        if keys.get(path) in known:
            continue
        here = set(_by_form(path, raw, baseline))
        try:
            here.update(_by_detect_secrets(path, raw, baseline, clock) if len(here) < _MOST_FINDINGS else ())
        except _TooLongError:
            here.add(_unsearched(path, f"the search was given up after {MOST_SECONDS:g} seconds"))
        clean += [keys[path]] if keys and not here else []
        found += sorted(here, key=_order)
        if len(found) >= _MOST_FINDINGS or (here and clock.is_up):
            break
    if memory is not None and clean:
        memory.remember_clean(clean)
    return found[:_MOST_FINDINGS]


def clean_key(path: str, blob: str, baseline: Baseline) -> str:
    """All that decides whether a file is clean: its name, its git blob, the baseline, and the search itself."""
    parts = (_search_version(), path, blob, baseline.digest)
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def blob_id(raw: bytes) -> str:
    """git's id of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


@cache
def _search_version() -> str:
    """When the code that searches last changed; asking for detect-secrets' version takes longer than a hook may."""
    library = find_spec("detect_secrets")
    code = (__file__, Path(__file__).with_name("secret_detectors.py"), library.origin if library else None)
    return " ".join(str(Path(file).stat().st_mtime_ns) for file in code if file is not None)


class _TooLongError(Exception):
    """The search has used up its time."""


class _Clock:
    """Processor time of this thread: a busy machine finds what an idle one does."""

    def __init__(self, seconds: float) -> None:
        self._end = time.thread_time() + seconds
        # Processor time passes no faster than other time, which costs less to ask for.
        self._look_again = time.monotonic() + seconds

    @property
    def is_up(self) -> bool:
        return time.thread_time() > self._end

    def check(self) -> None:
        if time.monotonic() < self._look_again:
            return
        left = self._end - time.thread_time()
        if left <= 0:
            raise _TooLongError
        self._look_again = time.monotonic() + left


def _by_detect_secrets(path: str, raw: bytes, baseline: Baseline, clock: _Clock) -> list[Finding]:
    is_result = path.startswith("experiments/") and "/results/" in path
    if is_result and len(raw) > LARGEST_RESULT:
        return []
    if len(raw) > LARGEST and (_says_text(path) or b"\0" not in raw[:_LOOKED_AT]):
        return [_unsearched(path, f"{len(raw):,} bytes; a configuration has at most {LARGEST:,}")]
    text = _text(raw[: LARGEST + 1])
    if text is None:
        return [_unsearched(path, "no text, as its name says it is")] if _says_text(path) and not is_result else []
    from hfver.mirror.secret_detectors import find_in_lines

    lines = text.split("\n")
    found = (
        Finding(path, number, kind)
        for number, kind, secret in find_in_lines(path, lines, clock.check)
        if not (_is_marked(lines, number) or baseline.has(path, secret))
    )
    return list(islice(found, _MOST_FINDINGS))


def _unsearched(path: str, why: str) -> Finding:
    return Finding(path, 0, why, unsearched=True)


def _is_marked(lines: Sequence[str], number: int) -> bool:
    before = lines[number - 2] if number > 1 else ""
    return bool(_PRAGMA.search(lines[number - 1]) or _PRAGMA_BEFORE.search(before))


_TEXT_SUFFIXES = frozenset({
    ".bash", ".bat", ".cfg", ".conf", ".css", ".csv", ".env", ".go", ".html", ".ini", ".ipynb", ".java", ".jinja",
    ".js", ".json", ".jsonl", ".key", ".lock", ".log", ".md", ".pem", ".ppk", ".properties", ".ps1", ".py", ".r", ".rb",
    ".rs", ".rst", ".sh", ".sql", ".tf", ".toml", ".ts", ".tsv", ".txt", ".xml", ".yaml", ".yml",
})  # fmt: skip


def may_be_text(path: str) -> bool:
    """Whether a file of this name may be for people or programs to read; `.env.local` and `id_rsa` are."""
    name = PurePosixPath(path).name
    return _says_text(path) or "." not in name[1:] or name.startswith(".env")


def _says_text(path: str) -> bool:
    return PurePosixPath(path.lower()).suffix in _TEXT_SUFFIXES


_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_LINE_END = re.compile("\r\n?|[\x85\u2028\u2029]")  # besides "\n"; YAML knows all of them


def _text(raw: bytes) -> str | None:
    """The text of a file, its lines ended by line feeds; None where it is no text."""
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if raw.startswith(mark)), "utf-8")
    text = raw.decode(encoding, "replace")
    return None if "\0" in text else _LINE_END.sub("\n", text)
