"""The Hub, through the unmodified huggingface_hub client.

The one place that knows the client. Its exceptions are translated here once, and it is decided here what is worth
trying again (UnreachableError) and what is not.
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    constants,
)
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, parse_ratelimit_headers

from hfver.adapters.http_body import body_blocks
from hfver.errors import ConflictError, HfverError, StateError, UnauthorisedError, UnreachableError, UsageError
from hfver.hashing import Digests, Hasher, HashName
from hfver.hub_state import EMBEDDED, HubCommit, HubRefs
from hfver.leftovers import scratch
from hfver.model import OutputFile
from hfver.publish import FileContent, FileCopy, Prepared, StaleParentError
from hfver.redact import redact
from hfver.store_trouble import error_of_answer
from hfver.visibility import Visibility

log = logging.getLogger(__name__)
_LOOK_HOLDS = 60.0  # seconds; many releases and large uploads take hours, in which people change settings
_ALWAYS_LARGE = 10_000_000  # bytes
_RETRYABLE = {408, 425, 429, 500, 502, 503, 504}


class NotOnHubError(HfverError):
    """The repository, revision or file does not exist on the Hub, or is private and not ours to see."""


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file in a Hub tree: ``blob`` is git's id of what git holds; ``sha256`` is known for large files only."""

    path: str
    size: int
    blob: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class PreparedContent:
    """Content the Hub has received and that a commit can now name."""

    additions: tuple[CommitOperationAdd, ...]

    @property
    def sha256s(self) -> dict[str, str]:
        """By path, what the client or its Xet engine computed of what it sent (or was told beforehand)."""
        hashed = [addition for addition in self.additions if addition.upload_info.is_hashed]
        return {addition.path_in_repo: addition.upload_info.sha256.hex() for addition in hashed}


