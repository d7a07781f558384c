"""A sync in a directory without git: the same parts in the same order, and nothing to record or to tag here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hfver.errors import UsageError
from hfver.experiments.files import commit_message
from hfver.mirror.branch import configs_repo
from hfver.mirror.commit import Message, step
from hfver.mirror.plan import RELEASES, MirrorTrailers
from hfver.model import Tag
from hfver.outputs.recording import Recorded
from hfver.paths import RECEIPT_PATH
from hfver.receipt import MAX_BYTES
from hfver.reporting import Reporter
from hfver.training.auto_version import auto_version
from hfver.training.loose_release import DirectoryContent, release_directory
from hfver.training.operations import Meter
from hfver.training.sync import Gathered, Synced, SyncRequest, send_run

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.config.settings import ModelConfig
    from hfver.workspace import Workspace


def sync_directory(
    workspace: Workspace,
    hub: HubClient,
    request: SyncRequest,
    run: Gathered,
    items: frozenset[str],
    reporter: Reporter,
    *,
    meter: Meter,
) -> Synced:
    config = workspace.config
    place = workspace.repo.top / run.path
    version, recorded = None, None
    if "model" in items:
        version = _version(workspace, hub, request, run)
        recorded = Recorded("", run.path, DirectoryContent(place, config.settings.upload.chunk_size).md5)
        _back_up(workspace, place, version, run, reporter)
    urls = send_run(workspace, hub, request, run, items, version, recorded, meter)
    if version is not None:
        subject = request.message or commit_message(config, "model", request.experiment, version=version)
        outcome = release_directory(
            workspace, hub, place, run.model, version, subject, run.facts, reporter, allow_same=request.allow_same
        )
        meter.add(outcome.new_bytes)
        if "config" in items:
            _tag_configs(workspace, hub, run.model, version, subject)
        urls["model_url"] = hub.revision_url(run.model.repo, version)
    return Synced(request.experiment, version, dict(sorted(urls.items())))


def _version(workspace: Workspace, hub: HubClient, request: SyncRequest, run: Gathered) -> str:
    """The Hub alone knows which versions there are."""
    config = workspace.config
    if request.version_tag is not None:
        found = config.version_of(request.version_tag)
        if found is None or found[0] != run.model:
            raise UsageError(
                f"{request.version_tag} is not a version of {run.model.name}", hints=["--version-tag v1.0.0"]
            )
        return request.version_tag
    refs = hub.refs(run.model.repo)
    tags = tuple(Tag(name, "", None, "") for name in refs.tags) if refs is not None else ()
    return auto_version(config, run.model, tags, frozenset({""}), request.experiment, run.now).tag


def _tag_configs(workspace: Workspace, hub: HubClient, model: ModelConfig, version: str, subject: str) -> None:
    """The receipt in the configs repository, under the release's tag."""
    config = workspace.config
    repo = configs_repo(hub, config, model)
    refs = repo.refs()
    if refs is not None and version in refs.tags:
        return
    receipt = hub.read(model.repo, version, RECEIPT_PATH, limit=MAX_BYTES)
    files = {f"{RELEASES}{version}.json": receipt} if receipt is not None else {}
    message = Message(subject, MirrorTrailers(tag=version))
    done = step(repo, config, config.settings.default_branch, lambda _head, _held: (files, ()), message)
    repo.tag(version, done.revision, subject)


def _back_up(workspace: Workspace, place: Path, version: str, run: Gathered, reporter: Reporter) -> None:
    config = workspace.config
    if not (config.backup.enabled or config.sync.backup_before_upload):
        return
    from hfver.training.backups import make_backup
    from hfver.trust import require_writable

    folder = require_writable(
        Path(config.backup.local_backup_dir), workspace.repo.top, "the backup directory", workspace.environ
    )
    found = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.is_file())
    base = place.parent if place.is_file() else place
    # Copies, not links: nothing keeps these files from being written to in place.
    files: dict[str, Path | bytes] = {f"model/{file.relative_to(base).as_posix()}": file for file in found}
    files["config.yaml"] = (workspace.repo.top / config.main_file).read_bytes()
    made = make_backup(folder, version.replace("/", "-"), files, config.backup.keep_backups, run.now, link=False)
    reporter.note(f"Backup of {made.files} files in {made.path}")
