"""What a clone, a release or a Hub tree names is written inside its own place and nowhere else."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfver.adapters.dvc_cache import DvcCache, NoMemory
from hfver.adapters.dvc_config import refuse_brought_credentials
from hfver.adapters.dvc_outputs import DvcProject
from hfver.checkout import apply as apply_module
from hfver.checkout.bring import Options, bring
from hfver.checkout.export import _Place, export
from hfver.checkout.run import Wanted, check_out
from hfver.errors import HfverError, RefusedError
from hfver.model import Output
from hfver.outputs.dir_object import dir_object_id, parse_dir_object
from hfver.outputs.pointers import parse_dvc_file
from hfver.reporting import Silent
from hfver.small_files import UnreadError
from hfver.training.loose_release import DirectoryContent
from hfver.workspace import open_workspace
from tests.support.dvcing import new_dvc_repo, put_object, write_files
from tests.support.gitting import commit, git, new_repo
from tests.support.hostile import HOSTILE_PARTS

BYTES = b"theirs"
MD5 = hashlib.md5(BYTES).hexdigest()
CONFIG = "huggingface:\n  endpoint: embedded\n  repository:\n    model_name: me/bert\n    model_path: {path}\n"


def _state_of(folder: Path) -> dict[str, str]:
    """Everything below a folder: names, kinds and contents."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        else:
            found[name] = path.read_bytes().hex() if path.is_file() else "directory"
    return found


@pytest.fixture
def author(tmp_path: Path) -> Path:
    """A repository somebody else writes, with one object in its cache; ``outside`` is beside it."""
    top = new_dvc_repo(tmp_path / "author")
    put_object(top / ".dvc" / "cache", BYTES)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("mine")
    return top


def _pointer(path: str, md5: str = MD5) -> str:
    return yaml.safe_dump({"outs": [{"md5": md5, "hash": "md5", "path": path, "size": len(BYTES), "isexec": True}]})


def _directory(top: Path, names: Iterable[str]) -> str:
    raw = json.dumps([{"md5": MD5, "relpath": name} for name in sorted(names)], sort_keys=True).encode()
    return put_object(top / ".dvc" / "cache", raw, suffix=".dir")


def _published(top: Path, files: Mapping[str, str], path: str | None = "model") -> Path:
    """A clone of the author's repository with these files in it, tagged, and the author's cache."""
    write_files(top, {"config.yaml": CONFIG.format(path=path) if path else CONFIG.rpartition("    model_path")[0]})
    write_files(top, files)
    git(top, "add", "--all", "--force", "--", *files, "config.yaml")
    commit(top, "x")
    git(top, "tag", "v1.0.0")
    clone = top.parent / "clone"
    git(top.parent, "clone", "--quiet", str(top), str(clone))
    (clone / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {top / '.dvc' / 'cache'}\n")
    return clone


def _check_out(clone: Path, **options: Any) -> None:
    with open_workspace(clone) as workspace:
        bring(workspace, Options("v1.0.0", **options), Silent())


def _unharmed(clone: Path) -> Callable[[], None]:
    """Looks later whether all outside the work tree, and git's own directory, are what they are now."""
    watched = [clone.parent / "outside", clone / ".git" / "hooks"]
    before = [_state_of(folder) for folder in watched]
    settings_before = (clone / ".git" / "config").read_bytes()

    def look() -> None:
        assert [_state_of(folder) for folder in watched] == before
        assert (clone / ".git" / "config").read_bytes() == settings_before

    return look


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "path", [".git/hooks/post-checkout", ".GIT/hooks/post-checkout", ".dvc/config", "git~1/hooks/x"]
)
def test_an_output_in_git_or_dvc_is_not_brought(author: Path, path: str, force: bool) -> None:
    clone = _published(author, {"x.dvc": _pointer(path)}, path=None)
    unharmed = _unharmed(clone)
    dvc_settings = (clone / ".dvc" / "config").read_bytes()
    with pytest.raises(HfverError, match=r"could take for \.(git|dvc)"):
        _check_out(clone, force=force)
    unharmed()
    assert (clone / ".dvc" / "config").read_bytes() == dvc_settings


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("m", ".git", "m/hooks/post-checkout"),
        ("m", "../outside", "m/.bash_profile"),
        ("m", "../outside", "m/kept"),
        ("deep/m", "../../outside", "deep/m/er/file"),
        ("m", "deep", "m/file"),
    ],
)
def test_a_committed_link_on_the_way_is_not_followed(
    author: Path, link: str, target: str, path: str, force: bool
) -> None:
    (author / link).parent.mkdir(parents=True, exist_ok=True)
    (author / link).symlink_to(target)
    git(author, "add", "--force", "--", link)
    clone = _published(author, {"x.dvc": _pointer(path)}, path=path)
    unharmed = _unharmed(clone)
    with pytest.raises(RefusedError, match="is a link"):
        _check_out(clone, force=force)
    unharmed()