class HubClient:
    """One Hub and one token. Repository names are ``namespace/name``; ``repo_type`` is model unless said otherwise."""

    def __init__(
        self,
        endpoint: str,
        token: str | None,
        *,
        library_version: str,
        place: str | None = None,
        address: str | None = None,
    ) -> None:
        """``place`` is what the configuration calls this Hub, ``address`` what people are told to look at."""
        self._address = (address or endpoint).rstrip("/")
        self.endpoint = endpoint.rstrip("/")
        self.place = place or self.endpoint
        self._token: str | bool = token if token is not None else False
        self._seen_private: dict[tuple[str, str], float] = {}
        self._api = HfApi(
            endpoint=self.endpoint, token=self._token, library_name="hfver", library_version=library_version
        )

    def _translated(self, doing: str, what: str) -> AbstractContextManager[None]:
        return _translated(doing, what, self.endpoint, ours=self.place == EMBEDDED)

    # -- who and where --------------------------------------------------------------------------------------------

    def whoami(self) -> str:
        with self._translated("asking who this token belongs to", self.endpoint):
            return str(self._api.whoami()["name"])

    def revision_url(self, repo: str, revision: str, *, repo_type: str = "model") -> str:
        prefix = "" if repo_type == "model" else f"{repo_type}s/"
        return f"{self._address}/{prefix}{repo}/tree/{revision}"

    def hf_command(self, arguments: str) -> str:
        """The ``hf`` command with these arguments, as it has to be typed here to reach this Hub."""
        if self.place == EMBEDDED:
            to = f"HF_ENDPOINT={self._address} HF_TOKEN=$(hfver hub token)"
            return f"{to} hf {arguments}  # while `hfver hub serve` runs"
        there = "" if self.endpoint == constants.ENDPOINT else f"HF_ENDPOINT={self.endpoint} "
        return f"{there}hf {arguments}"

    # -- reading --------------------------------------------------------------------------------------------------

    def visibility(self, repo: str, *, repo_type: str = "model") -> Visibility:
        """Who may see a repository, by a look of at most a minute ago."""
        seen = self._seen_private.get((repo_type, repo))
        if seen is not None and time.monotonic() - seen < _LOOK_HOLDS:
            return Visibility.PRIVATE
        try:
            # Not by the client's `repo_info`: it reads the dates too, and fails at those of other Hubs. A Hub that
            # knows `expand`, but not for this, is asked for everything.
            found = self._info(repo, repo_type, expand="private") or self._info(repo, repo_type)
        except NotOnHubError:
            return Visibility.MISSING
        if found is Visibility.PRIVATE:
            self._seen_private[repo_type, repo] = time.monotonic()
        return found or Visibility.UNSAID

    def _info(self, repo: str, repo_type: str, **query: str) -> Visibility | None:
        with self._translated("looking at the visibility", repo):
            headers = build_hf_headers(token=self._token, library_name="hfver")
            url = f"{self.endpoint}/api/{repo_type}s/{repo}"
            response = get_session().get(url, headers=headers, params=query, follow_redirects=True)
            hf_raise_for_status(response)
            try:
                body = json.loads(response.content)
            except ValueError:
                body = None
        if not isinstance(body, dict) or "id" not in body:  # a proxy's page, or half of an answer
            raise UnreachableError(f"{repo}: what {self.endpoint} answers about its visibility is no answer of a Hub")
        private = body.get("private")
        if not isinstance(private, bool):
            return None
        return Visibility.PRIVATE if private else Visibility.PUBLIC

    def refs(self, repo: str, *, repo_type: str = "model") -> HubRefs | None:
        """Branches and tags, or None when there is no such repository."""
        try:
            with self._translated("listing refs", repo):
                found = self._api.list_repo_refs(repo, repo_type=repo_type)
        except NotOnHubError:
            return None
        return HubRefs(
            branches={ref.name: ref.target_commit for ref in found.branches},
            tags={ref.name: ref.target_commit for ref in found.tags},
        )

    def commits(
        self,
        repo: str,
        revision: str,
        *,
        until: Callable[[str], bool] = lambda _sha: False,
        repo_type: str = "model",
    ) -> list[HubCommit]:
        """The history below a revision, newest first, ending with the first commit ``until`` is true for."""
        listed: list[HubCommit] = []
        with self._translated("listing commits", f"{repo}@{revision}"):
            for commit in self._api.list_repo_commits(repo, revision=revision, repo_type=repo_type):
                date = commit.created_at.isoformat()
                listed.append(HubCommit(commit.commit_id, commit.title, commit.message, date))
                if until(commit.commit_id):
                    break
        return listed

    def tree(self, repo: str, revision: str, *, repo_type: str = "model") -> dict[str, TreeFile]:
        """Every file at a revision, by path."""
        with self._translated("listing files", f"{repo}@{revision}"):
            entries = self._api.list_repo_tree(repo, revision=revision, recursive=True, repo_type=repo_type)
            return {
                entry.path: TreeFile(entry.path, entry.size, entry.blob_id, entry.lfs.sha256 if entry.lfs else None)
                for entry in entries
                if isinstance(entry, RepoFile)
            }

    def read(self, repo: str, revision: str, path: str, *, limit: int, repo_type: str = "model") -> bytes | None:
        """One small file's bytes in one request, or None when the revision has no such file."""
        url = self._file_url(repo, revision, path, repo_type)
        try:
            with self._translated("reading", f"{repo}@{revision}:{path}"):
                response = get_session().get(
                    url, headers=build_hf_headers(token=self._token, library_name="hfver"), follow_redirects=True
                )
                hf_raise_for_status(response)
        except NotOnHubError as error:
            if isinstance(error.__cause__, EntryNotFoundError):
                return None
            raise
        if len(response.content) > limit:
            raise StateError(f"{repo}@{revision}: {path} has {len(response.content)} bytes, at most {limit} are read")
        return response.content

    @contextmanager
    def stream(
        self, repo: str, revision: str, path: str, *, start: int = 0, directly: bool = True, repo_type: str = "model"
    ) -> Iterator[Iterator[bytes]]:
        """A file's bytes from ``start`` on as they arrive; a transfer that breaks or stalls raises UnreachableError.

        ``directly``: see ``http_body``.
        """
        headers = build_hf_headers(token=self._token, library_name="hfver")
        # Compressed transfers would hide how many bytes have arrived.
        headers["Accept-Encoding"] = "identity"
        if start:
            headers["Range"] = f"bytes={start}-"
        url = self._file_url(repo, revision, path, repo_type)
        with self._translated("reading", f"{repo}@{revision}:{path}"):  # noqa: SIM117 (the error of either is translated)
            with get_session().stream(
                "GET", url, headers=headers, follow_redirects=True, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT
            ) as response:
                hf_raise_for_status(response)
                yield body_blocks(response, directly=directly)

    def hash_files(
        self, repo: str, revision: str, files: Sequence[OutputFile], *, hash_name: HashName = "md5", threads: int = 4
    ) -> Iterator[tuple[OutputFile, Digests]]:
        """Download every file to nowhere and return what its bytes hash to."""

        def one(file: OutputFile) -> Digests:
            hasher = Hasher(hash_name)
            with self.stream(repo, revision, file.path) as blocks:
                for block in blocks:
                    hasher.update(block)
            return hasher.digests()

        with ThreadPoolExecutor(threads, thread_name_prefix="hub-read") as pool:
            yield from zip(files, pool.map(one, files), strict=True)

    def _file_url(self, repo: str, revision: str, path: str, repo_type: str) -> str:
        prefix = "" if repo_type == "model" else f"{repo_type}s/"
        return f"{self.endpoint}/{prefix}{repo}/resolve/{quote(revision, safe='')}/{quote(path)}"

    # -- changing -------------------------------------------------------------------------------------------------

    def create_repo(self, repo: str, *, private: bool, repo_type: str = "model") -> None:
        """Create the repository unless it is there."""
        with self._translated("creating the repository", repo):
            self._api.create_repo(repo, private=private, repo_type=repo_type, exist_ok=True)

    def create_branch(self, repo: str, branch: str, start: str, *, repo_type: str = "model") -> None:
        with self._translated("creating branch " + branch, repo):
            self._api.create_branch(repo, branch=branch, revision=start, repo_type=repo_type, exist_ok=True)

    def create_tag(self, repo: str, tag: str, revision: str, message: str, *, repo_type: str = "model") -> bool:
        """Create a tag; False when a tag of that name exists already, wherever it points."""
        try:
            with self._translated("creating tag " + tag, repo):
                self._api.create_tag(repo, tag=tag, revision=revision, tag_message=message, repo_type=repo_type)
        except ConflictError:
            return False
        return True

    def send_content(
        self, repo: str, branch: str, contents: Sequence[FileContent], *, repo_type: str = "model"
    ) -> PreparedContent:
        """Upload what has to be uploaded beforehand; small files travel in the commit itself."""
        if not contents:
            return PreparedContent(())
        with scratch("hfver-names-") as names:
            additions = [_addition(_by_its_name(content, names)) for content in contents]
            # An empty ignore list: a .gitignore in the model is content like any other and must not drop files.
            try:
                with self._translated("uploading", f"{repo}@{branch}"):
                    self._api.preupload_lfs_files(
                        repo,
                        additions,
                        revision=branch,
                        repo_type=repo_type,
                        free_memory=False,
                        gitignore_content="",
                    )
            except UnreachableError as error:
                raise self._store_trouble(repo) or error from error
        return PreparedContent(tuple(additions))

    def _store_trouble(self, repo: str) -> HfverError | None:
        """Why an upload failed, if that is an embedded hub with a full disk or a damaged store.

        All that the Xet engine says of an answer is its status, and it asks for its transfer tokens itself.
        """
        if urlsplit(self.endpoint).hostname not in ("127.0.0.1", "localhost", "::1"):
            return None
        try:
            with self._translated("asking what went wrong", repo):
                url = f"{self.endpoint}/api/hub-trouble"
                hf_raise_for_status(get_session().get(url, headers=build_hf_headers(token=self._token)))
        except HfverError as error:
            cause = error.__cause__
            return _of_store(cause, ours=self.place == EMBEDDED) if isinstance(cause, HfHubHTTPError) else None
        return None

    def commit(
        self,
        repo: str,
        branch: str,
        *,
        parent: str,
        contents: Sequence[Prepared],
        copies: Iterable[FileCopy] = (),
        deletes: Iterable[str] = (),
        title: str,
        description: str,
        repo_type: str = "model",
    ) -> str:
        """Make one commit on top of ``parent`` and return its sha.

        StaleParentError when the branch has moved; UnreachableError when the outcome is unknown, too.
        """
        operations = _operations(contents, copies, deletes)
        with self._translated("committing", f"{repo}@{branch}"), warnings.catch_warnings(record=True) as told:
            # Python warnings are for programmers: about .parquet files in a model, a card without metadata.
            warnings.simplefilter("always")
            info = self._api.create_commit(
                repo,
                operations,
                commit_message=title,
                commit_description=description,
                revision=branch,
                parent_commit=parent,
                repo_type=repo_type,
            )
        for warning in told:
            log.info("%s: %s", repo, redact(str(warning.message)))
        return str(info.oid)


