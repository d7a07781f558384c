"""The hub itself: where its parts lie, who is asking, and which repository is meant."""

from __future__ import annotations

import base64
import binascii
import re
import threading
import time
from collections import deque
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hfver.local_hub.access import Capabilities
from hfver.local_hub.accounts import Account, Accounts, Caller
from hfver.local_hub.database import TABLE, Database
from hfver.local_hub.discussions import Discussions
from hfver.local_hub.errors import (
    HubError,
    MovedError,
    forbidden,
    invalid_token,
    repo_not_found,
    revision_not_found,
    token_required,
)
from hfver.local_hub.faults import Faults
from hfver.local_hub.git.marks import listed_ids
from hfver.local_hub.git.ref_names import PULLS
from hfver.local_hub.kinds import RepoKind
from hfver.local_hub.locks import StoreLock
from hfver.local_hub.registration import mend_marks, refuse_lost
from hfver.local_hub.repos import Repo, Repos
from hfver.local_hub.sqlite_files import is_made
from hfver.local_hub.store_errors import damaged_database, told_by_system
from hfver.local_hub.troubles import Troubles

if TYPE_CHECKING:
    from starlette.requests import Request

    from hfver.local_hub.content_store import ContentStore
    from hfver.local_hub.git.listings import Listings
    from hfver.local_hub.git.repository import Signature
    from hfver.local_hub.git.store import GitStore

PAGE_SIZE = 1000
REQUESTS_REMEMBERED = 100_000
GIT_READ = "/git-upload-pack"
PULL_NUMBER = re.compile(r"[0-9]{1,9}")


