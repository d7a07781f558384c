"""Server and clients killed in the middle of uploads: what was acknowledged stays, and uploading again works."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from hfver.local_hub.content_store import ContentStore
from tests.support.hub_process import HubProcess, hub_process
from tests.support.raw_http import call
from tests.support.stores import opened

MB = 1 << 20


class Trials:
    """One store through many deaths. What an interrupted client wanted to send, the next one sends again."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root = root
        self._chance = random.Random(seed)
        self._outgoing = root / "outgoing"
        self._outgoing.mkdir()
        self._base = self._chance.randbytes(4 * MB)
        self._acknowledged: dict[str, str] = {}
        self.killed = 0

    def run(self, count: int) -> None:
        for trial in range(count):
            with hub_process(self._root / "hub") as hub:
                self._expect_everything(hub)
                self._write_model(trial)
                self._upload(hub, kill=self._chance.random() < 0.75)
        with hub_process(self._root / "hub") as hub:
            self._upload(hub, kill=False)
            self._expect_everything(hub)
        self._expect_a_tidy_store()

    def _write_model(self, trial: int) -> None:
        """Part of it is known to the store already, part is new, and there is a small file."""
        new = self._chance.randbytes(self._chance.choice([2, 8, 20]) * MB)
        (self._outgoing / f"w{trial}.bin").write_bytes(self._base + new)
        (self._outgoing / f"n{trial}.txt").write_text(f"note {trial}")

    def _upload(self, hub: HubProcess, *, kill: bool) -> None:
        xet = "0" if self._chance.random() < 0.7 else "1"
        home = self._root / f"home{self._chance.randrange(3)}"
        client = hub.start_hf(home, "upload", f"{hub.user}/m", self._outgoing, HF_HUB_DISABLE_XET=xet)
        if kill and self._wait_for_transfer(client):
            # Mostly at once, for a quick machine is done in a tenth of a second; sometimes late.
            time.sleep(4 * self._chance.uniform(0, 0.5) ** 3)
            victims = self._chance.choice([(hub.process,), (client,), (client, hub.process)])
            for victim in victims:
                victim.kill()
            if hub.process in victims:
                # Left alone the client would go on trying for minutes.
                hub.process.wait()
                client.kill()
        said, _ = client.communicate(timeout=100)
        if client.returncode == 0:
            for file in self._outgoing.iterdir():
                self._acknowledged[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
                file.unlink()
        else:
            assert kill, said
            self.killed += 1

    def _wait_for_transfer(self, client: subprocess.Popen[str]) -> bool:
        """Until the first bytes arrive in the store."""
        content = self._root / "hub" / "content" / "tmp"
        while client.poll() is None:
            if any(path.is_file() for path in content.glob("*/*")):
                return True
            time.sleep(0.002)
        return False

    def _expect_everything(self, hub: HubProcess) -> None:
        """Every file of the repository is whole; all that clients were told is stored is among them."""
        auth = {"Authorization": f"Bearer {hub.token}"}
        status, answer, _ = call("GET", f"{hub.endpoint}/api/models/{hub.user}/m/tree/main", **auth)
        if status == 404:
            assert not self._acknowledged
            return
        assert status == 200, answer
        found = {}
        for entry in json.loads(answer):
            status, data, _ = call("GET", f"{hub.endpoint}/{hub.user}/m/resolve/main/{entry['path']}", **auth)
            assert status == 200, entry
            found[entry["path"]] = hashlib.sha256(data).hexdigest()
            if "lfs" in entry:
                assert found[entry["path"]] == entry["lfs"]["oid"]
        assert self._acknowledged.items() <= found.items()

    def _expect_a_tidy_store(self) -> None:
        with opened(self._root / "hub" / "content") as content:
            content.sweep()
            assert content.scrub() == []
            live = [sha256 for name, sha256 in self._acknowledged.items() if name.endswith(".bin")]
            content.gc(live, cutoff=time.time())
            assert set(content.lookup(live)) == set(live)
            assert self._left_behind(content) == []

    @staticmethod
    def _left_behind(content: ContentStore) -> list[str]:
        """Files below the store that no row names, and folders of processes that are gone."""
        with content._database.read() as db:
            names = "SELECT name FROM xorbs UNION SELECT name FROM wholes UNION SELECT name FROM uploads"
            known = {row[0] for row in db.execute(names)}
        folders = ("xorbs", "files", "shards")
        files = [path for folder in folders for path in (content.root / folder).rglob("*") if path.is_file()]
        strays = [path.name for path in files if path.name not in known]
        return strays + [
            path.name for path in (content.root / "tmp").iterdir() if content._workspace.tag not in path.name
        ]


def test_ten_deaths_lose_nothing(tmp_path: Path) -> None:
    trials = Trials(tmp_path, seed=1)
    trials.run(10)
    assert trials.killed > 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_a_hundred_deaths_lose_nothing(tmp_path: Path, seed: int) -> None:
    trials = Trials(tmp_path, seed=seed)
    trials.run(28)
    assert trials.killed > 10
