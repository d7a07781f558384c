"""A sync in a directory without git: the same parts in the same order, and nothing to record or to tag here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hfver.checkout.scan import files_of_model
from hfver.experiments.files import commit_message
from hfver.hub_state import MAIN
from hfver.hub_view import read_hub_state, read_receipt
from hfver.mirror.branch import configs_repo
from hfver.mirror.commit import Message, step
from hfver.mirror.plan import RELEASES, MirrorTrailers
from hfver.mirror.secret_scan import without_secrets
from hfver.model import Tag
from hfver.outputs.recording import Recorded
from hfver.paths import RECEIPT_PATH
from hfver.receipt import MAX_BYTES
from hfver.reporting import Reporter
from hfver.training.auto_version import auto_version
from hfver.training.loose_release import DirectoryContent, refuse_other_content, release_directory
from hfver.training.operations import Meter
from hfver.training.sync import Gathered, Synced, SyncRequest, refuse_same_content, send_run

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
    version, recorded, content = None, None, None
    if "model" in items:
        content = DirectoryContent(place, config.settings.upload.chunk_size)
        recorded = Recorded("", run.path, content.md5)
        version = _version(workspace, hub, request, run, content.md5, reporter)
        _back_up(workspace, place, version, run, reporter)
    urls = send_run(workspace, hub, request, run, items, version, recorded, meter)
    if version is not None and content is not None:
        subject = request.message or commit_message(config, "model", request.experiment, version=version)
        outcome = release_directory(
            workspace, hub, content, run.model, version, subject, run.facts, reporter, allow_same=request.allow_same
        )
        meter.add(outcome.new_bytes)
        if "config" in items:
            _tag_configs(workspace, hub, run.model, version, subject)
        urls["model_url"] = hub.revision_url(run.model.repo, version)
    return Synced(request.experiment, version, dict(sorted(urls.items())))


def _version(
    workspace: Workspace, hub: HubClient, request: SyncRequest, run: Gathered, md5: str, reporter: Reporter
) -> str:
    """The Hub alone knows which versions there are. What it would refuse is refused before anything is sent."""
    config, tag = workspace.config, request.version_tag
    state = read_hub_state(hub, run.model.repo, workspace.state)
    if tag is not None and tag in state.refs.tags:
        refuse_other_content(tag, md5, read_receipt(hub, state.repo, state.refs.tags[tag], workspace.state))
        return tag
    newest = state.newest_release(MAIN)
    receipt = None
    if newest is not None:
        receipt = read_receipt(hub, state.repo, newest.revision, workspace.state, tree=newest.trailers.tree)
    same = newest.tag if newest is not None and receipt is not None and receipt.md5 == md5 else None
    if tag is not None:
        if same != tag and not request.allow_same:
            refuse_same_content(config, run.path, tag, same)
        return tag
    if same is not None and not request.allow_same:
        reporter.note(f"{run.path} is {same} already, so there is no new version")
        return same
    tags = tuple(Tag(name, "", None, "") for name in state.refs.tags)
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
    repo.tag(version, done.revision, without_secrets(subject))


def _back_up(workspace: Workspace, place: Path, version: str, run: Gathered, reporter: Reporter) -> None:
    config = workspace.config
    if not (config.backup.enabled or config.sync.backup_before_upload):
        return
    from hfver.training.backups import make_backup
    from hfver.trust import require_writable

    folder = require_writable(
        Path(config.backup.local_backup_dir), workspace.repo.top, "the backup directory", workspace.environ
    )
    # Copies, not links: nothing keeps these files from being written to in place.
    files: dict[str, Path | bytes] = {f"model/{path}": file for path, file in files_of_model(place).items()}
    files["config.yaml"] = (workspace.repo.top / config.main_file).read_bytes()
    made = make_backup(folder, version.replace("/", "-"), files, config.backup.keep_backups, run.now, link=False)
    reporter.note(f"Backup of {made.files} files in {made.path}")
