"""Editing trees by path gives what git itself would make of the same files."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfver.local_hub.errors import HubError
from hfver.local_hub.git.objects import LOOSE_OBJECTS, ObjectWriter, object_id
from hfver.local_hub.git.tree_edit import Blob, Folder, TreeEditor, parse_tree


class Memory:
    """Objects in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.read_count = 0

    def write(self, kind: str, data: bytes) -> str:
        oid = object_id(kind, data)
        self.objects[oid] = data
        return oid

    def read(self, oid: str) -> bytes:
        self.read_count += 1
        return self.objects[oid]

    def files(self, tree: str, prefix: str = "") -> dict[str, str]:
        found: dict[str, str] = {}
        for name, entry in parse_tree(self.objects[tree]).items():
            if isinstance(entry, Folder):
                assert entry.oid is not None
                below = self.files(entry.oid, f"{prefix}{name}/")
                assert below, "an empty folder was written"
                found |= below
            else:
                found[f"{prefix}{name}"] = entry.oid
        return found


OIDS = [object_id("blob", bytes([number])) for number in range(5)]


def editor_of(memory: Memory, files: dict[str, str]) -> TreeEditor:
    editor = TreeEditor(memory.read)
    for path, oid in files.items():
        editor.put(path, Blob(oid))
    return TreeEditor(memory.read, Folder(oid=editor.write(memory.write)))


def test_only_touched_folders_are_read() -> None:
    memory = Memory()
    editor = editor_of(memory, {f"d{number}/sub/f": OIDS[0] for number in range(50)})
    memory.read_count = 0
    editor.put("d7/sub/g", Blob(OIDS[1]))
    editor.write(memory.write)
    assert memory.read_count == 3


def test_an_edit_undone_gives_the_same_tree() -> None:
    memory = Memory()
    editor = editor_of(memory, {"a/b": OIDS[0], "c": OIDS[1]})
    before = editor.write(memory.write)
    editor.put("a/x", Blob(OIDS[2]))
    assert editor.remove("a/x")
    assert editor.write(memory.write) == before


def test_a_folder_goes_with_its_last_file() -> None:
    memory = Memory()
    editor = editor_of(memory, {"a/b/c": OIDS[0], "d": OIDS[1]})
    editor.remove("a/b/c")
    assert set(parse_tree(memory.objects[editor.write(memory.write)])) == {"d"}


def test_all_files_may_go() -> None:
    memory = Memory()
    editor = editor_of(memory, {"a": OIDS[0]})
    editor.remove("a")
    assert editor.write(memory.write) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize("path", ["gone", "a/gone", "a/b/c", "x/y"])
def test_removing_what_is_not_there_says_so(path: str) -> None:
    memory = Memory()
    editor = editor_of(memory, {"a/b": OIDS[0]})
    before = editor.root.oid
    assert not editor.remove(path)
    assert editor.write(memory.write) == before


@pytest.mark.parametrize("path", ["a", "a/b/c"])
def test_a_file_and_a_folder_cannot_share_a_name(path: str) -> None:
    editor = editor_of(Memory(), {"a/b": OIDS[0]})
    with pytest.raises(HubError) as refused:
        editor.put(path, Blob(OIDS[1]))
    assert refused.value.status == 422


NAMES = st.sampled_from(["a", "b", "a.b", "a-b", "ab", "ü", "0"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@given(st.lists(st.tuples(PATHS, st.sampled_from([None, *OIDS])), max_size=30))
def test_any_sequence_of_edits_gives_the_files_left(steps: list[tuple[str, str | None]]) -> None:
    memory, expected = Memory(), dict[str, str]()
    editor = TreeEditor(memory.read)
    for path, oid in steps:
        if oid is None:
            gone = {name for name in expected if name == path or name.startswith(f"{path}/")}
            assert editor.remove(path) == bool(gone)
            expected = {name: kept for name, kept in expected.items() if name not in gone}
            continue
        try:
            editor.put(path, Blob(oid))
        except HubError:
            inside = [name for name in expected if name.startswith(f"{path}/") or path.startswith(f"{name}/")]
            assert inside
        else:
            expected[path] = oid
        editor = TreeEditor(memory.read, Folder(oid=editor.write(memory.write)))
    assert memory.files(editor.write(memory.write)) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(st.dictionaries(PATHS, st.binary(max_size=20), max_size=8), st.booleans())
def test_git_agrees_about_the_tree(tmp_path: Path, files: dict[str, bytes], packed: bool) -> None:
    files = {path: data for path, data in files.items() if not any(other.startswith(f"{path}/") for other in files)}
    repo = pygit2.init_repository(str(tmp_path / "repo.git"), bare=True)
    index = pygit2.Index()
    for path, data in files.items():
        index.add(pygit2.IndexEntry(path, repo.create_blob(data), pygit2.enums.FileMode.BLOB))
    with ObjectWriter(Path(repo.path)) as writer:
        for number in range(LOOSE_OBJECTS + 1 if packed else 0):
            writer.write("blob", b"filler %d" % number)
        editor = TreeEditor(lambda oid: repo.odb.read(oid)[1])
        for path, data in files.items():
            editor.put(path, Blob(writer.write("blob", data)))
        tree = editor.write(writer.write)
        writer.publish()
    assert tree == str(index.write_tree(repo))
    assert repo[tree].type_str == "tree"
