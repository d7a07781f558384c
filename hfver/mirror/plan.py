"""What the configs repository should hold, decided from values alone.

    README.md                          its index between two markers; what people write around them stays
    configs/<path as in git>           files that mirror.include names, as a git commit has them
    experiments/<name>/…               records and results: from git, and from syncs
    releases/<tag>.json                the receipt of each release

A mirror commit says in trailers what it mirrors, so any clone can tell what is still owed without a memory of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hfver.errors import RefusedError
from hfver.globs import matches
from hfver.paths import unsafe_reason
from hfver.small_files import UnreadError
from hfver.trailers import title_of

if TYPE_CHECKING:
    from hfver.adapters.git_objects import TreeEntry
    from hfver.config.settings import Config

CONFIGS = "configs/"
EXPERIMENTS = "experiments/"
RELEASES = "releases/"
INDEX = "README.md"
LARGEST_MIRRORED = 200_000_000  # bytes of a file; more than this is data and belongs into DVC
MOST_COMMITS = 20  # Hubs limit commits per hour; more than this at once are put together
_OPEN, _CLOSE = "<!-- hfver:index -->", "<!-- /hfver:index -->"
# Hubs warn about a card without metadata.
_METADATA = "---\ntags:\n- hfver-configs\n---\n"
_TRAILER = re.compile(r"^(Git-Commit|Git-Branch|Git-Tag|Experiment|Hfver-Files): (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file at a git commit: its path and the id of its blob, which is the Hub's id for it, too."""

    path: str
    oid: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the repository should hold for one git commit; ``files`` by path in the repository."""

    commit: str
    subject: str
    files: Mapping[str, GitFile] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        listed = sorted((path, file.oid) for path, file in self.files.items())
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file the repository holds now."""

    blob: str
    sha256: str | None = None  # known for large files only, whose blob is that of a pointer


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be added and deleted; empty when the repository is as it should be."""

    add: tuple[tuple[str, GitFile], ...] = ()
    delete: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.add or self.delete)


def snapshot_files(
    entries: Iterable[tuple[str, str]], include: Sequence[str], exclude: Sequence[str], *, configs: bool, results: bool
) -> dict[str, GitFile]:
    """``entries`` are paths and blob ids of the plain files of a commit.

    ``configs`` and ``results`` are whether `upload_items` names them. A file whose name no Hub could hold stays behind.
    """
    found = {}
    for path, oid in entries:
        if unsafe_reason(path):
            continue
        if path.startswith(EXPERIMENTS):
            is_result = "/results/" in path
            if (results or not is_result) and not matches(path, exclude):
                found[path] = GitFile(path, oid)
        elif configs and matches(path, include) and not matches(path, exclude):
            found[CONFIGS + path] = GitFile(path, oid)
    return found


def mirrors_releases(config: Config) -> bool:
    """Whether a release's configs go to the configs repository at all."""
    return "config" in config.upload_items


def mirrored_files(entries: Iterable[TreeEntry], config: Config) -> dict[str, GitFile]:
    """What the repository gets of a commit's files, by path there; links stay behind."""
    plain = ((entry.path, entry.oid) for entry in entries if entry.kind == "blob" and not entry.is_symlink)
    mirror, items = config.mirror, config.upload_items
    return snapshot_files(plain, mirror.include, mirror.exclude, configs="config" in items, results="results" in items)


def all_mirrored(paths: Iterable[str], contents: Iterable[bytes | UnreadError | None]) -> dict[str, bytes]:
    """The contents by path; RefusedError for one that was too large to be read."""
    found = {}
    for path, raw in zip(paths, contents, strict=True):
        if isinstance(raw, UnreadError):
            hints = [f"leave it out: mirror.exclude: [{path}]", f"or track it with DVC: dvc add {path}"]
            raise RefusedError(f"{path} is not for the configs repository: {raw.message}", hints=hints)
        if raw is not None:
            found[path] = raw
    return found


def changes(wanted: Mapping[str, GitFile], held: Mapping[str, HubFile], before: Mapping[str, GitFile]) -> Changes:
    """From what is held to what is wanted.

    ``configs/`` becomes exactly what git has. Below ``experiments/`` only files that were in git ``before`` are
    deleted: the others came from syncs, and git knows nothing of them.
    """
    add = [(path, file) for path, file in sorted(wanted.items()) if path not in held or held[path].blob != file.oid]
    stale = {path for path in held if path.startswith(CONFIGS)} | {path for path in before if path in held}
    return Changes(tuple(add), tuple(sorted(stale - wanted.keys())))