def _operations(
    contents: Iterable[Prepared], copies: Iterable[FileCopy], deletes: Iterable[str]
) -> list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete]:
    operations: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete] = [
        CommitOperationDelete(path, is_folder=False) for path in deletes
    ]
    operations += [
        CommitOperationCopy(copy.source_path, copy.path, src_revision=copy.source_revision) for copy in copies
    ]
    for content in contents:
        assert isinstance(content, PreparedContent)
        operations += content.additions
    return operations


def _by_its_name(content: FileContent, directory: Path) -> FileContent:
    """Large files under the name people know, for the client's progress bars: DVC's cache calls them by their md5.

    Only files that are large anywhere: they are not read again when the commit is made.
    """
    if isinstance(content.source, bytes) or content.source.stat().st_size < _ALWAYS_LARGE:
        return content
    link = directory / content.path
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        link.symlink_to(content.source.absolute())
    except OSError:  # no links on this file system
        return content
    return replace(content, source=link)


def _addition(content: FileContent) -> CommitOperationAdd:
    addition = CommitOperationAdd(content.path, content.source)
    if content.sha256 is not None:
        addition.upload_info.sha256 = bytes.fromhex(content.sha256)
    return addition


@contextmanager
def _translated(doing: str, what: str, endpoint: str, *, ours: bool) -> Iterator[None]:
    """Turn the client's exceptions into ours; ``what`` is the repository, with @revision where there is one.

    ``ours``: it is the hub of this process that is spoken to.
    """
    log.debug("%s: %s", what, doing)
    started = time.monotonic()
    try:
        yield
        log.debug("%s: %s took %.3f s", what, doing, time.monotonic() - started)
    except (RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError) as error:
        if isinstance(error, GatedRepoError):
            raise UnauthorisedError(f"{what}: access to this repository has to be requested on the Hub") from error
        raise NotOnHubError(f"{what}: not found on the Hub while {doing}: {_reason(error)}") from error
    except BadRequestError as error:
        raise StateError(f"{what}: the Hub refused {doing}: {_reason(error)}") from error
    except HfHubHTTPError as error:
        raise _of_store(error, ours=ours) or _from_status(error, doing, what) from error
    except (httpx2.TimeoutException, httpx2.TransportError, ConnectionError, TimeoutError) as error:
        reason = f"{endpoint}: {type(error).__name__}"
        raise UnreachableError(f"{what}: the Hub did not answer while {doing} ({reason})") from error
    except (RuntimeError, OSError) as error:
        # hf_xet raises plain RuntimeError, and OSError for transfers that broke.
        raise UnreachableError(f"{what}: {doing} broke off: {error}") from error
    except ValueError as error:
        raise UsageError(f"{what}: the Hub client refused {doing}: {error}") from error


