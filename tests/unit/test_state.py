from __future__ import annotations

from pathlib import Path

import pytest

from hfver.hub_state import HubCommit
from hfver.state import Content, State, open_state


def commits(count: int) -> list[HubCommit]:
    return [
        HubCommit(f"{index:040x}", f"title {index}", "text", "2026-01-01T00:00:00Z") for index in range(count, 0, -1)
    ]


def test_content_is_found_by_its_md5(tmp_path: Path) -> None:
    known = [Content(f"{index:032x}", index, f"{index:064x}") for index in range(600)]
    with open_state(tmp_path) as state:
        state.remember_content(known)
    with open_state(tmp_path) as state:
        assert state.known_content([known[3].md5, "f" * 32]) == {known[3].md5: known[3]}
        assert state.known_content([content.md5 for content in known]) == {content.md5: content for content in known}


def test_what_a_receipt_says_is_known_but_not_proven(tmp_path: Path) -> None:
    said, hashed = Content("1" * 32, 1, "a" * 64), Content("1" * 32, 1, "b" * 64)
    with open_state(tmp_path) as state:
        state.learn_content([said])
        assert (state.known_content([said.md5]), state.proven_content([said.md5])) == ({said.md5: said}, {})
        assert state.is_shared(said.md5)
        state.remember_content([hashed])
        state.learn_content([said])
        assert state.known_content([said.md5]) == state.proven_content([said.md5]) == {said.md5: hashed}


def test_what_dvc_was_given_is_proven_but_nobody_else_need_have_it(tmp_path: Path) -> None:
    content = Content("1" * 32, 1, "a" * 64)
    with open_state(tmp_path) as state:
        state.remember_tracked([content])
        assert state.proven_content([content.md5]) == {content.md5: content}
        assert not state.is_shared(content.md5)
        state.remember_content([content])
        state.remember_tracked([content])
        assert state.is_shared(content.md5)


def test_a_history_is_known_from_any_of_its_commits(tmp_path: Path) -> None:
    line = commits(5)
    with open_state(tmp_path) as state:
        state.remember_line("me/m", line)
        assert state.known_line("me/m", line[0].sha) == tuple(line)
        assert state.known_line("me/m", line[3].sha) == tuple(line[3:])
        assert state.known_line("me/other", line[0].sha) is None
        assert state.known_line("me/m", "f" * 40) is None


def test_a_damaged_database_is_put_aside_and_built_again(tmp_path: Path) -> None:
    path = tmp_path / "hfver" / "state.db"
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, and long enough to be read as one" * 100)
    state = State(path)
    state.remember_content([Content("0" * 32, 1, "0" * 64)])
    state.close()
    assert path.with_suffix(".damaged").exists()


def test_receipts_and_refs_are_remembered_by_repository(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        state.remember_receipt("me/m", "a" * 40, b"{}")
        state.remember_refs("me/m", '{"branches": {}}', "2026-01-01T00:00:00+00:00")
        assert state.known_receipt("me/m", "a" * 40) == b"{}"
        assert state.known_receipt("me/x", "a" * 40) is None
        assert state.known_refs("me/m") == ('{"branches": {}}', "2026-01-01T00:00:00+00:00")


def test_what_was_hashed_here_stands_against_what_a_receipt_says(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        state.remember_content([Content("0" * 32, 1, "a" * 64)])
        state.learn_content([Content("0" * 32, 1, "b" * 64), Content("1" * 32, 1, "c" * 64)])
        assert {content.sha256 for content in state.known_content(["0" * 32, "1" * 32]).values()} == {
            "a" * 64,
            "c" * 64,
        }


def test_damage_found_while_it_is_used_costs_the_memory_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "hfver" / "state.db"
    with open_state(tmp_path) as state:
        state.remember_content(Content(f"{number:032}", number, "a" * 64) for number in range(5000))
    pages = bytearray(path.read_bytes())
    for at in range(3 * 4096, len(pages), 4096):
        pages[at : at + 200] = b"\xff" * 200
    path.write_bytes(pages)
    wanted = [f"{number:032}" for number in range(5000)]
    with open_state(tmp_path) as state:
        assert len(state.known_content(wanted)) < 5000
        state.remember_content([Content("f" * 32, 1, "b" * 64)])
    with open_state(tmp_path) as state:
        assert state.known_content(["f" * 32]).keys() == {"f" * 32}
    assert path.with_suffix(".damaged").is_file()


@pytest.mark.parametrize("obstacle", ["a file in the way", "a directory in the way"])
def test_where_nothing_can_be_written_work_goes_on_without_remembering(tmp_path: Path, obstacle: str) -> None:
    if obstacle == "a file in the way":
        (tmp_path / "hfver").write_text("")
    else:
        (tmp_path / "hfver" / "state.db").mkdir(parents=True)
    with open_state(tmp_path) as state:
        state.remember_content([Content("0" * 32, 1, "a" * 64)])
        assert state.known_content(["0" * 32]).keys() == {"0" * 32}


def test_a_database_that_takes_no_writes_is_still_read(tmp_path: Path) -> None:
    with open_state(tmp_path) as state:
        state.remember_content([Content("0" * 32, 1, "a" * 64)])
        state._db.execute("PRAGMA query_only = ON")
        state.remember_content([Content("1" * 32, 1, "a" * 64)])
        assert state.known_content(["0" * 32, "1" * 32]).keys() == {"0" * 32}


def test_only_the_newest_clean_files_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfver.state._KEPT_CLEAN", 3)
    with open_state(tmp_path) as state:
        state.remember_clean(["a", "b"])
        state.remember_clean(["b", "c", "d", "e"])
    with open_state(tmp_path) as state:
        assert state.known_clean(["a", "b", "c", "d", "e", "f"]) == {"c", "d", "e"}