def coalesce(snapshots: Sequence[Snapshot], most: int = MOST_COMMITS) -> list[tuple[Snapshot, int]]:
    """Snapshots to mirror, oldest first, each with how many commits it stands for; the last one is always among them.

    Commits that change nothing here are left out.
    """
    distinct: list[Snapshot] = []
    for snapshot in snapshots:
        if not distinct or distinct[-1].digest != snapshot.digest:
            distinct.append(snapshot)
    if len(distinct) <= most:
        return [(snapshot, 1) for snapshot in distinct]
    groups: list[tuple[Snapshot, int]] = []
    done = 0
    for number in range(1, most + 1):
        end = len(distinct) * number // most
        groups.append((distinct[end - 1], end - done))
        done = end
    return groups


@dataclass(frozen=True, slots=True)
class MirrorTrailers:
    """What a mirror commit says about itself."""

    commit: str | None = None
    branch: str | None = None
    tag: str | None = None
    experiment: str | None = None
    files: str | None = None  # digest over what it added: tells the same work done twice


def render_message(subject: str, trailers: MirrorTrailers, *, author: str = "", together: int = 1) -> tuple[str, str]:
    """Title and description of a mirror commit."""
    prefix = trailers.tag or (trailers.commit or "")[:10] or trailers.experiment or "sync"
    lines = [f"Stands for {together} commits.", ""] if together > 1 else []
    named = (
        ("Git-Commit", trailers.commit), ("Git-Branch", trailers.branch), ("Git-Tag", trailers.tag),
        ("Experiment", trailers.experiment), ("Hfver-Files", trailers.files), ("Co-authored-by", author or None),
    )  # fmt: skip
    lines += [f"{name}: {value}" for name, value in named if value]
    return title_of(prefix, subject), "\n".join(lines)


def read_trailers(description: str) -> MirrorTrailers:
    found = dict(_TRAILER.findall(description))
    return MirrorTrailers(
        commit=found.get("Git-Commit"),
        branch=found.get("Git-Branch"),
        tag=found.get("Git-Tag"),
        experiment=found.get("Experiment"),
        files=found.get("Hfver-Files"),
    )


def content_digest(added: Mapping[str, bytes], deleted: Iterable[str]) -> str:
    listed = sorted((path, hashlib.sha256(raw).hexdigest()) for path, raw in added.items())
    return hashlib.sha256(json.dumps([listed, sorted(deleted)]).encode()).hexdigest()[:32]


def render_index(paths: Iterable[str], model_repo: str, title: str, *, repo_type: str = "model") -> str:
    """The index of a repository with these paths; a function of them alone."""
    names = sorted(paths)
    own = f"/datasets/{title}" if repo_type == "dataset" else f"/{title}"
    releases = [path.removeprefix(RELEASES).removesuffix(".json") for path in names if _is_receipt(path)]
    releases.sort(key=_numbers_as_numbers)
    experiments = dict.fromkeys(
        path.split("/")[1] for path in names if path.startswith(EXPERIMENTS) and path.count("/") > 1
    )
    configs = [path for path in names if path.startswith(CONFIGS)]
    lines = [_OPEN, f"# {title}", "", f"Configurations, experiments and receipts of [{model_repo}](/{model_repo})."]
    if releases:
        lines += ["", "## Releases", "", "| Version | Model | Configurations | Receipt |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {tag} | [{model_repo}@{tag}](/{model_repo}/tree/{tag}) | [at {tag}]({own}/tree/{tag}/configs) "
            f"| [{tag}.json](./{RELEASES}{tag}.json) |"
            for tag in releases
        ]
    if experiments:
        lines += ["", "## Experiments", "", "| Experiment | Files |", "| --- | --- |"]
        for name in experiments:
            held = [path for path in names if path.startswith(f"{EXPERIMENTS}{name}/")]
            links = ", ".join(f"[{path.split('/', 2)[2]}](./{path})" for path in held[:8])
            more = f" and {len(held) - 8} more" if len(held) > 8 else ""
            lines.append(f"| {name} | {links}{more} |")
    if configs:
        lines += [
            "",
            "## Configurations",
            "",
            *(f"- [{path.removeprefix(CONFIGS)}](./{path})" for path in configs[:100]),
        ]
    return "\n".join([*lines, _CLOSE])


def update_index(current: str | None, index: str) -> str:
    """The README with its index renewed; text outside the markers is people's."""
    if current is None:
        return f"{_METADATA}\n{index}\n"
    start, end = current.find(_OPEN), current.find(_CLOSE)
    if start < 0 or end < start:
        return f"{current.rstrip()}\n\n{index}\n"
    return current[:start] + index + current[end + len(_CLOSE) :]


def _numbers_as_numbers(text: str) -> list[tuple[int, str]]:
    """So that v1.10.0 stands behind v1.9.0."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", text)]


def _is_receipt(path: str) -> bool:
    return path.startswith(RELEASES) and path.endswith(".json") and path.count("/") == 1
