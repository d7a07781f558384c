"""The store's locks: waited for, but not for a process that stands still."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hfver.local_hub.errors import HubError
from hfver.local_hub.locks import LOCKED, file_lock
from tests.support.holding import holding


def test_threads_and_processes_take_turns(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "lock", [0], [0]

    def work() -> None:
        for _ in range(20):
            with file_lock(path):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    with holding(path) as holder:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        holder.give_up()
        for thread in threads:
            thread.join()
    assert (inside, most) == ([0], [1])


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who holds a lock")
def test_a_holder_that_stands_still_is_named_with_the_ways_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_STOPPED", "_LOOK"):
        monkeypatch.setattr(f"hfver.local_hub.locks.{name}", 0.0)
    path = tmp_path / "lock"
    with holding(path) as holder:
        holder.stop()
        with pytest.raises(HubError) as caught, file_lock(path, longest=None):
            pass
        assert caught.value.status == LOCKED
        assert caught.value.message == (
            f"Process {holder.pid} holds the embedded hub's {path} and stands still: "
            f"`kill -CONT {holder.pid}` lets it go on, `kill -KILL {holder.pid}` ends it."
        )
        holder.kill()
        with file_lock(path):
            pass


def test_a_holder_that_does_not_give_it_up_is_not_waited_for_without_end(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    said = "rocess .*holds the embedded hub's .* and does not give it up"
    with holding(path), pytest.raises(HubError, match=said), file_lock(path, longest=0.0):
        pass
