"""Sources times damage: whatever is lost, the version comes back from what is left, or nothing changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from dvc.repo import Repo

from hfver.adapters.hub_download import _append
from hfver.checkout.bring import Options, Outcome, bring
from hfver.checkout.export import Exported, Filters, export
from hfver.errors import IntegrityError, NoSpaceError, RefusedError, StateError
from hfver.local_hub.serve import EmbeddedHub
from hfver.reporting import Progress
from hfver.workspace import open_workspace
from tests.support.damage import flip_a_bit_in, wipe
from tests.support.dvcing import add_remote, dvc_push
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import CONFIG, DETAILS, Project, Told

WEIGHTS = b"\0weights" * 20_000
V1: dict[str, bytes | str] = {"config.json": "{}", "weights.bin": WEIGHTS, "词表 1.txt": "a\n", "empty": ""}
V2: dict[str, bytes | str] = {"config.json": '{"v": 2}', "weights.bin": WEIGHTS + b"2", "词表 1.txt": "a\n", "new": "n"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two versions, the DVC remote beside it holding both."""
    place = tmp_path_factory.mktemp("sources")
    from tests.support.dvcing import new_dvc_repo, train

    root = new_dvc_repo(place / "repo")
    add_remote(root, place / "storage")
    train(root, V1, "v1.0.0")
    dvc_push(root)
    train(root, V2, "v1.1.0")
    dvc_push(root)
    return place