@pytest.mark.parametrize("force", [False, True])
def test_an_output_that_is_a_link_itself_is_not_filled(author: Path, force: bool) -> None:
    (author / "model").symlink_to("../outside")
    git(author, "add", "--force", "model")
    clone = _published(author, {"model.dvc": _pointer("model", _directory(author, ["x.desktop"]))})
    unharmed = _unharmed(clone)
    with pytest.raises(RefusedError, match="is a link"):
        _check_out(clone, force=force)
    unharmed()


@pytest.mark.parametrize("where", ["workspace", "--to", "--to in the clone"])
@pytest.mark.parametrize(
    "part", [".git", ".GIT ", ".g\u200cit", "git~1", ".dvc", "..", "...", ".git::$INDEX_ALLOCATION"]
)
def test_a_name_in_a_directory_that_leads_elsewhere_is_refused(author: Path, part: str, where: str) -> None:
    name = f"{part}/config"
    clone = _published(author, {"model.dvc": _pointer("model", _directory(author, ["config.json", name]))})
    unharmed = _unharmed(clone)
    to = clone / "copy" if where == "--to in the clone" else clone.parent / "copy"
    os.chdir(clone)
    with pytest.raises(HfverError, match="outside its directory"):
        if where == "workspace":
            _check_out(clone)
        else:
            export("v1.0.0", to, Silent(), repo=None, endpoint=None)
    unharmed()
    assert not to.exists()


@pytest.fixture(autouse=True)
def _back_afterwards() -> Iterator[None]:
    here = Path.cwd()
    yield
    os.chdir(here)


def test_a_link_made_between_the_look_and_the_write_does_not_help(
    author: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"deep/{at}/file" for at in range(3)]
    clone = _published(author, {"model.dvc": _pointer("model", _directory(author, names))})
    unharmed = _unharmed(clone)
    original = apply_module._write_all

    def interfere(*arguments: Any) -> Any:
        (clone / "model" / "deep" / "2").rmdir()  # made a moment ago
        (clone / "model" / "deep" / "2").symlink_to(clone.parent / "outside", target_is_directory=True)
        return original(*arguments)

    monkeypatch.setattr(apply_module, "_write_all", interfere)
    with pytest.raises(RefusedError, match="deep/2 is a link"):
        _check_out(clone)
    unharmed()


@pytest.mark.parametrize("name", [".dvc/tmp", ".dvc/cache"])
def test_links_of_the_repository_in_dvcs_own_places_are_refused(author: Path, name: str) -> None:
    shutil.rmtree(author / ".dvc" / "tmp", ignore_errors=True)
    kept = author.parent / "kept-cache"
    shutil.copytree(author / ".dvc" / "cache", kept)
    shutil.rmtree(author / name, ignore_errors=True)
    (author / name).symlink_to("../../outside")
    (author.parent / "outside" / "hfver").mkdir()
    (author.parent / "outside" / "hfver" / "precious").write_text("mine")
    git(author, "add", "--force", name)
    clone = _published(author, {"model.dvc": _pointer("model")})
    (clone / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {kept}\n")
    unharmed = _unharmed(clone)
    with pytest.raises(RefusedError, match="a link that the repository brought"):
        _check_out(clone)
    unharmed()


def test_a_cache_on_another_disk_is_the_users_own_link(author: Path) -> None:
    clone = _published(author, {"model.dvc": _pointer("model")})
    (clone / ".dvc" / "config.local").unlink()
    shutil.copytree(author / ".dvc" / "cache", clone.parent / "large")
    (clone / ".dvc" / "cache").symlink_to(clone.parent / "large")
    _check_out(clone)
    assert (clone / "model").read_bytes() == BYTES


def test_a_link_inside_a_cache_takes_no_objects(tmp_path: Path) -> None:
    cache = DvcCache(tmp_path / "cache", NoMemory())
    (tmp_path / "outside").mkdir()
    (tmp_path / "cache" / "files").mkdir(parents=True)
    (tmp_path / "cache" / "files" / "md5").symlink_to(tmp_path / "outside")
    with pytest.raises(RefusedError, match="is a link inside DVC's cache"):
        cache.insert_bytes(BYTES, MD5)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_remote_whose_credentials_the_repository_brings_is_not_used(author: Path) -> None:
    write_files(author, {
        "aws": "[profile x]\ncredential_process = touch executed\n",
        ".dvc/config": "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket\n    configpath = ../aws\n",
    })  # fmt: skip
    project = DvcProject.find(author)
    with pytest.raises(RefusedError, match="takes its credentials from"):
        project.absent([MD5])
    local = "['remote \"s\"']\n    configpath = ../aws\n"  # somebody has looked at it, and says so here
    (author / ".dvc" / "config.local").write_text(local)
    refuse_brought_credentials(author)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("bearer_token_command", "touch executed", "names a program"),
        ("ask_password", "true", "would ask you for a secret"),
    ],
)
def test_a_remote_of_the_repository_starts_no_program_and_asks_nothing(
    author: Path, option: str, value: str, said: str
) -> None:
    write_files(
        author, {".dvc/config": f"[core]\n    remote = s\n['remote \"s\"']\n    url = x\n    {option} = {value}\n"}
    )
    with pytest.raises(RefusedError, match=f"remote s is not used: {option} in .dvc/config {said}"):
        DvcProject.find(author).absent([MD5])


