from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from hfver.hub_state import HubCommit
from hfver.hub_view import read_line
from hfver.state import Content, State, open_state
from tests.support.damage import change_rows


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


def change(tmp_path: Path, *statements: str) -> None:
    change_rows(tmp_path / "hfver" / "state.db", *statements)


@pytest.mark.parametrize(
    "flip",
    [
        "UPDATE content SET sha256 = replace(sha256, 'a', 'b')",
        "UPDATE content SET size = size + 1",
        "UPDATE content SET proven = 1",
        "UPDATE content SET proven = 'x', shared = 'y'",
        "UPDATE content SET sha256 = 7",
        "UPDATE content SET sha256 = x'ff00'",
        "UPDATE content SET checksum = checksum + 1",
        "UPDATE content SET checksum = 'x'",
    ],
)
def test_content_that_is_not_as_it_was_written_is_not_known(tmp_path: Path, flip: str) -> None:
    content = Content("1" * 32, 1, "a" * 64)
    with open_state(tmp_path) as state:
        state.learn_content([content])
    change(tmp_path, flip)
    with open_state(tmp_path) as state:
        assert (state.known_content([content.md5]), state.proven_content([content.md5])) == ({}, {})
        assert not state.is_shared(content.md5)
        state.remember_content([content])
        assert state.proven_content([content.md5]) == {content.md5: content}


def test_each_way_to_learn_of_content_leaves_a_row_that_is_believed(tmp_path: Path) -> None:
    said, hashed = Content("1" * 32, 1, "a" * 64), Content("1" * 32, 1, "b" * 64)
    with open_state(tmp_path) as state:
        ways = {"said": state.learn_content, "tracked": state.remember_tracked, "sent": state.remember_content}
        for order in itertools.permutations(ways):
            change(tmp_path, "DELETE FROM content")
            for name in order:
                ways[name]([said if name == "said" else hashed])
                assert state.known_content([said.md5])
            assert state.proven_content([said.md5]) == {said.md5: hashed}
            assert state.is_shared(said.md5)


@pytest.mark.parametrize(
    "flip",
    [
        "UPDATE hub_commit SET description = 'Git-Commit: another' WHERE title = 'title 3'",
        "UPDATE hub_commit SET parent = NULL WHERE title = 'title 3'",
        "UPDATE hub_commit SET parent = (SELECT sha FROM hub_commit WHERE title = 'title 5') WHERE title = 'title 3'",
        "DELETE FROM hub_commit WHERE title = 'title 3'",
        "UPDATE hub_commit SET title = 7 WHERE title = 'title 3'",
    ],
    ids=["another description", "the end too soon", "a circle", "a gap", "another kind"],
)
def test_a_history_with_a_damaged_commit_is_listed_again_from_the_beginning(tmp_path: Path, flip: str) -> None:
    line = commits(5)
    asked = []

    def list_commits(revision: str, *, until: Callable[[str], bool]) -> list[HubCommit]:
        listed = []
        for commit in line[[commit.sha for commit in line].index(revision) :]:
            listed.append(commit)
            if until(commit.sha):
                break
        asked.append(len(listed))
        return listed

    with open_state(tmp_path) as state:
        assert read_line(list_commits, "me/m", line[0].sha, state) == tuple(line)
        assert (read_line(list_commits, "me/m", line[0].sha, state), asked) == (tuple(line), [5])
    change(tmp_path, flip)
    with open_state(tmp_path) as state:
        assert state.known_line("me/m", line[0].sha) is None
        assert state.known_line("me/m", line[3].sha) == tuple(line[3:])
        assert read_line(list_commits, "me/m", line[0].sha, state) == tuple(line)
        assert state.known_line("me/m", line[0].sha) == tuple(line)


@pytest.mark.parametrize("table", ["receipt", "config", "hub_refs"])
def test_a_flipped_byte_makes_a_remembered_body_unknown(tmp_path: Path, table: str) -> None:
    def known(state: State) -> object:
        found = {
            "receipt": state.known_receipt("me/m", "a" * 40),
            "config": state.known_config("main", "details"),
            "hub_refs": state.known_refs("me/m"),
        }
        return found[table]

    with open_state(tmp_path) as state:
        state.remember_receipt("me/m", "a" * 40, b"a body")
        state.remember_config("main", "details", "details.yaml", "a body")
        state.remember_refs("me/m", "a body", "now")
        assert known(state)
    change(tmp_path, f"UPDATE {table} SET body = CAST(replace(CAST(body AS TEXT), 'b', 'c') AS BLOB)")
    with open_state(tmp_path) as state:
        assert known(state) is None


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE hub_refs",
        "ALTER TABLE hub_refs RENAME COLUMN body TO corpse",
        "UPDATE hub_refs SET body = CAST(x'ff' AS TEXT)",
    ],
    ids=["a table is gone", "a column is another", "a text is none"],
)
def test_a_database_of_another_form_is_built_again_and_remembers(tmp_path: Path, damage: str) -> None:
    with open_state(tmp_path) as state:
        state.remember_refs("me/m", "{}", "then")
    change(tmp_path, damage)
    for _ in range(2):
        with open_state(tmp_path) as state:
            state.known_refs("me/m")
            state.remember_refs("me/m", "{}", "now")
    with open_state(tmp_path) as state:
        assert state.known_refs("me/m") == ("{}", "now")


def test_a_database_of_another_version_makes_no_noise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_state(tmp_path) as state:
        state.remember_refs("me/m", "{}", "then")
    change(tmp_path, "PRAGMA user_version = 2")
    with open_state(tmp_path) as state:
        assert state.known_refs("me/m") is None
    assert caplog.records == []


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 5000])
def test_a_database_cut_off_anywhere_costs_the_memory_and_nothing_else(tmp_path: Path, size: int) -> None:
    with open_state(tmp_path) as state:
        state.remember_content(Content(f"{number:032}", number, "a" * 64) for number in range(300))
    path = tmp_path / "hfver" / "state.db"
    path.write_bytes(path.read_bytes()[:size])
    with open_state(tmp_path) as state:
        state.known_content(f"{number:032}" for number in range(300))
        state.remember_refs("me/m", "{}", "now")
        assert state.known_refs("me/m") == ("{}", "now")


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
