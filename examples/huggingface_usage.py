"""The training workflow with `HuggingFaceManager`, in a throw-away project on the Hub of this machine.

    python examples/huggingface_usage.py

Needs no account and no network. Each function shows one thing; copy what you need.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hfver import HuggingFaceManager
from hfver.errors import HfverError

CONFIG = """\
training: {learning_rate: 0.0001, epochs: 3}
huggingface:
  endpoint: embedded
  repository: {model_name: your-username/mcp-finetuned-model}
"""


def train(folder: Path, accuracy: float) -> Path:
    """What a training script leaves behind: a model and its evaluation."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"architectures": ["TinyModel"]}\n')
    (folder / "model.bin").write_bytes(os.urandom(4096))
    (folder / "eval_results.json").write_text(json.dumps({"accuracy": accuracy, "loss": round(1 - accuracy, 3)}))
    return folder


def one_step(manager: HuggingFaceManager) -> None:
    """Model, configuration, results and record in one call."""
    train(Path("model"), accuracy=0.84)
    results = manager.sync_training_workflow("model", "baseline_experiment", version_tag="v1.0.0", private=True)
    for key, url in results.items():
        print(f"  {key}: {url}")


def step_by_step(manager: HuggingFaceManager) -> None:
    """The same in parts."""
    train(Path("model"), accuracy=0.86)
    manager.create_repositories(private=True)
    print("  model:", manager.upload_model("model", version_tag="v1.0.1", commit_message="fix: Train longer"))
    print("  config:", manager.upload_training_config(manager.config, "longer"))
    print("  results:", manager.upload_training_results("model/eval_results.json", "longer"))


def batch(manager: HuggingFaceManager) -> None:
    """Several runs become several versions; one failure does not stop the others."""
    runs = [("baseline", 0.71, "v1.1.0"), ("optimized", 0.88, "v1.2.0"), ("final", 0.93, "v2.0.0")]
    for name, accuracy, tag in runs:
        try:
            done = manager.sync_training_workflow(train(Path("runs") / name, accuracy), name, version_tag=tag)
        except HfverError as error:
            print(f"  {name}: {error.message}")
        else:
            print(f"  {name}: {done['model_url']}")


def only_if_good(manager: HuggingFaceManager) -> None:
    """A condition over the metrics decides."""
    folder = train(Path("runs") / "weak", accuracy=0.4)
    done = manager.sync_training_workflow(folder, "weak", condition="accuracy > 0.8 and loss < 0.5")
    print("  synced" if done else "  not good enough, nothing was sent")


def look_back(manager: HuggingFaceManager) -> None:
    """Versions, experiments, and a version brought back."""
    for item in manager.list_versions():
        print(f"  {item['version']}: {item['state']}")
    best = manager.list_experiments(sort="-accuracy", limit=1)[0]
    print(f"  best: {best.name} with {best.metrics['accuracy']}")
    place = manager.download_model("v1.0.0", "downloaded_model")
    print(f"  v1.0.0 is in {place}: {', '.join(sorted(file.name for file in place.iterdir()))}")


def card(manager: HuggingFaceManager) -> None:
    """A model card with sections of your own."""
    text = manager.generate_model_card("model", "v1.0.1", {"limitations": "This model may have biases."})
    print("  " + text.split("# ")[1].split("\n")[0], "…", len(text), "characters")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("HFVER_HUB_DIR", str(Path(folder) / "hub"))
        project = Path(folder) / "project"
        project.mkdir()
        os.chdir(project)
        Path("config.yaml").write_text(CONFIG)
        for command in (["git", "init", "-q"], ["dvc", "init", "-q"], ["git", "add", "-A"]):
            subprocess.run([sys.executable, "-m", *command] if command[0] == "dvc" else command, check=True)
        subprocess.run(["git", "commit", "-q", "-m", "A project"], check=True)
        manager = HuggingFaceManager("config.yaml")
        for show in (one_step, step_by_step, batch, only_if_good, look_back, card):
            print(f"\n{(show.__doc__ or '').strip()}")
            show(manager)
        os.chdir(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