class Team:
    """One clone, its DVC remote and its releases."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.cache = project.top / ".dvc" / "cache"
        self.storage = project.top.parent / "storage"
        self.endpoint = project.hub.endpoint

    def get(self, version: str, *, model_only: bool = False, force: bool = False) -> Outcome:
        environ = {**self.project.environ, "HF_ENDPOINT": self.endpoint}
        with open_workspace(self.project.top, environ=environ) as workspace:
            return bring(workspace, Options(version, model_only=model_only, force=force), self.project.told)

    def content(self) -> dict[str, bytes]:
        model = self.project.top / "model"
        return {str(path.relative_to(model)): path.read_bytes() for path in model.rglob("*") if path.is_file()}


def _configure(root: Path, repo_id: str) -> None:
    """Configure a clone without making that a commit of its own."""
    (root / ".git" / "info" / "exclude").write_text("/config.yaml\n/configs/\n")
    (root / "config.yaml").write_text(CONFIG.format(repo=repo_id))
    (root / "configs").mkdir()
    (root / "configs" / "huggingface_config.yaml").write_text(DETAILS)


@pytest.fixture
def team(template: Path, tmp_path: Path, hub: HubForTests) -> Team:
    shutil.copytree(template, tmp_path / "team", symlinks=True)
    root = tmp_path / "team" / "repo"
    _configure(root, f"{hub.namespace}/model")
    return Team(Project(root, hub, f"{hub.namespace}/model"))


@pytest.fixture(scope="module")
def released_once(template: Path, tmp_path_factory: pytest.TempPathFactory, hub_server: EmbeddedHub) -> Team:
    """Both versions are on the Hub; tests take copies and change nothing there."""
    place = tmp_path_factory.mktemp("released") / "team"
    shutil.copytree(template, place, symlinks=True)
    hub = HubForTests(hub_server)
    team = Team(Project(place / "repo", hub, f"{hub.namespace}/model"))
    _configure(place / "repo", team.project.repo_id)
    for tag in ("v1.0.0", "v1.1.0"):
        team.project.release(tag)
    shutil.rmtree(place / "repo" / ".git" / "hfver")  # as on a machine that has forgotten everything about it
    return team


@pytest.fixture
def released(released_once: Team, tmp_path: Path) -> Team:
    shutil.copytree(released_once.project.top.parent, tmp_path / "team", symlinks=True)
    return Team(Project(tmp_path / "team" / "repo", released_once.project.hub, released_once.project.repo_id))


def assert_is(team: Team, files: Mapping[str, bytes | str]) -> None:
    expected = {name: value.encode() if isinstance(value, str) else value for name, value in files.items()}
    assert team.content() == expected
    must_not_hash = patch("dvc_data.hashfile.build.hash_file", side_effect=AssertionError("DVC had to hash"))
    with must_not_hash, Repo(str(team.project.top)) as repo:
        assert repo.status() == {}
        assert repo.diff() == {}
    assert git(team.project.top, "status", "--porcelain") == ""


def wipe_cache(team: Team) -> None:
    wipe(team.cache)


def wipe_remote(team: Team) -> None:
    wipe(team.storage)


def damage_cache(team: Team) -> None:
    flip_a_bit_in(team.cache, WEIGHTS)


def damage_remote(team: Team) -> None:
    flip_a_bit_in(team.storage, WEIGHTS)


def kill_hub(team: Team) -> None:
    team.endpoint = "http://127.0.0.1:9"


class Bars(Told):
    """Remembers of each bar what it was to reach and what it reached."""

    def __init__(self) -> None:
        super().__init__()
        self.totals: list[int | None] = []
        self.reached: list[int] = []

    @contextmanager
    def progress(self, label: str, total: int | None, *, unit: str = "bytes") -> Iterator[Progress]:
        self.totals.append(total)
        self.reached.append(0)
        mutex = threading.Lock()

        class Bar:
            def advance(_self, amount: int) -> None:  # noqa: N805
                with mutex:
                    self.reached[-1] += amount

        yield Bar()


SIZE_OF_V1 = sum(len(value) if isinstance(value, bytes) else len(value.encode()) for value in V1.values())
SHARED = len(V1["词表 1.txt"])  # stands in the work tree at both versions


@pytest.mark.parametrize(
    ("damages", "total"),
    [
        pytest.param([], SIZE_OF_V1 - SHARED, id="all-in-the-cache"),
        pytest.param([wipe_cache], SIZE_OF_V1, id="from-the-remote"),
        pytest.param([wipe_cache, wipe_remote], SIZE_OF_V1, id="from-the-hub"),
    ],
)
def test_the_progress_bar_knows_how_much_there_is(
    released: Team, damages: list[Callable[[Team], None]], total: int
) -> None:
    bars = Bars()
    released.project.told = bars
    for damage in damages:
        damage(released)
    released.get("v1.0.0")
    assert (bars.totals, bars.reached) == ([total], [total])


def test_the_progress_bar_goes_back_for_what_was_damaged(released: Team) -> None:
    bars = Bars()
    released.project.told = bars
    wipe_cache(released)
    damage_remote(released)
    released.get("v1.0.0")
    assert bars.reached == bars.totals == [SIZE_OF_V1]


WORKSPACE = "the workspace"
REMOTE = "DVC remote 'storage'"
HUB = "the Hub ({repo})"


@pytest.mark.parametrize(
    ("damages", "sources"),
    [
        pytest.param([], {}, id="all-well"),
        pytest.param([wipe_cache], {WORKSPACE: 1, REMOTE: 3}, id="cache-wiped"),
        pytest.param([wipe_cache, wipe_remote], {WORKSPACE: 1, HUB: 3}, id="cache-and-remote-wiped"),
        pytest.param([damage_cache], {REMOTE: 1}, id="bit-flipped-in-cache"),
        pytest.param([damage_cache, wipe_remote], {HUB: 1}, id="bit-flipped-in-cache-remote-wiped"),
        pytest.param([damage_cache, damage_remote], {HUB: 1}, id="bits-flipped-in-cache-and-remote"),
        pytest.param(
            [wipe_cache, damage_remote], {WORKSPACE: 1, REMOTE: 2, HUB: 1}, id="cache-wiped-bit-flipped-in-remote"
        ),
        pytest.param([wipe_cache, kill_hub], {WORKSPACE: 1, REMOTE: 3}, id="cache-wiped-hub-dead"),
    ],
)
def test_the_version_comes_back_from_what_is_left(
    released: Team, damages: list[Callable[[Team], None]], sources: dict[str, int]
) -> None:
    for damage in damages:
        damage(released)
    outcome = released.get("v1.0.0")
    assert_is(released, V1)
    expected = {place.format(repo=released.project.repo_id): count for place, count in sources.items()}
    assert outcome.outputs[0].sources == expected


@pytest.mark.parametrize(
    ("damages", "said"),
    [
        pytest.param([wipe_cache, wipe_remote, kill_hub], "v1.0.0 .* nowhere to be had", id="everything-lost"),
        pytest.param([damage_cache, wipe_remote, kill_hub], r"1 file.*weights\.bin", id="bit-flipped-no-other-place"),
        pytest.param([damage_cache, damage_remote, kill_hub], r"damaged there \(md5", id="bits-flipped-hub-dead"),
    ],
)
def test_with_no_place_left_the_error_names_files_and_places_and_nothing_changes(
    released: Team, damages: list[Callable[[Team], None]], said: str
) -> None:
    for damage in damages:
        damage(released)
    before, head = released.content(), git(released.project.top, "rev-parse", "HEAD")
    with pytest.raises(IntegrityError, match=f"(?s){said}"):
        released.get("v1.0.0")
    assert released.content() == before
    assert git(released.project.top, "rev-parse", "HEAD") == head
    assert git(released.project.top, "status", "--porcelain") == ""


def test_damage_on_the_hub_is_noticed_and_nothing_changes(team: Team, hub: HubForTests) -> None:
    """A release whose bytes are others than its receipt says: somebody with write access replaced them."""
    team.project.release("v1.0.0")
    api = hub.api
    api.delete_tag(team.project.repo_id, tag="v1.0.0")
    api.upload_file(
        path_or_fileobj=b"\0evil" * 32_000, path_in_repo="weights.bin", repo_id=team.project.repo_id, revision="main"
    )
    api.create_tag(team.project.repo_id, tag="v1.0.0", revision="main")
    wipe_cache(team)
    wipe_remote(team)
    before = team.content()
    with pytest.raises(IntegrityError, match=r"(?s)weights\.bin.*damaged there \(sha256"):
        team.get("v1.0.0")
    assert team.content() == before
    assert git(team.project.top, "describe", "--tags") == "v1.1.0"


def test_a_second_clone_with_no_cache_and_no_remote_gets_the_model_from_the_hub(released: Team, tmp_path: Path) -> None:
    clone = released.project.clone(tmp_path / "clone")
    _configure(clone.top, clone.repo_id)
    (clone.top / ".dvc" / "config").write_text("")
    git(clone.top, "update-index", "--assume-unchanged", ".dvc/config")
    second = Team(clone)
    outcome = second.get("v1.0.0")
    assert outcome.outputs[0].sources == {HUB.format(repo=clone.repo_id): 4}
    assert second.content() == {name: v.encode() if isinstance(v, str) else v for name, v in V1.items()}


def test_an_unreleased_version_finds_its_unchanged_files_in_other_releases(team: Team) -> None:
    team.project.release("v1.0.0")
    wipe_remote(team)
    (team.project.top / "model" / "词表 1.txt").unlink()
    victims = [path for path in (team.cache / "files").rglob("*") if path.is_file() and path.read_bytes() == b"a\n"]
    victims[0].unlink()
    outcome = team.get("main")
    assert outcome.outputs[0].sources == {HUB.format(repo=team.project.repo_id): 1}
    assert_is(team, V2)


def test_what_the_hub_client_has_is_not_downloaded_again(released: Team) -> None:
    hub = released.project.hub
    hub.hf("download", released.project.repo_id, "weights.bin", "--revision", "v1.0.0")
    wipe_cache(released)
    wipe_remote(released)
    hub.forget_requests()
    outcome = released.get("v1.0.0")
    assert outcome.outputs[0].sources["the Hub client's cache"] == 1
    assert not [path for _, path in hub.requests if "weights" in path]
    assert_is(released, V1)


def _export(team: Team, directory: Path, version: str, **options: str | bool) -> Exported:
    with patch.dict("os.environ", team.project.environ):
        return export(
            version,
            directory,
            team.project.told,
            repo=team.project.repo_id,
            endpoint=team.project.hub.endpoint,
            force=bool(options.get("force")),
            filters=Filters(include=[str(options["include"])] if "include" in options else []),
        )


def _read(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_release_is_exported_without_git_and_verified(
    released: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nowhere").mkdir()
    monkeypatch.chdir(tmp_path / "nowhere")
    done = _export(released, Path("out"), "^1.0")
    assert done.version == "v1.1.0"
    assert _read(tmp_path / "nowhere" / "out") == {
        name: value.encode() if isinstance(value, str) else value for name, value in V2.items()
    }
    assert all(os.access(path, os.W_OK) for path in (tmp_path / "nowhere" / "out").iterdir())
    assert _export(released, Path("out"), "v1.1.0").written == ()
    assert [path.name for path in (tmp_path / "nowhere").iterdir()] == ["out"]


def test_an_export_of_some_files_downloads_only_these(released: Team, tmp_path: Path) -> None:
    released.project.hub.forget_requests()
    _export(released, tmp_path / "out", "v1.0.0", include="*.json")
    assert set(_read(tmp_path / "out")) == {"config.json"}
    assert not [path for _, path in released.project.hub.requests if "weights" in path]


def test_files_with_equal_content_are_files_of_their_own(team: Team, tmp_path: Path) -> None:
    team.project.train({"a": "same", "b": "same", "c/d": "same"})
    team.project.tag("v3.0.0")
    team.project.release("v3.0.0")
    _export(team, tmp_path / "out", "v3.0.0")
    (tmp_path / "out" / "a").write_text("edited")
    assert _read(tmp_path / "out") == {"a": b"edited", "b": b"same", "c/d": b"same"}


def test_an_export_refuses_to_overwrite_what_differs(released: Team, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text("mine")
    with pytest.raises(RefusedError, match=r"would be lost: config\.json"):
        _export(released, tmp_path / "out", "v1.0.0")
    assert _read(tmp_path / "out") == {"config.json": b"mine"}


def test_a_revision_that_is_no_release_cannot_be_exported(released: Team, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"has no version v9\.9\.9; it has v1\.0\.0, v1\.1\.0"):
        _export(released, tmp_path / "out", "v9.9.9")
    assert not (tmp_path / "out").exists()


def test_a_download_cut_in_the_middle_is_continued(team: Team, own_hub: HubForTests) -> None:
    team.project.hub = own_hub
    team.endpoint = own_hub.endpoint
    team.project.release("v1.0.0")
    wipe_cache(team)
    wipe_remote(team)
    own_hub.faults.cut("GET", "resolve/.*weights", after_bytes=50_000, times=2)
    own_hub.faults.fail("GET", "resolve/.*config", 503)
    own_hub.forget_requests()
    outcome = team.get("v1.0.0")
    assert outcome.outputs[0].sources[HUB.format(repo=team.project.repo_id)] == 3
    assert_is(team, V1)
    asked = [path for method, path in own_hub.requests if method == "GET" and "weights" in path and "resolve" in path]
    assert len(asked) == 3


def test_a_download_that_was_killed_goes_on_where_it_was(released: Team) -> None:
    wipe_cache(released)
    wipe_remote(released)
    parts = released.cache / "hfver-tmp"
    parts.mkdir(parents=True, exist_ok=True)
    (parts / f"hub-{hashlib.sha256(WEIGHTS).hexdigest()}").write_bytes(WEIGHTS[:100_000])
    released.project.hub.forget_requests()
    outcome = released.get("v1.0.0")
    assert not [problem for problem in outcome.outputs[0].problems if "damaged" in problem]
    assert_is(released, V1)
    assert list(parts.iterdir()) == []


def test_a_damaged_part_of_a_download_is_not_kept(released: Team) -> None:
    wipe_cache(released)
    wipe_remote(released)
    parts = released.cache / "hfver-tmp"
    parts.mkdir(parents=True, exist_ok=True)
    (parts / f"hub-{hashlib.sha256(WEIGHTS).hexdigest()}").write_bytes(b"x" * 100_000)
    released.get("v1.0.0")
    assert_is(released, V1)


def test_a_disk_too_small_is_named_before_the_download(released: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    wipe_cache(released)
    wipe_remote(released)
    before = released.content()
    usage = shutil.disk_usage(released.project.top)
    monkeypatch.setattr("hfver.sources.shutil.disk_usage", lambda _path: usage._replace(free=1000))
    with pytest.raises(NoSpaceError, match=r"hfver-tmp has 0\.0 GB left"):
        released.get("v1.0.0")
    assert released.content() == before


def test_what_an_earlier_try_left_needs_no_more_room(released: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    wipe_cache(released)
    wipe_remote(released)
    parts = released.cache / "hfver-tmp"
    parts.mkdir(parents=True)
    (parts / f"hub-{hashlib.sha256(WEIGHTS).hexdigest()}").write_bytes(WEIGHTS[:-100])
    usage = shutil.disk_usage(released.project.top)
    monkeypatch.setattr("hfver.sources.shutil.disk_usage", lambda _path: usage._replace(free=1000))
    released.get("v1.0.0")
    assert_is(released, V1)


def test_a_disk_that_fills_up_is_not_taken_for_a_bad_network() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(NoSpaceError, match="no space left for"):
        _append(full, b"x")