class Hub:
    def __init__(
        self,
        root: Path,
        *,
        faults: Faults | None = None,
        prefix: str = "",
        page_size: int = PAGE_SIZE,
        remembered: int = REQUESTS_REMEMBERED,
    ) -> None:
        """`remembered`: how many requests are kept for a test to look at."""
        self.root = root
        self.faults = faults
        self.prefix = prefix
        self.page_size = page_size
        self.requests: deque[tuple[str, str]] = deque(maxlen=remembered)
        self.troubles = Troubles()
        self._opening = threading.Lock()
        self._content: ContentStore | None = None
        self._lock = StoreLock(root)
        with told_by_system(root), ExitStack() as opened:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.share()
            opened.callback(self._lock.close)
            refuse_lost_table(root)
            self.database = Database(root / TABLE)
            opened.callback(self.database.close)
            self.accounts = Accounts(self.database, root)
            self.capabilities = Capabilities(root / "content")
            opened.pop_all()
        self.repos = Repos(self.database, self.accounts)
        self.discussions = Discussions(self.database)

    # A command asks for few of these, and importing what they stand on takes most of the time a start takes.

    @cached_property
    def git(self) -> GitStore:
        from hfver.local_hub.git.store import GitStore

        with told_by_system(self.root):
            return GitStore(self.root / "repos", lambda repo_id: self.repos.by_id(repo_id) is not None)

    @cached_property
    def listings(self) -> Listings:
        from hfver.local_hub.git.listings import Listings

        return Listings()

    @property
    def content(self) -> ContentStore:
        """One for all threads: each open store holds a lock and a folder of its own."""
        with self._opening:
            if self._content is None:
                from hfver.local_hub.content_store import ContentStore

                with told_by_system(self.root):
                    self._content = ContentStore(self.root / "content")
            if self._content.damage is not None:
                # Xet engines keep to themselves why a transfer failed: so it is said to whoever asks for the next one.
                raise self._content.damage
            return self._content

    def sweep(self, *, every: float = 0.0) -> None:
        """Remove what crashed processes left behind, unless that was done less than `every` seconds ago.

        A new store counts as swept: looking for leftovers takes longer than most commands that end with it.
        """
        now = time.time()
        swept = self.database.setting("swept")
        if swept is not None and now - _seconds(swept) < every:
            return
        self.database.set("swept", str(now))
        if swept is None and every:
            return
        mend_marks(self)
        self.git.sweep({repo.id for repo in self.repos.all()})
        self.content.sweep()

    def close(self) -> None:
        with self._opening:
            if self._content is not None:
                self._content.close()
        self.database.close()
        self._lock.close()

    def base_url(self, request: Request) -> str:
        """What absolute URLs in answers start with: the address the client used."""
        return f"http://{request.headers['host']}{self.prefix}"

    def caller(self, request: Request) -> Caller | None:
        """Who is asking; None without a token. A token this hub does not know is refused, not ignored."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        token = value.strip() if scheme.lower() == "bearer" else _basic_password(request, scheme, value)
        caller = self.accounts.authenticate(token) if token else None
        if caller is None:
            raise invalid_token()
        return caller

    def require_caller(self, request: Request, *, write: bool = False) -> Caller:
        caller = self.caller(request)
        if caller is None:
            raise token_required()
        if write and not caller.may_write:
            raise forbidden("This token may only read.")
        return caller

    def locate(self, request: Request, *, write: bool = False) -> Repo:
        """The repository a path names, if the caller may see it (and change it, with `write`)."""
        kind: RepoKind = request.path_params["kind"]
        namespace, name = str(request.path_params["ns"]), str(request.path_params["name"]).removesuffix(".git")
        repo = self.repos.find(kind, namespace, name)
        if repo is None:
            moved = self.repos.moved_to(kind, namespace, name)
            if moved is None:
                refuse_lost(self, kind, namespace, name)
            if moved is None or not self.may_read(self.caller(request), moved):
                raise repo_not_found(f"{namespace}/{name}", status=404 if self.caller(request) else 401)
            raise MovedError(self._moved_url(request, moved))
        self.authorize(request, repo, write=write)
        return repo

    def locate_for_changes(self, request: Request, revision: str, *, create_pr: bool) -> Repo:
        """Anybody with a token who may read may propose a change and go on with it; only the owner may make one."""
        repo = self.locate(request)
        caller = self.require_caller(request, write=True)
        if not (create_pr or self.may_write(caller, repo) or self._is_own_proposal(caller, repo, revision)):
            raise _no_right(caller, repo)
        return repo

    def _is_own_proposal(self, caller: Caller, repo: Repo, revision: str) -> bool:
        number = revision.removeprefix(PULLS)
        if not revision.startswith(PULLS) or not PULL_NUMBER.fullmatch(number):
            return False
        found = self.discussions.find(repo, int(number))
        if found is None:
            raise revision_not_found(revision)
        return found.author == caller.account.name

    def authorize(self, request: Request, repo: Repo, *, write: bool) -> None:
        caller = self.caller(request)
        if not self.may_read(caller, repo):
            # A private repository must look like one that does not exist.
            raise repo_not_found(repo.full_name, status=404 if caller else 401)
        if not write:
            return
        if caller is None:
            raise token_required()
        if not self.may_write(caller, repo):
            raise _no_right(caller, repo)

    def authorize_content(self, request: Request, repo: Repo) -> None:
        """Files of a gated repository are for its owner; everybody may know that it exists."""
        if repo.gated is not None and not owns(self.caller(request), repo):
            message = f"Access to {repo.kind} {repo.full_name} is restricted. Its owner has to grant it."
            raise HubError(403, "GatedRepo", message)

    def may_read(self, caller: Caller | None, repo: Repo) -> bool:
        return not repo.private or owns(caller, repo)

    def may_write(self, caller: Caller | None, repo: Repo) -> bool:
        return caller is not None and caller.may_write and owns(caller, repo)

    def signature(self, account: Account) -> Signature:
        from hfver.local_hub.git.repository import Signature

        return Signature(account.fullname, account.email, int(time.time()))

    def _moved_url(self, request: Request, repo: Repo) -> str:
        """The same address with the repository's present name in it."""
        segments = request.scope["path"].removeprefix(self.prefix).split("/")
        at = 3 if segments[1] == "api" else 1 if repo.kind is RepoKind.MODEL else 2
        suffix = ".git" if segments[at + 1].endswith(".git") else ""
        segments[at : at + 2] = [repo.namespace, repo.name + suffix]
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{self.base_url(request)}{'/'.join(segments)}{query}"


def is_there(root: Path) -> bool:
    """Whether a hub has ever been at this place, whatever has become of it."""
    return root.is_file() or (root / TABLE).exists() or bool(listed_ids(root / "repos"))


def refuse_lost_table(root: Path) -> None:
    """A new table beside old repositories would not name them: the next release would begin a second history."""
    path = root / TABLE
    if not is_made(path):
        count = len(listed_ids(root / "repos"))
        if count and not is_made(path):  # else another process has made it, and a repository, in the meantime
            raise damaged_database(root, path, f"it is gone or empty, and {count} repositories lie beside it")


def _seconds(setting: str) -> float:
    try:
        return float(setting)
    except ValueError:
        return 0.0


def owns(caller: Caller | None, repo: Repo) -> bool:
    if caller is None:
        return False
    return repo.owner == caller.account.id or repo.namespace.lower() == caller.account.name.lower()


def _no_right(caller: Caller, repo: Repo) -> HubError:
    return forbidden(f"{caller.account.name} has no right to change {repo.full_name} with this token.")


def _basic_password(request: Request, scheme: str, value: str) -> str | None:
    """Browsers and git send a token as a password. For reading only: a browser sends it with foreign forms, too."""
    if scheme.lower() != "basic" or not (request.method in ("GET", "HEAD") or request.scope["path"].endswith(GIT_READ)):
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None
