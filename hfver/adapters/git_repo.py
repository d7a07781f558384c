"""The git repository: refs, history, trees, and the few things hfver changes in it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from hfver.adapters.git_commands import git_commands
from hfver.adapters.git_objects import ObjectReader, TreeEntry
from hfver.adapters.git_process import GitCommandFailed, GitResult, decode, encode, execute_git, readable
from hfver.ancestry import nearest_ancestors
from hfver.errors import StateError, UsageError
from hfver.model import Tag
from hfver.secret_values import KNOWN

_TAG_FIELDS = "%00".join((
    "%(refname:strip=2)", "%(objectname)", "%(objecttype)", "%(*objectname)", "%(*objecttype)",
    "%(contents:subject)", "%(*contents:subject)",
    "%(contents:trailers:key=Model-Path,valueonly,unfold,separator=%x2C)",
))  # fmt: skip
_COMMIT_FIELDS = ("%H", "%s", "%an", "%ae", "%aI", "%cI")


@dataclass(frozen=True, slots=True)
class CommitInfo:
    commit: str
    subject: str
    author_name: str
    author_email: str
    author_date: str  # ISO 8601 with offset
    commit_date: str


@dataclass(frozen=True, slots=True)
class OddTag:
    """A tag that cannot be a release because it does not lead to a commit."""

    name: str
    oid: str
    kind: str  # what it leads to: tree, blob


@dataclass(frozen=True, slots=True)
class Change:
    """One line of ``git status``: letters as there (``M``, ``A``, ``D``, ``?``, `` ``)."""

    path: str
    index: str
    worktree: str


class GitRepo:
    """One clone, seen from one of its work trees. Every call is a git process of its own, none is kept."""

    def __init__(self, top: Path, git_dir: Path, common_dir: Path) -> None:
        self.top = top
        self.git_dir = git_dir
        self.common_dir = common_dir

    @classmethod
    def discover(cls, start: Path) -> GitRepo:
        found = execute_git(
            start, ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"], env={"LC_ALL": "C"}
        )
        stderr = decode(found.stderr)
        if "not a git repository" in stderr:
            raise UsageError(f"{start} is not in a git repository", hints=["git init"])
        if "must be run in a work tree" in stderr:
            raise UsageError(f"{start} is in a git repository without a work tree", hints=["git clone PATH"])
        if found.code != 0:
            raise StateError(f"git refuses to work in {start}: {stderr.strip()}")
        top, git_dir, common = decode(found.stdout).removesuffix("\n").split("\n")
        return cls(Path(top), Path(git_dir), (start / common).resolve())

    # -- running git ---------------------------------------------------------------------------------------------

    def run(
        self, *args: str, stdin: bytes | None = None, check: bool = True, env: Mapping[str, str] | None = None
    ) -> str:
        """What git printed. With ``check=False`` a failing git counts as one that printed what it printed."""
        result = self.execute(*args, stdin=stdin, env=env)
        if check and result.code != 0:
            raise GitCommandFailed(args, result.code, decode(result.stderr))
        return decode(result.stdout)

    def execute(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> GitResult:
        return execute_git(self.top, args, stdin=stdin, env=env)

    def run_attached(self, *args: str, env: Mapping[str, str] | None = None) -> None:
        """For commands whose hooks talk to the user: both streams go to the terminal."""
        result = execute_git(self.top, args, env=env, passthrough=True)
        if result.code != 0:
            raise GitCommandFailed(args, result.code, "")

    def reader(self) -> ObjectReader:
        return ObjectReader(self.top)

    # -- refs ----------------------------------------------------------------------------------------------------

    def tags(self, pattern: str = "") -> tuple[Tag, ...]:
        """Tags that lead to commits, by name; ``pattern`` is a glob over whole names."""
        return tuple(item for item in self._all_tags(pattern) if isinstance(item, Tag))

    def tag(self, name: str) -> Tag:
        for item in () if re.search(r"[*?\[]", name) or not name else self._all_tags(name):
            if item.name != name:
                continue
            if isinstance(item, OddTag):
                raise StateError(
                    f"tag {name} points at a {item.kind} ({item.oid[:10]}), not at a commit",
                    hints=[f"git tag -d {name}", f"git tag -a {name} COMMIT"],
                )
            return item
        raise StateError(f"there is no tag {name!r} in {self.top}", hints=["git fetch --tags", "git tag --list"])

    def _all_tags(self, pattern: str) -> list[Tag | OddTag]:
        reference = f"refs/tags/{pattern}" if pattern else "refs/tags"
        listing = self.run("for-each-ref", f"--format={_TAG_FIELDS}", reference)
        return [self._parse_tag(line.split("\0")) for line in listing.split("\n") if line]

    def _parse_tag(self, fields: list[str]) -> Tag | OddTag:
        name, oid, kind, peeled, peeled_kind, subject, peeled_subject, model_path = fields
        if kind == "commit":
            return Tag(name, oid, None, readable(subject))
        if kind != "tag":
            return OddTag(name, oid, kind)
        if peeled_kind == "tag":  # a tag of a tag: older gits peel one level only
            peeled = self.run("rev-parse", "--verify", f"refs/tags/{name}^{{}}").strip()
            peeled_kind = self.run("cat-file", "-t", peeled).strip()
        if peeled_kind != "commit":
            return OddTag(name, peeled, peeled_kind)
        return Tag(name, peeled, oid, readable(subject or peeled_subject), model_path.strip() or None)

    def commit_of(self, revision: str) -> str:
        found = None
        if revision and not revision.startswith("-"):
            found = self.execute("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        if found is None or found.code != 0:
            raise StateError(
                f"{revision!r} is no commit, branch or tag in {self.top}",
                hints=["git fetch --tags", "git log --oneline"],
            )
        return decode(found.stdout).strip()

    def head(self) -> str | None:
        """The commit checked out, None before the first one."""
        return self.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False).strip() or None

    def branch(self) -> str | None:
        """The branch checked out, None when HEAD is detached."""
        return self.run("symbolic-ref", "--quiet", "--short", "HEAD", check=False).strip() or None

    def previous(self) -> str | None:
        """What ``-`` means to git: the branch that was checked out before, or the commit when HEAD was detached."""
        name = self.run("rev-parse", "--abbrev-ref", "@{-1}", check=False).strip()
        if name and name != "@{-1}":
            return name
        return self.run("rev-parse", "--verify", "--quiet", "@{-1}^{commit}", check=False).strip() or None

    def has_hook(self, name: str) -> bool:
        """Whether git would run a hook of this name here."""
        path = self.run("rev-parse", "--git-path", f"hooks/{name}").removesuffix("\n")
        return os.access(self.top / path, os.X_OK)

    # -- history -------------------------------------------------------------------------------------------------

    @property
    def is_shallow(self) -> bool:
        return (self.common_dir / "shallow").is_file()

    def worktrees(self) -> tuple[Path, ...]:
        """The tops of all work trees of this repository, this one among them."""
        lines = self.run("worktree", "list", "--porcelain").split("\n")  # splitlines() knows more ends than git
        return tuple(Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree "))

    def commit_graph(self, tips: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Every commit reachable from the tips with its parents, children before parents."""
        asked = "".join(f"{tip}\n" for tip in tips)
        if not asked:
            return {}
        listing = self.run("rev-list", "--topo-order", "--parents", "--stdin", stdin=encode(asked))
        graph = {}
        for line in listing.splitlines():
            commit, *parents = line.split(" ")
            graph[commit] = tuple(parents)
        return graph

    def ages(self, commits: Collection[str]) -> Mapping[str, int]:
        """A number for each commit: ancestors have smaller ones, commits of different lines are told by their dates."""
        asked = "".join(f"{commit}\n" for commit in commits)
        if not asked:
            return {}
        listing = self.run("rev-list", "--date-order", "--reverse", "--stdin", stdin=encode(asked))
        wanted = set(commits)
        return {commit: at for at, commit in enumerate(listing.split()) if commit in wanted}

    def nearest(self, commit: str, candidates: Collection[str]) -> tuple[str, ...]:
        """See ``ancestry.nearest_ancestors``; for many commits ask that over one ``commit_graph``."""
        return nearest_ancestors(self.commit_graph([commit]), commit, candidates) if candidates else ()

    def commits(self, revisions: Iterable[str]) -> Mapping[str, CommitInfo]:
        """Subject, author and dates of many commits at once, by full commit id."""
        asked = "".join(f"{revision}\n" for revision in revisions)
        if not asked:
            return {}
        form = "--format=" + "%x00".join(_COMMIT_FIELDS)
        listing = self.run("log", "--no-walk=unsorted", "--stdin", "-z", form, stdin=encode(asked))
        fields = listing.split("\0")
        width = len(_COMMIT_FIELDS)
        infos = (CommitInfo(*map(readable, fields[at : at + width])) for at in range(0, len(fields) - 1, width))
        return {info.commit: info for info in infos}

    # -- trees and the work tree ---------------------------------------------------------------------------------

    def list_tree(self, revision: str, *paths: str) -> tuple[TreeEntry, ...]:
        """All files at a revision, or those at and below the given paths."""
        listing = self.run("ls-tree", "-r", "-z", "--full-tree", revision, "--", *paths)
        entries = []
        for line in listing.split("\0")[:-1]:
            meta, path = line.split("\t", 1)
            mode, kind, oid = meta.split(" ")
            entries.append(TreeEntry(path, mode, kind, oid))
        return tuple(entries)

    def changes(self, *paths: str, untracked: bool = False) -> tuple[Change, ...]:
        """What differs between HEAD, the index and the work tree."""
        options = ("--porcelain=v1", "-z", "--no-renames", f"--untracked-files={'all' if untracked else 'no'}")
        listing = self.run("status", *options, "--", *map(_literally, paths), env={"GIT_OPTIONAL_LOCKS": "0"})
        return tuple(Change(line[3:], line[0], line[1]) for line in listing.split("\0") if line)

    def is_dirty(self, *paths: str) -> bool:
        return bool(self.changes(*paths))

    # -- configuration -------------------------------------------------------------------------------------------

    def config(self, key: str) -> str | None:
        """A configuration value as git itself sees it: includes, worktree configuration and environment respected."""
        found = self.execute("config", "--get", key)
        return decode(found.stdout).removesuffix("\n") if found.code == 0 else None

    def remote_url(self, name: str = "origin") -> str | None:
        """Where the remote is, without user names, passwords and query strings: fit for publication."""
        url = self.config(f"remote.{name}.url")
        if url is None:
            return None
        KNOWN.add_address(url)
        return strip_credentials(url)

    # -- changes -------------------------------------------------------------------------------------------------

    def create_tag(self, name: str, commit: str, message: str | None = None, *, sign: bool | None = None) -> None:
        """An annotated tag, or a lightweight one without a message. ``sign=None`` leaves signing to git's settings.

        The tag hook runs and writes to the terminal, as with ``git tag`` typed by hand.
        """
        signing = {None: [], True: ["--sign"], False: ["--no-sign"]}[sign]
        if message is None:
            # With tag.gpgSign a tag without a message would open an editor.
            self.run_attached("tag", *(signing or ["--no-sign"]), "--", name, commit)
            return
        kind = [] if sign else ["--annotate"]
        self.run_attached("tag", *kind, *signing, f"--message={message}", "--", name, commit)

    def switch(self, revision: str) -> None:
        """Check out a branch, or detach HEAD at a tag or commit; ``-`` is where HEAD was before.

        git's refusal (local changes in the way) passes through unchanged.
        """
        self.run("checkout", "--quiet", revision, "--")

    def fetch_tags(self, remote: str = "origin", names: Sequence[str] = (), *, depth: int | None = None) -> None:
        """Get all tags, or the named ones, with their commits."""
        options = [] if depth is None else [f"--depth={depth}"]
        options.append("--no-tags" if names else "--tags")
        specs = [f"refs/tags/{name}:refs/tags/{name}" for name in names]
        self.run("fetch", "--quiet", "--no-recurse-submodules", *options, "--", remote, *specs)

    def stage(self, paths: Iterable[str]) -> None:
        """Put these paths (relative to the top) into the index, removals too."""
        with git_commands(self.top, self.git_dir) as git:
            git.add("--all", "--", *map(_literally, paths))

    def commit_paths(self, paths: Sequence[str], message: str) -> str:
        """One commit of exactly these paths; what else is staged or changed stays as it was. Hooks run.

        Paths that equal HEAD make no commit. Returns HEAD afterwards.
        """
        self.stage(paths)
        if self.is_dirty(*paths) or self.head() is None:
            with git_commands(self.top, self.git_dir) as git:
                git.commit("--quiet", "--only", f"--message={message}", "--", *map(_literally, paths))
        return self.commit_of("HEAD")


def _literally(path: str) -> str:
    # Not GIT_LITERAL_PATHSPECS: hooks would inherit it and find their own patterns broken.
    return f":(top,literal){path}"


def strip_credentials(url: str) -> str:
    """``git@host:path`` and ``ssh://git@host`` need their user; anything else before an @ may be a secret."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    netloc = f"{name}@{host}" if parts.scheme in {"ssh", "git+ssh"} and name else host
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))