@pytest.mark.parametrize("name", [".dvc", ".dvcignore"])
def test_setting_up_writes_through_no_link(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").mkdir()
    top = new_repo(tmp_path / "top")
    (top / name).symlink_to(tmp_path / "outside" / "new")
    with pytest.raises(RefusedError, match="is a link"):
        DvcProject.init(top)
    assert list((tmp_path / "outside").iterdir()) == []


def _pipe(place: Path) -> None:
    os.mkfifo(place)


def _socket(place: Path) -> None:
    here = Path.cwd()
    os.chdir(place.parent)  # such a path may have some hundred bytes
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place.name)
    os.chdir(here)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("pipe", _pipe),
        ("socket", _socket),
        ("nowhere", lambda place: place.symlink_to("missing")),
        ("loop", lambda place: place.symlink_to("loop")),
        ("git~1", lambda place: place.write_text("x")),
    ],
    ids=["pipe", "socket", "dangling link", "loop", "name"],
)
def test_what_no_version_can_hold_is_not_tracked(author: Path, name: str, make: Callable[[Path], None]) -> None:
    write_files(author / "model", {"config.json": "{}"})
    make(author / "model" / name)
    with pytest.raises(RefusedError, match=f"model/{name} .*: no version can hold it"):
        DvcProject.find(author).add(author / "model")


def test_a_folder_laid_out_like_a_bare_repository_starts_no_program(author: Path, tmp_path: Path) -> None:
    trap = tmp_path / "executed"
    for name in ("objects", "refs"):
        (author / "sub" / name).mkdir(parents=True)
    write_files(author / "sub", {
        "HEAD": "ref: refs/heads/main\n",
        "config": f"[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsmonitor = touch {trap}; false\n",
        ".dvc/config": "", ".dvcignore": "*.tmp\n", "model/notes.tmp": "x",
    })  # fmt: skip
    project = DvcProject.find(author, "sub")
    project.ignored(str(author / "sub" / "model"), ["notes.tmp"])
    assert not trap.exists()


# -- what is read in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["../../outside/kept", "../config.yaml"])
def test_a_link_out_of_the_model_is_not_tracked(author: Path, target: str) -> None:
    write_files(author / "model", {"config.json": "{}"})
    write_files(author, {"config.yaml": "x: 1\n"})
    (author / "model" / "notes.txt").symlink_to(target)
    with pytest.raises(RefusedError, match=r"notes\.txt is a link that leads out of .*model \(to ") as caught:
        DvcProject.find(author).add(author / "model")
    assert any(hint.startswith("if it belongs to the model") for hint in caught.value.hints)
    assert not (author / "model.dvc").exists()
    with pytest.raises(RefusedError, match="leads out of"):
        DirectoryContent(author / "model", 1 << 20)


def test_links_inside_the_model_and_into_dvcs_cache_are_tracked(author: Path) -> None:
    write_files(author / "model", {"config.json": "{}", "weights/a.bin": "a"})
    (author / "model" / "b.bin").symlink_to("weights/a.bin")
    (author / "model" / "c.bin").symlink_to(author / ".dvc" / "cache" / "files" / "md5" / MD5[:2] / MD5[2:])
    project = DvcProject.find(author)
    project.add(author / "model")
    (pointer,) = parse_dvc_file((author / "model.dvc").read_bytes(), "model.dvc")
    assert pointer.md5 is not None
    listed = parse_dir_object(project.object_path(pointer.md5).read_bytes(), "it")
    assert [file.path for file in listed] == ["b.bin", "c.bin", "config.json", "weights/a.bin"]


