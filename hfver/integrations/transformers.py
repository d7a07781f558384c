"""A callback for the transformers Trainer: when training ends, the model, its results and its record go to the Hub.

    trainer = Trainer(..., callbacks=[HfverCallback("config.yaml", experiment_name="baseline")])
    trainer.train()

A training run is worth more than its upload: whatever goes wrong here is a warning with the command that finishes it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback  # noqa: TID253 (this module is for those who have it)

from hfver.errors import HfverError
from hfver.experiments.run_facts import EVAL_RESULTS, TRAINER_STATE
from hfver.redact import redact
from hfver.reporting import Silent

if TYPE_CHECKING:
    from hfver.config.settings import Config
    from hfver.manager import HuggingFaceManager

log = logging.getLogger(__name__)

_ARGUMENTS = (
    "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps", "learning_rate",
    "lr_scheduler_type", "warmup_steps", "weight_decay", "max_grad_norm", "optim", "seed", "bf16", "fp16",
)  # fmt: skip
_TIMINGS = re.compile(r"_runtime$|_per_second$")


class HfverCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """Saves the trained model, evaluates it, and syncs it as `hfver sync` would.

    ``sync`` is None to do what `huggingface.auto_sync` says, True to sync all the same, False to save only.
    ``model_path`` is where the model is saved; without it the configured `repository.model_path`.
    ``evaluate`` gets the trained model and returns metrics for eval_results.json; without it the last evaluation of the
    trainer is taken. ``params`` are recorded besides the trainer's own arguments. Only the main process does anything.
    """

    def __init__(
        self,
        config: str | Path = "config.yaml",
        experiment_name: str | None = None,
        version_tag: str | None = None,
        *,
        model_path: str | Path | None = None,
        evaluate: Callable[[Any], Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
        private: bool | None = None,
        sync: bool | None = None,
        save_model: bool = True,
    ) -> None:
        self.urls: dict[str, str] = {}  # what a sync gave, for whoever asks afterwards
        self._config_path = Path(config)
        self._experiment_name = experiment_name
        self._version_tag = version_tag
        self._model_path = Path(model_path) if model_path is not None else None
        self._evaluate = evaluate
        self._params = dict(params or {})
        self._private = private
        self._sync = sync
        self._save_model = save_model

    # -- called by the trainer ------------------------------------------------------------------------------------

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say now what would make the sync fail after hours of training."""
        if not state.is_world_process_zero or self._sync is False:
            return
        try:
            self._look_ahead(args)
        except Exception as error:
            _warn("the sync at the end of this training will fail", error)

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        if not state.is_world_process_zero:
            return
        reached, command = "the trained model was not saved", None
        try:
            self._save(args, model, more.get("processing_class"))
            command = self._command(args)
            reached = f"the model is saved in {self._shown_place()}, but was not evaluated"
            self._write_results(state, model)
            reached = f"the model is saved in {self._shown_place()}, but was not synced"
            self._finish(args, model)
        except Exception as error:
            _warn(reached, error, command)

    # -- what they do ---------------------------------------------------------------------------------------------

    def _look_ahead(self, args: Any) -> None:
        from hfver.experiments.records import record_folder

        config = self._manager().settings
        self._place()
        record_folder(self._name(args))
        if self._version_tag is not None and config.version_of(self._version_tag) is None:
            raise HfverError(f"{self._version_tag} is not a version by versioning.formats", hints=["hfver config show"])

    def _save(self, args: Any, model: Any, tokenizer: Any) -> None:
        place = self._place()
        place.mkdir(parents=True, exist_ok=True)
        if not self._save_model or model is None:
            return
        if getattr(args, "fsdp", None) or getattr(args, "deepspeed", None):
            raise HfverError(
                "a model in parts can only be saved by all processes together",
                hints=["trainer.save_model(PATH) after trainer.train(), then hfver sync --model-path PATH"],
            )
        model.save_pretrained(place)
        if tokenizer is not None:
            tokenizer.save_pretrained(place)

    def _write_results(self, state: Any, model: Any) -> None:
        """eval_results.json and trainer_state.json beside the weights, where DVC and the record find them."""
        place = self._place()
        state.save_to_json(str(place / TRAINER_STATE))
        results = _last_evaluation(state.log_history)
        if self._evaluate is not None:
            results |= self._evaluate(model)
        if results:
            text = json.dumps(results, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
            (place / EVAL_RESULTS).write_text(text, encoding="utf-8")

    def _finish(self, args: Any, model: Any) -> None:
        if self._sync is False:
            return
        if os.environ.get("DVC_STAGE"):
            _say(f"the sync comes after this DVC stage, when the model is recorded: {self._command(args)}")
            return
        config = self._manager().settings
        if not self._sync and not (config.enabled and config.auto_sync):
            key = "auto_sync" if config.enabled else "enabled"
            _say(f"nothing was sent, because huggingface.{key} is false. To send it: {self._command(args)}")
            return
        params = self._all_params(args, model)
        try:
            self.urls = self._manager().sync_training_workflow(
                self._place(), self._name(args), self._version_tag, self._private, params=params,
                force=bool(self._sync),
            )  # fmt: skip
        except HfverError:
            self._keep(args, params)
            raise
        where = self.urls.get("model_url") or self.urls.get("experiment_url", "the Hub")
        _say(f"{self.urls.get('version', self._name(args))} is synced: {where}")

    def _keep(self, args: Any, params: Mapping[str, Any]) -> None:
        """Write down what only this process knows, for the sync that is done by hand."""
        from hfver.record import record_run

        record_run(self._name(args), params=params, config=self._config_path)

    def _manager(self) -> HuggingFaceManager:
        from hfver.manager import HuggingFaceManager

        return HuggingFaceManager(self._config_path, reporter=_Stderr())

    def _place(self) -> Path:
        """Where the model goes; HfverError when neither the callback nor the configuration says."""
        if self._model_path is None:
            config = self._manager().settings
            path = _only_path(config)
            if path is None:
                raise HfverError(
                    "where is the model to be saved?",
                    hints=["HfverCallback(model_path=...)", "set huggingface.repository.model_path in config.yaml"],
                )
            self._model_path = self._config_path.absolute().parent / path
        return self._model_path

    def _shown_place(self) -> str:
        place, here = self._place(), Path.cwd()
        return str(place.relative_to(here)) if place.is_absolute() and place.is_relative_to(here) else str(place)

    def _name(self, args: Any) -> str:
        from hfver.versions import experiment_slug

        run_name = getattr(args, "run_name", None)
        named = run_name if run_name and run_name != getattr(args, "output_dir", None) else None
        return self._experiment_name or experiment_slug(named or self._place().name)

    def _all_params(self, args: Any, model: Any) -> dict[str, Any]:
        params = {name: _plain(getattr(args, name)) for name in _ARGUMENTS if getattr(args, name, None) is not None}
        if model is not None:
            params["num_parameters"] = sum(parameter.numel() for parameter in model.parameters())
        return params | self._params

    def _command(self, args: Any) -> str:
        """What to type to do by hand what was not done here."""
        words = ["hfver", "sync", "--model-path", self._shown_place(), "--experiment-name", self._name(args)]
        words += ["--version-tag", self._version_tag] if self._version_tag else []
        words += ["--config", str(self._config_path)] if self._config_path != Path("config.yaml") else []
        words += ["--force-hf-sync"] if self._sync else []
        return shlex.join(words)


class _Stderr(Silent):
    """Notes and warnings of a sync, where a training run's log goes."""

    def note(self, message: str) -> None:
        _say(message)

    def warn(self, message: str) -> None:
        log.warning("%s", redact(message))


def _say(message: str) -> None:
    sys.stderr.write(f"hfver: {redact(message)}\n")
    sys.stderr.flush()


def _warn(what: str, error: Exception, command: str | None = None) -> None:
    reason = error.message if isinstance(error, HfverError) else f"{type(error).__name__}: {error}"
    lines = [f"{what}: {reason}"]
    lines += [f"  hint: {hint}" for hint in (error.hints if isinstance(error, HfverError) else [])]
    lines += [f"  to finish it: {command}"] if command else []
    log.warning("%s", redact("\n".join(lines)))
    log.debug("the reason: %s", redact("".join(traceback.format_exception(error))))


def _last_evaluation(history: list[dict[str, Any]]) -> dict[str, Any]:
    """The newest evaluation in a trainer's log, without how long it took."""
    for entry in reversed(history):
        found = {name: value for name, value in entry.items() if name.startswith("eval_") and not _TIMINGS.search(name)}
        if found:
            return found
    return {}


def _only_path(config: Config) -> str | None:
    return config.models[0].path if len(config.models) == 1 else None


def _plain(value: Any) -> Any:
    """Enumerations of transformers as the word they stand for."""
    return getattr(value, "value", value)
