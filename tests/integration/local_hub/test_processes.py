"""One store under several processes: served, in-process, and many clients at once."""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.support.hub import HubForTests, running_hub

HFVER = str(Path(sys.executable).with_name("hfver"))


@contextmanager
def served(store: Path) -> Iterator[str]:
    """A hub in another process; its endpoint."""
    command = [HFVER, "hub", "serve", "--json", "--store", str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            text += process.stdout.readline()
        try:
            yield json.loads(text)["endpoint"]
        finally:
            process.terminate()


def fill(folder: Path, seed: int) -> dict[str, bytes]:
    noise = np.random.default_rng(seed)
    files = {f"{seed}/t{number}.txt": b"%d %d" % (seed, number) for number in range(20)}
    files |= {f"{seed}/w{number}.bin": noise.bytes((1 << 20) + 999 * number) for number in range(2)}
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return files


def test_four_uploads_and_four_downloads_at_once(own_hub: HubForTests, tmp_path: Path) -> None:
    repo = own_hub.repo()
    files: dict[str, bytes] = {}
    for seed in range(4):
        files |= fill(tmp_path / f"up{seed}", seed)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        uploads = list(pool.map(lambda seed: own_hub.hf("upload", repo, tmp_path / f"up{seed}", "."), range(4)))
        assert [upload.returncode for upload in uploads] == [0] * 4, [upload.stderr for upload in uploads]
        targets = [tmp_path / f"down{number}" for number in range(4)]
        downloads = list(pool.map(lambda target: own_hub.hf("download", repo, "--local-dir", target), targets))
    assert [download.returncode for download in downloads] == [0] * 4
    for target in targets:
        assert {path: (target / path).read_bytes() for path in files} == files


def test_a_served_and_an_in_process_hub_share_a_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with served(store) as elsewhere, running_hub(store) as here:
        apis = [HfApi(endpoint=endpoint, token=here.token) for endpoint in (elsewhere, here.endpoint)]
        repo = here.repo()

        def commit(number: int) -> str:
            data = np.random.default_rng(number).bytes(1_100_000)
            operations = [CommitOperationAdd(f"{number}.txt", b"x"), CommitOperationAdd(f"{number}.bin", data)]
            return apis[number % 2].create_commit(repo, operations, commit_message=f"{number}").oid

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            made = set(pool.map(commit, range(12)))
        for api in apis:
            commits = api.list_repo_commits(repo)
            assert len(commits) == 13
            assert made < {found.commit_id for found in commits}
        for number in range(12):
            reader = apis[(number + 1) % 2]
            local = reader.hf_hub_download(repo, f"{number}.bin", cache_dir=tmp_path / "cache")
            assert Path(local).read_bytes() == np.random.default_rng(number).bytes(1_100_000)


def test_across_processes_exactly_one_commit_wins_per_parent(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with served(store) as elsewhere, running_hub(store) as here:
        apis = [HfApi(endpoint=endpoint, token=here.token) for endpoint in (elsewhere, here.endpoint)]
        repo = here.repo()
        for round_number in range(5):
            parent = str(apis[0].repo_info(repo).sha)
            barrier = threading.Barrier(4)

            def commit(
                number: int,
                parent: str = parent,
                round_number: int = round_number,
                barrier: threading.Barrier = barrier,
            ) -> str | None:
                operation = CommitOperationAdd("f.txt", b"%d %d" % (round_number, number))
                barrier.wait()
                try:
                    done = apis[number % 2].create_commit(repo, [operation], commit_message="m", parent_commit=parent)
                except HfHubHTTPError as refused:
                    assert refused.response.status_code == 412
                    return None
                return done.oid

            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                won = [oid for oid in pool.map(commit, range(4)) if oid]
            assert [apis[1].repo_info(repo).sha] == won


def test_several_hubs_may_start_on_an_empty_store_at_once(tmp_path: Path) -> None:
    program = (
        "import json\nfrom hfver.local_hub.serve import EmbeddedHub\n"
        "with EmbeddedHub() as hub:\n    print(json.dumps([hub.token, hub.hub.content.store_id]))"
    )
    environment = {**os.environ, "HFVER_HUB_DIR": str(tmp_path / "store")}
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    told = []
    for start in starts:
        output, errors = start.communicate()
        assert start.returncode == 0, errors.decode()
        told.append(json.loads(output))
    assert len({store_id for _, store_id in told}) == 1
    with running_hub(tmp_path / "store") as hub:
        for token, _ in told:
            assert hub.api_with(token).whoami()["name"] == hub.user
