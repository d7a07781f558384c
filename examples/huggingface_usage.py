"""The Python API in one program: release, list, compare, fetch and check versions of a model.

    python examples/huggingface_usage.py

It works in a throw-away project on the embedded hub: no account, no network. In a project of your own, start at
``HuggingFaceManager("config.yaml")``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hfver import HuggingFaceManager, record_run
from hfver.errors import HfverError, RefusedError


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="hfver-usage-") as folder:
        make_project(Path(folder))
        manager = HuggingFaceManager("config.yaml")
        print(f"Repositories: {', '.join(manager.create_repositories(private=True).values())}")
        sync_in_one_step(manager)
        sync_step_by_step(manager)
        sync_many(manager)
        sync_on_a_condition(manager)
        record_without_a_model()
        look_around(manager)
        fetch_and_check(manager)
        write_a_card(manager)
        handle_refusals(manager)


def sync_in_one_step(manager: HuggingFaceManager) -> None:
    heading("Model, configuration, results and record in one step")
    train("model", accuracy=0.81)
    results = manager.sync_training_workflow("./model", "baseline", version_tag="v1.0.0", private=True)
    for name, url in results.items():
        print(f"  {name}: {url}")


def sync_step_by_step(manager: HuggingFaceManager) -> None:
    heading("Step by step")
    train("model", accuracy=0.84)
    print(" ", manager.upload_model("./model", version_tag="v1.0.1", commit_message="Train on the corrected data"))
    print(" ", manager.upload_training_config(manager.config, "corrected"))
    print(" ", manager.upload_training_results("./model/eval_results.json", "corrected"))


def sync_many(manager: HuggingFaceManager) -> None:
    heading("Several experiments")
    for number, (name, tag) in enumerate([("small", "v1.1.0"), ("large", "v2.0.0")]):
        train(name, accuracy=0.85 + number / 20)
        print(" ", name, manager.sync_training_workflow(f"./{name}", name, tag)["model_url"])


def sync_on_a_condition(manager: HuggingFaceManager) -> None:
    heading("Only if it is good enough")
    train("model", accuracy=0.60)
    results = manager.sync_training_workflow("./model", "unlucky", condition="accuracy > 0.8")
    print("  synced" if results else "  accuracy > 0.8 does not hold: nothing was sent")


def record_without_a_model() -> None:
    heading("The record of a run whose model is not kept")
    run = record_run("ablation", params={"layers": 1}, metrics={"accuracy": 0.55}, send=True)
    print(" ", run.urls["experiment_url"])


def look_around(manager: HuggingFaceManager) -> None:
    heading("What there is")
    for version in manager.list_versions():
        print(f"  {version['version']}: {version['state']}")
    for experiment in manager.list_experiments(where="accuracy > 0.5", sort="-accuracy"):
        print(f"  {experiment.name}: accuracy {experiment.metrics['accuracy']}")


def fetch_and_check(manager: HuggingFaceManager) -> None:
    heading("A version comes back, every file checked")
    path = manager.download_model("v1.0.0", "./downloaded_model")
    print(" ", path, json.loads((path / "eval_results.json").read_text()))


def write_a_card(manager: HuggingFaceManager) -> None:
    heading("A card with sections of one's own")
    card = manager.generate_model_card("./model", "v2.0.0", {"limitations": "This model was never trained."})
    print(*(f"  {line}" for line in card.splitlines() if line.startswith("#")), sep="\n")


def handle_refusals(manager: HuggingFaceManager) -> None:
    heading("Errors say what to do")
    try:
        manager.upload_model("./model", version_tag="v1.0.0")
    except RefusedError as error:
        print(f"  {error.message}")
        print(*(f"  hint: {hint}" for hint in error.hints), sep="\n")


def make_project(folder: Path) -> None:
    """What `git init` and `hfver init` do for a project, away from the user's own things."""
    os.environ.update(HOME=str(folder / "home"), HFVER_HUB_DIR=str(folder / "hub"), HF_HOME=str(folder / "cache"))
    for name in ("HF_TOKEN", "HUGGINGFACE_TOKEN", "HF_ENDPOINT"):
        os.environ.pop(name, None)
    os.environ.update(DVC_NO_ANALYTICS="1", DVC_SITE_CACHE_DIR=str(folder / "dvc"))
    for role in ("AUTHOR", "COMMITTER"):
        os.environ |= {f"GIT_{role}_NAME": "Usage", f"GIT_{role}_EMAIL": "usage@example.org"}
    project = folder / "project"
    project.mkdir()
    os.chdir(project)
    hfver = str(Path(sys.executable).with_name("hfver"))
    init = [hfver, "init", "--yes", "--quiet", "--model-name", "demo/usage", "--endpoint", "embedded"]
    for command in (["git", "init", "--quiet"], init, ["git", "add", "--all"], ["git", "commit", "-qm", "Set up"]):
        subprocess.run(command, check=True)


def train(path: str, *, accuracy: float) -> None:
    """In place of a training: a few files that differ each time."""
    place = Path(path)
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text('{"model_type": "llama"}\n')
    (place / "weights.bin").write_bytes(f"weights of {path}, {accuracy}".encode() * 1000)
    (place / "eval_results.json").write_text(json.dumps({"accuracy": accuracy}))


def heading(text: str) -> None:
    print(f"\n{text}")


if __name__ == "__main__":
    try:
        main()
    except HfverError as error:
        raise SystemExit(f"Error: {error.message}" + "".join(f"\nHint: {hint}" for hint in error.hints)) from error