def _of_store(error: HfHubHTTPError, *, ours: bool) -> HfverError | None:
    code = error.response.headers.get("X-Error-Code")
    if code is None:
        return None
    try:  # the header has the same in ASCII, cut off after a while
        message = str(error.response.json()["error"])
    except (ValueError, LookupError, TypeError, httpx2.StreamError):
        message = _reason(error)
    return error_of_answer(code, message, ours=ours)


def _from_status(error: HfHubHTTPError, doing: str, what: str) -> HfverError:
    status = error.response.status_code
    text = f"{what}: {doing} failed with HTTP {status}: {_reason(error)}"
    if status in (401, 403):
        hint = "set HF_TOKEN to a token with write access, or run `hf auth login`"
        return UnauthorisedError(text, hints=[hint])
    if status == 412:
        return StaleParentError(f"{what}: somebody else committed to the branch first")
    if status == 409:
        return ConflictError(text)
    if status in _RETRYABLE:
        return UnreachableError(text, retry_after=_asked_pause(error.response.headers))
    return StateError(text)


def _asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds after which the Hub wants to be asked again: by its limits (`RateLimit: "api";r=0;t=55`), or plainly."""
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds + 1.0
    after = headers.get("Retry-After", "")
    return float(after) if after.isdigit() else None


def _reason(error: HfHubHTTPError | EntryNotFoundError) -> str:
    message = getattr(error, "server_message", None) or str(error)
    return " ".join(str(message).split()) or type(error).__name__


def quieten(*, progress_bars: bool) -> None:
    """The client's own bars appear only where ours would, and never its hints about faster packages."""
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars, logging

    logging.set_verbosity_error()
    (enable_progress_bars if progress_bars else disable_progress_bars)()