def test_a_link_dvc_is_told_to_overlook_is_nobodys_business(author: Path) -> None:
    write_files(author, {".dvcignore": "notes.txt\n"})
    write_files(author / "model", {"config.json": "{}"})
    (author / "model" / "notes.txt").symlink_to("../../outside/kept")
    DvcProject.find(author).add(author / "model")
    assert (author / "model.dvc").exists()


@pytest.mark.parametrize("name", ["model.dvc", ".gitignore"])
def test_dvc_is_not_told_to_write_through_a_link(author: Path, name: str) -> None:
    write_files(author / "model", {"config.json": "{}"})
    (author / name).unlink(missing_ok=True)
    (author / name).symlink_to("../outside/kept")
    with pytest.raises(RefusedError, match="is a link"):
        DvcProject.find(author).add(author / "model")
    assert (author.parent / "outside" / "kept").read_text() == "mine"


def test_params_that_are_a_link_out_of_the_repository_are_not_read(author: Path) -> None:
    from hfver.adapters.git_tree import WorkTree

    (author.parent / "outside" / "credentials.yaml").write_text("token: mine\n")
    (author / "params.yaml").symlink_to("../outside/credentials.yaml")
    with open_workspace(author) as workspace, pytest.raises(HfverError, match="leads out of the repository"):
        WorkTree(workspace.repo).read("params.yaml")


# -- no sequence of pointers ------------------------------------------------------------------------------------------

_parts = st.sampled_from([*HOSTILE_PARTS, "model", "link", "up", "a", "x", "outside", ".", ""])
_paths = st.lists(_parts, min_size=1, max_size=4).map("/".join) | st.text(max_size=8)
_files = st.lists(_paths, max_size=4, unique=True)
_links = st.dictionaries(
    st.sampled_from(["link", "model", "a", "model/link", "model/a", "a/x"]),
    st.sampled_from(["../outside", "..", ".git", "/", "../outside/kept", "model", "loop"]),
    max_size=2,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_paths, _files, _links, st.booleans()), min_size=1, max_size=4))
def test_no_sequence_of_hostile_pointers_writes_outside(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[tuple[str, list[str], dict[str, str], bool]]
) -> None:
    world = tmp_path_factory.mktemp("world")
    top, outside = world / "top", world / "outside"
    (top / ".git" / "hooks").mkdir(parents=True)
    write_files(top / ".git", {"config": "[core]\n"})
    write_files(outside, {"kept": "mine"})
    cache = DvcCache(world / "cache", NoMemory())
    put_object(world / "cache", BYTES)
    sentinels = [outside, top / ".git"]
    before = [_state_of(folder) for folder in sentinels]
    for path, names, links, force in sequence:
        for name, target in links.items():
            place = top / name
            above = Path(os.path.realpath(place.parent))
            inside = above.is_relative_to(top) and not above.is_relative_to(top / ".git")
            if inside and above.is_dir() and not os.path.lexists(place):
                place.symlink_to(target)
        try:
            _bring_pointer(top, cache, path, names, force=force)
        except HfverError:
            pass
        except (UnicodeEncodeError, ValueError):  # a name no file can have: refused by the system before anything
            pass
        assert [_state_of(folder) for folder in sentinels] == before
        assert sorted(path.name for path in world.iterdir()) == ["cache", "outside", "top"]
    shutil.rmtree(world)


def _bring_pointer(top: Path, cache: DvcCache, path: str, names: list[str], *, force: bool) -> None:
    raw = json.dumps([{"md5": MD5, "relpath": name} for name in sorted(names)], sort_keys=True).encode()
    md5 = dir_object_id(raw) if names else MD5
    text = json.dumps({"outs": [{"path": path, "md5": md5, "hash": "md5", "size": len(BYTES)}]})
    for pointer in parse_dvc_file(text.encode(), "x.dvc"):
        from hfver.outputs.resolve import load_output

        output: Output = load_output(_NoTree(), pointer, [lambda _pointer: raw])
        place = _Place(cache, top)
        wanted = Wanted(output, top / output.path, place, [], lambda _present: lambda _md5: True, anchor=top)
        check_out([wanted], force=force, move_git=lambda: False, label="x", advance=lambda _total: lambda _size: None)


class _NoTree:
    label = "v1.0.0"

    def read(self, path: str, largest: int = 0) -> bytes | None:
        return None

    def read_many(self, paths: Sequence[str], largest: int = 0) -> list[bytes | UnreadError | None]:
        return []

    def paths(self) -> tuple[str, ...]:
        return ()
