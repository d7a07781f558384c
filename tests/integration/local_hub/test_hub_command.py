"""``hfver hub`` as a user types it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest
from huggingface_hub import HfApi

from hfver.local_hub.serve import EmbeddedHub
from tests.support.hub import HubForTests, running_hub

HFVER = str(Path(sys.executable).with_name("hfver"))
WEIGHTS = np.random.default_rng(11).bytes(2 << 20)


def hfver_hub(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HFVER, "hub", *map(str, arguments)], capture_output=True, text=True)


@contextmanager
def serving(store: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [HFVER, "hub", "serve", "--json", "--store", str(store), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            text += line
        try:
            yield process, json.loads(text)
        finally:
            process.kill()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_serve_tells_its_address_and_ends_in_order(tmp_path: Path, stop: signal.Signals) -> None:
    with serving(tmp_path / "store") as (process, told):
        token = hfver_hub("token", "--store", tmp_path / "store").stdout.strip()
        assert HfApi(endpoint=told["endpoint"], token=token).whoami()["name"] == told["user"]
        process.send_signal(stop)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_serve_prints_lines_for_a_shell_without_the_token(tmp_path: Path) -> None:
    command = [HFVER, "hub", "serve", "--store", str(tmp_path / "my store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        path = f"{Path(HFVER).parent}:{os.environ['PATH']}"
        script = "".join(lines) + "hf auth whoami"
        asked = subprocess.run(["sh", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True)
        process.terminate()
    assert "hf_" not in "".join(lines)
    assert asked.returncode == 0, asked.stderr
    assert "me" in asked.stdout


def test_the_address_stays_the_same_until_it_is_taken(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with running_hub(store) as hub:
        first = hub.endpoint
    with running_hub(store) as hub, running_hub(store) as beside:
        assert hub.endpoint == first
        assert beside.endpoint != first


def test_beside_a_running_hub_the_next_has_the_same_address_each_time(tmp_path: Path) -> None:
    """Xet clients remember what they sent by address: at another one everything would be sent again."""
    with EmbeddedHub(tmp_path / "store") as first:
        with EmbeddedHub(tmp_path / "store") as second:
            usual, beside = first.endpoint, second.endpoint
        for _ in range(3):
            with EmbeddedHub(tmp_path / "store") as again:
                assert (again.endpoint, again.usual_endpoint) == (beside, usual)
    assert usual != beside
    with EmbeddedHub(tmp_path / "store") as alone:
        assert alone.endpoint == usual


def test_a_taken_port_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = hfver_hub("serve", "--port", port, "--store", tmp_path / "store")
    assert refused.returncode == 1
    assert f"could not be started on port {port}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_info_path_and_token(own_hub: HubForTests) -> None:
    store = own_hub.server.store
    repo = own_hub.repo()
    own_hub.api.upload_file(path_or_fileobj=WEIGHTS, path_in_repo="w.bin", repo_id=repo)
    own_hub.api.create_tag(repo, tag="v1")
    seen = json.loads(hfver_hub("info", "--json", "--store", store).stdout)
    (found,) = seen["repos"]
    assert (found["name"], found["versions"], found["private"]) == (repo, 1, False)
    assert found["size"] > len(WEIGHTS)
    git_dir = hfver_hub("path", repo, "--store", store).stdout.strip()
    log = subprocess.run(["git", "-C", git_dir, "log", "--format=%s"], capture_output=True, text=True, check=True)
    assert log.stdout.splitlines()[-1] == "initial commit"
    assert hfver_hub("path", "no/such", "--store", store).returncode == 2
    bob = own_hub.api_with(hfver_hub("token", "--user", "bob", "--read-only", "--store", store).stdout.strip())
    assert (bob.whoami()["name"], bob.whoami()["auth"]["accessToken"]["role"]) == ("bob", "read")


def test_a_missing_store_is_a_sentence(tmp_path: Path) -> None:
    refused = hfver_hub("info", "--store", tmp_path / "none")
    assert (refused.returncode, "There is no hub in" in refused.stderr) == (1, True)
    assert not (tmp_path / "none").exists()


def test_a_store_of_a_newer_hfver_is_left_alone(tmp_path: Path) -> None:
    with running_hub(tmp_path / "store"):
        pass
    with sqlite3.connect(tmp_path / "store/hub.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    refused = hfver_hub("info", "--store", tmp_path / "store")
    assert refused.returncode == 1
    assert "format 99" in refused.stderr


def test_scrub_names_the_file_of_a_flipped_bit_and_a_new_upload_heals_it(own_hub: HubForTests, tmp_path: Path) -> None:
    repo = own_hub.repo()
    own_hub.api.upload_file(path_or_fileobj=WEIGHTS, path_in_repo="dir/w.bin", repo_id=repo)
    assert hfver_hub("scrub", "--store", own_hub.server.store).returncode == 0
    (xorb,) = [path for path in (own_hub.server.store / "content/xorbs").rglob("*") if path.is_file()]
    data = bytearray(xorb.read_bytes())
    data[len(data) // 2] ^= 1
    xorb.chmod(0o644)
    xorb.write_bytes(data)
    found = hfver_hub("scrub", "--json", "--store", own_hub.server.store)
    assert found.returncode == 3
    assert json.loads(found.stdout)[0]["files"] == [f"{repo}: dir/w.bin"]
    url = f"{own_hub.endpoint}/{repo}/resolve/main/dir/w.bin"
    gone = httpx2.get(url)
    assert (gone.status_code, "upload it again" in gone.json()["error"]) == (410, True)
    own_hub.api.upload_file(path_or_fileobj=WEIGHTS, path_in_repo="dir/w.bin", repo_id=repo)
    assert httpx2.get(url).content == WEIGHTS


def test_scrub_finds_a_damaged_git_object(own_hub: HubForTests) -> None:
    repo = own_hub.repo()
    own_hub.api.upload_file(path_or_fileobj=b"text", path_in_repo="a.txt", repo_id=repo)
    blob = own_hub.api.get_paths_info(repo, ["a.txt"])[0]
    oid = getattr(blob, "blob_id", "")
    path = own_hub.git_dir(repo) / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"broken")
    found = hfver_hub("scrub", "--store", own_hub.server.store)
    assert found.returncode == 3
    assert f"git repository of {repo}" in found.stdout
    answer = httpx2.get(f"{own_hub.endpoint}/{repo}/resolve/main/a.txt")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (424, "StoreDamaged")
    assert "hfver hub repair" in answer.json()["error"]
    kept = hfver_hub("gc", "--grace", "0", "--store", own_hub.server.store)
    assert (kept.returncode, repo in kept.stderr, "hfver hub repair" in kept.stderr) == (7, True, True)


def test_gc_frees_what_nothing_reaches_and_nothing_else(own_hub: HubForTests) -> None:
    kept, dropped = own_hub.repo("kept"), own_hub.repo("dropped")
    own_hub.api.upload_file(path_or_fileobj=WEIGHTS, path_in_repo="w.bin", repo_id=kept)
    old = own_hub.api.upload_file(path_or_fileobj=WEIGHTS[::-1], path_in_repo="w.bin", repo_id=kept).oid
    own_hub.api.create_tag(kept, tag="v1", revision=old)
    own_hub.api.delete_file("w.bin", kept)
    own_hub.api.upload_file(path_or_fileobj=b"\1" + WEIGHTS[1:][::-2], path_in_repo="x.bin", repo_id=dropped)
    own_hub.api.delete_repo(dropped)
    store = own_hub.server.store
    planned = json.loads(hfver_hub("gc", "--dry-run", "--grace", "0", "--json", "--store", store).stdout)
    assert planned["files"] == 1
    assert json.loads(hfver_hub("gc", "--json", "--store", store).stdout)["files"] == 0
    assert json.loads(hfver_hub("gc", "--grace", "0", "--json", "--store", store).stdout)["files"] == 1
    assert httpx2.get(f"{own_hub.endpoint}/{kept}/resolve/v1/w.bin").content == WEIGHTS[::-1]
    assert hfver_hub("scrub", "--store", store).returncode == 0


def test_starting_in_process_is_quick(tmp_path: Path) -> None:
    program = (
        "import time; begun = time.process_time()\n"
        "from hfver.local_hub.serve import EmbeddedHub\n"
        "with EmbeddedHub(): pass\n"
        "import sys; print(time.process_time() - begun)\n"
        "unwanted = {'starlette', 'pygit2', 'lz4', 'blake3', 'yaml', 'huggingface_hub', 'dvc', 'hfver.errors',\n"
        "    'hfver.local_hub.app', 'hfver.local_hub.content_store'}\n"
        "assert not unwanted & set(sys.modules), unwanted & set(sys.modules)"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True) for _ in range(3)]
    assert all(run.returncode == 0 for run in runs), runs[0].stderr
    assert min(float(run.stdout) for run in runs) < 0.6
