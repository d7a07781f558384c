"""The Python API: the training workflow as methods. Thin: each method calls functions one could call without it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.redact import redacted_errors
from hfver.reporting import Reporter, Silent

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.config.settings import Config
    from hfver.experiments.records import Experiment
    from hfver.training.sync import Synced, SyncRequest
    from hfver.workspace import Workspace


class HuggingFaceManager:
    """Versions of a project's model on the Hub, as its configuration describes them.

    >>> manager = HuggingFaceManager("config.yaml")
    >>> manager.sync_training_workflow("./model", "baseline", version_tag="v1.0.0")

    Works in the git repository that holds the configuration file. Without a git repository it works, too, but no commit
    stands behind the releases; their receipts say so. Methods raise `hfver.errors.HfverError`; no token is in its text.
    """

    def __init__(
        self,
        config_path: str | Path = "config.yaml",
        *,
        environ: Mapping[str, str] | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self._path = Path(config_path).absolute()
        self._environ = dict(os.environ if environ is None else environ)
        self._reporter: Reporter = reporter or Silent()

    @property
    def config(self) -> dict[str, Any]:
        """All of the main configuration file, as plain data."""
        return dict(self.settings.data)

    @property
    def settings(self) -> Config:
        """The resolved configuration: both files, the environment and the defaults."""
        with self._workspace() as workspace:
            return workspace.config

    def create_repositories(self, private: bool | None = None) -> dict[str, str]:
        """Create the model repository and its configs repository where they are missing; returns their addresses."""
        from hfver.training.workflow import create_repositories

        with self._opened(_private(private), writes=True) as (workspace, hub):
            return create_repositories(workspace, hub)

    def upload_model(
        self,
        model_path: str | Path,
        version_tag: str | None = None,
        commit_message: str | None = None,
        chunk_size: int | None = None,
        *,
        commit: bool = True,
        allow_same: bool = False,
    ) -> str:
        """Release the model as a version, and return the address of its revision.

        The model is recorded in DVC and git first; ``commit=False`` refuses instead if it is not. Without a version one
        is made as `versioning.auto_tag` says. `huggingface.enabled: false` is about what happens by itself.
        """
        options: dict[str, Any] = {"huggingface.enabled": True}
        options |= {} if chunk_size is None else {"settings.upload.chunk_size": chunk_size}
        request = self._request(
            model_path, Path(model_path).name, version_tag, message=commit_message, commit=commit,
            allow_same=allow_same, items=frozenset({"model"}),
        )  # fmt: skip
        return self._sync(request, options).urls["model_url"]

    def upload_training_config(self, config_data: Mapping[str, Any] | str | Path, experiment_name: str) -> str:
        """Put the configuration of an experiment (data, or a file) into the configs repository."""
        from hfver.training.workflow import upload_config

        with self._opened(writes=True) as (workspace, hub):
            return upload_config(workspace, hub, config_data, experiment_name)

    def upload_training_results(self, results_path: str | Path, experiment_name: str) -> str:
        """Put a result file, or a directory of them, and the record of the experiment into the configs repository."""
        from hfver.training.workflow import upload_results

        with self._opened(writes=True) as (workspace, hub):
            return upload_results(workspace, hub, Path(results_path), experiment_name, datetime.now(UTC))

    def sync_training_workflow(
        self,
        model_path: str | Path,
        experiment_name: str,
        version_tag: str | None = None,
        private: bool | None = None,
        *,
        results_path: str | Path | None = None,
        params: Mapping[str, Any] | None = None,
        condition: str | None = None,
        commit: bool = True,
        allow_same: bool = False,
        force: bool = False,
    ) -> dict[str, str]:
        """Model, configuration, results and record of a run to the Hub, in one step.

        ``params`` are recorded besides what params.yaml, DVC and `record_run` say.
        Returns addresses: ``model_url``, ``config_url``, ``results_url``, ``experiment_url``, and the ``version``.
        Empty when ``condition`` (such as ``"accuracy > 0.8"``) does not hold, or when `huggingface.enabled` is false
        and ``force`` is not given.
        """
        from hfver.experiments.conditions import parse_condition

        request = self._request(
            model_path, experiment_name, version_tag, commit=commit, allow_same=allow_same,
            condition=parse_condition(condition) if condition else None,
            results=Path(results_path) if results_path is not None else None, params=params or {},
        )  # fmt: skip
        done = self._sync(request, _private(private) | ({"huggingface.enabled": True} if force else {}))
        return dict(done.urls) | ({"version": done.version} if done.version else {})

    def download_model(self, version_tag: str | None = None, local_dir: str | Path = "./downloaded_model") -> Path:
        """Fetch a version (the latest without one; a range such as ``^1.2`` works) and check it against its receipt."""
        from hfver.training.workflow import download_model

        with self._workspace() as workspace:
            return download_model(workspace, version_tag or "latest", Path(local_dir), self._reporter)

    def list_versions(self) -> list[dict[str, Any]]:
        """Every version in git and on the Hub with its state, newest first."""
        from hfver.training.workflow import list_versions

        with self._opened() as (workspace, hub):
            return list_versions(workspace, hub)

    def list_experiments(
        self, *, where: str | None = None, sort: str = "", limit: int | None = None
    ) -> list[Experiment]:
        """Records of experiments; filtered by a condition, sorted by a metric (``-accuracy``: highest first)."""
        from hfver.training.workflow import list_experiments

        with self._opened() as (workspace, hub):
            return list_experiments(workspace, hub, where=where, sort=sort, limit=limit)

    def generate_model_card(
        self,
        model_path: str | Path,
        version_tag: str | None = None,
        custom_sections: Mapping[str, str] | None = None,
    ) -> str:
        """The card a release of this model would get, with sections of your own."""
        from hfver.training.workflow import generate_card_text

        with self._workspace() as workspace:
            return generate_card_text(workspace, Path(model_path), version_tag, custom_sections or {})

    def validate_config(self) -> bool:
        """True if both files are right; raises ConfigError with every problem and its place otherwise."""
        _ = self.settings  # to read them is to check them
        return True

    def _request(self, model_path: str | Path, experiment: str, version_tag: str | None, **more: Any) -> SyncRequest:
        from hfver.training.sync import SyncRequest

        return SyncRequest(Path(model_path), experiment, version_tag, **more)

    def _sync(self, request: SyncRequest, options: Mapping[str, Any]) -> Synced:
        from hfver.training.workflow import sync_and_tell

        with self._opened(options, writes=True) as (workspace, hub):
            return sync_and_tell(workspace, hub, request, self._reporter, now=datetime.now(UTC)).synced

    @contextmanager
    def _workspace(self, options: Mapping[str, Any] | None = None) -> Iterator[Workspace]:
        from hfver.training.no_git import open_project

        with (
            redacted_errors(),
            open_project(
                self._path.parent, environ=self._environ, config_path=self._path, options=options
            ) as workspace,
        ):
            yield workspace

    @contextmanager
    def _opened(
        self, options: Mapping[str, Any] | None = None, *, writes: bool = False
    ) -> Iterator[tuple[Workspace, HubClient]]:
        from hfver.hub_session import open_hub

        with (
            self._workspace(options) as workspace,
            open_hub(
                workspace.config.endpoint, self._environ, writes=writes, progress_bars=self._reporter.shows_progress
            ) as hub,
        ):
            yield workspace, hub


def _private(private: bool | None) -> dict[str, Any]:
    return {} if private is None else {"huggingface.repository.private": private}
