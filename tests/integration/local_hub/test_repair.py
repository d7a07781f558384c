"""Damage times repair: a damaged store says so, by name, and comes back from what is left of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from hfver.local_hub.git.marks import listed_ids
from hfver.local_hub.git.ref_journal import NAME as JOURNAL
from hfver.local_hub.hub import Hub
from hfver.local_hub.kinds import RepoKind
from hfver.local_hub.locks import StoreLock
from hfver.local_hub.maintenance import collect_garbage, scrub
from hfver.local_hub.records import NAME as RECORD
from hfver.local_hub.records import read_record
from hfver.local_hub.repair import put_aside, repair
from hfver.local_hub.store_errors import BusyStoreError, DamagedStoreError, StoreError
from tests.support import damage
from tests.support.hub import running_hub
from tests.support.stores import upload
from tests.support.xet_bodies import make_xorb, whole

WHOLE, CHUNKED = b"sent as it is" * 1000, b"sent in chunks" * 1000


@dataclass(frozen=True)
class Seen:
    """What a store holds for those who use it."""

    repos: frozenset[tuple[str, str, str]]  # kind, name, visibility
    old_names: frozenset[str]
    refs: frozenset[str]  # repository, ref, commit
    files: frozenset[tuple[str, bytes]]
    token: str
    tokens: frozenset[str]  # of others, that are let in
    discussions: tuple[str, ...]


@dataclass(frozen=True)
class Store:
    """A store that nobody has open."""

    root: Path
    others: str  # another user's token

    @property
    def table(self) -> Path:
        return self.root / "hub.sqlite"

    @property
    def index(self) -> Path:
        return self.root / "content" / "content.db"

    @property
    def git_dir(self) -> Path:
        """Of me/bert."""
        folders = (self.root / "repos" / f"{repo_id}.git" for repo_id in listed_ids(self.root / "repos"))
        return next(folder for folder in folders if (found := read_record(folder)) and found.name == "bert")

    def seen(self) -> Seen:
        with running_hub(self.root) as hub:
            repos = hub.server.hub.repos
            git = {repo.full_name: hub.git_dir(repo.full_name, repo.kind.value) for repo in repos.all()}
            moved = repos.moved_to(RepoKind.MODEL, "me", "old-name")
            callers = [hub.server.hub.accounts.authenticate(token) for token in (self.others, "hf_unknown")]
            listed = hub.api.get_repo_discussions("me/bert")
            return Seen(
                frozenset((repo.kind.value, repo.full_name, repo.visibility) for repo in repos.all()),
                frozenset([moved.full_name] if moved else []),
                frozenset(f"{name} {line}" for name, path in git.items() for line in refs_of(path)),
                frozenset((name, download(hub.api, name)) for name in ("small.txt", "whole.bin", "chunked.bin")),
                hub.token,
                frozenset(caller.account.name for caller in callers if caller is not None),
                tuple(discussion.title for discussion in listed),
            )


def refs_of(git_dir: Path) -> list[str]:
    command = ["git", "--git-dir", str(git_dir), "for-each-ref", "--format=%(refname) %(objectname)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def download(api: HfApi, name: str) -> bytes:
    answer = httpx2.get(f"{api.endpoint}/me/bert/resolve/v1/{name}", headers={"Authorization": f"Bearer {api.token}"})
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("original") / "store"
    with running_hub(root) as hub:
        api, content = hub.api, hub.server.hub.content
        api.create_repo("me/bert")
        xorb = make_xorb([CHUNKED])
        upload(content, [whole(xorb)], [xorb])
        api.create_repo("me/old-name", private=True)
        api.move_repo("me/old-name", "me/new-name")
        api.create_repo("me/data", repo_type="dataset", private=True)
        api.update_repo_settings("me/new-name", private=True)
        files = [
            CommitOperationAdd("small.txt", b"small"),
            *[CommitOperationAdd(".gitattributes", b"*.bin filter=lfs\n")],
        ]
        api.create_commit("me/bert", files, commit_message="small")
        from tests.support.stores import add_file

        stored = [add_file(content, [WHOLE]), content.lookup([whole(xorb).sha256])[whole(xorb).sha256]]
        lines: list[Any] = [{"key": "header", "value": {"summary": "large"}}]
        for name, one in zip(("whole.bin", "chunked.bin"), stored, strict=True):
            value = {"path": name, "algo": "sha256", "oid": one.sha256, "size": one.size}
            lines.append({"key": "lfsFile", "value": value})
        made = httpx2.post(
            f"{hub.endpoint}/api/models/me/bert/commit/main",
            content="\n".join(map(json.dumps, lines)),
            headers={"Authorization": f"Bearer {hub.token}"},
        )
        assert made.status_code == 200, made.text
        api.create_tag("me/bert", tag="v1", tag_message="annotated")
        api.create_tag("me/bert", tag="v2")
        api.create_tag("me/bert", tag="gone")
        api.delete_tag("me/bert", tag="gone")
        api.create_discussion("me/bert", title="A question", description="why?")
        accounts = hub.server.hub.accounts
        others = accounts.issue_token(accounts.add("bob"), role="read")
    return Store(root, others)


@pytest.fixture(scope="module")
def before(original: Store) -> Seen:
    return original.seen()


@pytest.fixture
def store(original: Store, before: Seen, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(original.root, tmp_path / "store")
    yield replace(original, root=tmp_path / "store")


Damage = Callable[[Store], Any]


def of_table(function: Callable[[Path], Any]) -> Damage:
    return lambda store: function(store.table)


def of_index(function: Callable[[Path], Any]) -> Damage:
    return lambda store: function(store.index)


def of_git(name: str, function: Callable[[Path], Any]) -> Damage:
    return lambda store: function(store.git_dir / name)


def packed(function: Callable[[Path], Any]) -> Damage:
    def work(store: Store) -> None:
        subprocess.run(["git", "--git-dir", str(store.git_dir), "pack-refs", "--all"], check=True)
        function(store.git_dir / "packed-refs")

    return work


def rows(*statements: str) -> Callable[[Path], None]:
    return lambda path: damage.change_rows(path, *statements)


# What a table that cannot be read at all takes with it: it is nowhere else.
ONLY_IN_THE_TABLE: dict[str, Any] = {"tokens": frozenset(), "discussions": ()}

TABLE: list[tuple[str, Damage, dict[str, Any]]] = [
    ("cut in half", of_table(damage.cut_in_half), ONLY_IN_THE_TABLE),
    ("noise", of_table(damage.fill_with_noise), ONLY_IN_THE_TABLE),
    ("empty", of_table(damage.empty), ONLY_IN_THE_TABLE),
    ("gone", of_table(damage.lose), ONLY_IN_THE_TABLE),
    ("a directory", of_table(damage.make_directory), ONLY_IN_THE_TABLE),
    ("broken pages", of_table(damage.break_pages), ONLY_IN_THE_TABLE),
    ("no format", of_table(rows("PRAGMA user_version = 0")), {}),
    ("no repos", of_table(rows("DROP TABLE repos")), {"discussions": ("A question",)}),
    ("no accounts", of_table(rows("DROP TABLE accounts")), {"tokens": frozenset()}),
    ("rows gone", of_table(rows("DELETE FROM repos")), {}),
    ("an unknown kind", of_table(rows("UPDATE repos SET kind = 'modxl'")), {}),
    ("an unknown visibility", of_table(rows("UPDATE repos SET visibility = 'qrivate'")), {}),
    ("a name that is no text", of_table(rows("UPDATE repos SET name = x'ff00' WHERE name = 'bert'")), {}),
    (
        "a text that is none",
        of_table(rows("UPDATE repos SET name = CAST(x'ff62' AS TEXT) WHERE name = 'bert'")),
        {},
    ),
    ("a file for the locks", lambda store: damage.make_file(store.root / "repos/locks"), {}),
    ("a directory for the token", lambda store: damage.make_directory(store.root / "token"), {"token": None}),
    ("a directory for the lock", lambda store: damage.make_directory(store.root / "store.lock"), {}),
    ("a directory for the secret", lambda store: damage.make_directory(store.root / "content/secret"), {}),
]  # fmt: skip
INDEX: list[tuple[str, Damage]] = [
    ("cut in half", of_index(damage.cut_in_half)),
    ("noise", of_index(damage.fill_with_noise)),
    ("a directory", of_index(damage.make_directory)),
    ("no generation", of_index(rows("UPDATE meta SET value = 'x' WHERE key = 'generation'"))),
    *((f"no {table}", of_index(rows(f"DROP TABLE {table}"))) for table in ("xorbs", "segments")),
    ("a chunk list that is none", of_index(rows("UPDATE xorbs SET offsets = x'00'"))),
    ("another chunk list", of_index(rows("UPDATE xorbs SET hashes = zeroblob(length(hashes))"))),
    ("segments outside", of_index(rows("UPDATE segments SET chunk_end = chunk_end + 7"))),
    ("a directory for a lock", lambda store: damage.make_directory(store.root / "content/rebuild.lock")),
    ("a file for the workspace", lambda store: damage.make_file(store.root / "content/tmp")),
]
GIT: list[tuple[str, Damage]] = [
    ("noise for HEAD", of_git("HEAD", damage.fill_with_noise)),
    ("a directory for the config", of_git("config", damage.make_directory)),
    ("no refs", of_git("refs", damage.lose)),
    ("a file for the refs", of_git("refs", damage.make_file)),
    ("no main", of_git("refs/heads/main", damage.lose)),
    ("noise for main", of_git("refs/heads/main", damage.fill_with_noise)),
    ("a directory for main", of_git("refs/heads/main", damage.make_directory)),
    ("no tag", of_git("refs/tags/v1", damage.lose)),
    ("noise for a tag", of_git("refs/tags/v1", damage.fill_with_noise)),
    ("a tag of nothing", of_git("refs/tags/v1", lambda path: path.write_text("1" * 40 + "\n"))),
    ("packed refs cut in half", packed(damage.cut_in_half)),
    ("noise for packed refs", packed(damage.fill_with_noise)),
    ("packed refs gone", packed(damage.lose)),
    ("a directory for packed refs", packed(damage.make_directory)),
]


def ids(table: list[Any]) -> list[str]:
    return [row[0] for row in table]


@pytest.mark.parametrize(("_name", "work", "lost"), TABLE, ids=ids(TABLE))
def test_a_damaged_table_is_named_and_made_anew(
    store: Store, before: Seen, _name: str, work: Damage, lost: dict[str, Any]
) -> None:
    work(store)
    said = troubles(store)
    assert said
    assert all(str(store.root) in text and f"hfver hub repair --store {store.root}" in text for text in said)
    repaired = repair(store.root)
    assert repaired.mended and not repaired.beyond
    after = store.seen()
    expected = replace(before, **{name: value for name, value in lost.items() if name != "token"})
    assert after == (replace(expected, token=after.token) if "token" in lost else expected)
    assert repair(store.root).mended == ()


@pytest.mark.parametrize(
    "change", ["UPDATE settings SET value = 'nobody' WHERE key = 'default_user'", "UPDATE repos SET owner = 77"]
)
def test_rows_that_belong_to_nobody_are_mended_though_nothing_is_hindered(
    store: Store, before: Seen, change: str
) -> None:
    damage.change_rows(store.table, change)
    assert repair(store.root).mended
    assert store.seen() == before


@pytest.mark.parametrize(("_name", "work"), INDEX, ids=ids(INDEX))
def test_a_damaged_index_is_named_and_made_anew_from_the_stored_files(
    store: Store, before: Seen, _name: str, work: Damage
) -> None:
    work(store)
    said = troubles(store)
    assert said
    assert all(str(store.root / "content") in text and "hfver hub repair" in text for text in said)
    assert not repair(store.root).beyond
    assert store.seen() == before


@pytest.mark.parametrize("work", [damage.lose, damage.empty], ids=["gone", "empty"])
def test_an_index_that_is_gone_needs_no_repair(store: Store, before: Seen, work: Callable[[Path], None]) -> None:
    work(store.index)
    assert store.seen() == before


@pytest.mark.parametrize(("_name", "work"), GIT, ids=ids(GIT))
def test_all_of_a_repository_but_its_objects_comes_back(store: Store, before: Seen, _name: str, work: Damage) -> None:
    work(store)
    hub = Hub(store.root)
    try:
        assert [str(store.git_dir) in finding.what for finding in scrub(hub)] == [True]
        with pytest.raises(DamagedStoreError) as told:  # content of a branch that cannot be read must not go
            collect_garbage(hub, grace_seconds=0)
        assert (told.value.path, "hub repair" in told.value.mend) == (store.git_dir, True)
    finally:
        hub.close()
    repaired = repair(store.root)
    assert {mended.path for mended in repaired.mended} == {store.git_dir}
    assert not repaired.beyond
    assert store.seen() == before
    hub = Hub(store.root)
    try:
        assert scrub(hub) == []
    finally:
        hub.close()


def troubles(store: Store) -> list[str]:
    """What those hear who use a store, and whoever reads all of it."""
    said = []
    try:
        with running_hub(store.root) as hub:
            for name in ("bert", "new-name"):
                url = f"{hub.endpoint}/api/models/me/{name}"
                answer = httpx2.get(url, headers={"Authorization": f"Bearer {hub.token}"})
                if answer.status_code != 200:
                    assert answer.headers["X-Error-Code"] == "StoreDamaged", answer.text
                    said.append(answer.json()["error"])
            scrub(hub.server.hub)
    except StoreError as error:
        said.append(error.in_full)
    return said


@pytest.mark.parametrize("name", ["HEAD", "objects"])
def test_over_http_a_damaged_repository_is_no_mistake_of_the_hub(store: Store, name: str) -> None:
    damage.lose(store.git_dir / name)
    with running_hub(store.root) as hub:
        for path in ("/api/models/me/bert/refs", "/me/bert/resolve/main/small.txt", "/api/models", "/"):
            answer = httpx2.get(f"{hub.endpoint}{path}", headers={"Authorization": f"Bearer {hub.token}"})
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (424, "StoreDamaged"), path
            assert f"{store.git_dir}: it is damaged" in answer.json()["error"]
            assert "hfver hub repair" in answer.headers["X-Error-Message"]


def test_what_has_lost_objects_is_beyond_repair_and_can_be_put_aside(store: Store) -> None:
    git_dir = store.git_dir
    damage.lose(git_dir / "objects")
    (lost,) = repair(store.root).beyond
    assert (lost.path, "me/bert: " in lost.problem) == (git_dir, True)
    assert f"hfver hub repair --set-aside me/bert --store {store.root}" in lost.advice
    kept = put_aside(store.root, RepoKind.MODEL, "me/bert")
    assert kept is not None and (kept / RECORD).is_file()
    assert put_aside(store.root, RepoKind.MODEL, "me/bert") is None
    with running_hub(store.root) as hub:
        hub.api.create_repo("me/bert")
        assert hub.api.list_repo_files("me/bert") == [".gitattributes"]


def test_a_name_that_the_table_has_lost_is_not_given_away(store: Store) -> None:
    damage.change_rows(store.table, "DELETE FROM repos")
    with running_hub(store.root) as hub:
        headers = {"Authorization": f"Bearer {hub.token}"}
        asked = httpx2.get(f"{hub.endpoint}/api/models/me/bert", headers=headers)
        made = httpx2.post(f"{hub.endpoint}/api/repos/create", json={"name": "bert"}, headers=headers)
        other = httpx2.post(f"{hub.endpoint}/api/repos/create", json={"name": "other"}, headers=headers)
    assert [answer.status_code for answer in (asked, made, other)] == [424, 424, 200]
    assert "does not know me/bert any more" in made.json()["error"]


def test_a_deleted_repository_stays_deleted(store: Store) -> None:
    with running_hub(store.root) as hub:
        hub.api.delete_repo("me/data", repo_type="dataset")
        hub.api.delete_tag("me/bert", tag="v2")
    damage.lose(store.table)
    repair(store.root)
    with running_hub(store.root) as hub:
        assert not hub.api.repo_exists("me/data", repo_type="dataset")
        assert [tag.name for tag in hub.api.list_repo_refs("me/bert").tags] == ["v1"]


def test_a_private_repository_never_comes_back_public(store: Store) -> None:
    with running_hub(store.root) as hub:
        hub.api.update_repo_settings("me/bert", private=True)
    damage.lose(store.table)
    repair(store.root)
    with running_hub(store.root) as hub:
        assert httpx2.get(f"{hub.endpoint}/api/models/me/bert").status_code == 401


def test_a_repository_whose_record_is_damaged_too_is_named_and_kept(store: Store) -> None:
    git_dir = store.git_dir
    damage.fill_with_noise(git_dir / RECORD)
    damage.lose(store.table)
    (unnamed,) = repair(store.root).beyond
    assert (unnamed.path, git_dir.is_dir()) == (git_dir, True)


def test_what_stands_beside_the_table_is_mended_while_the_table_is_whole(store: Store, before: Seen) -> None:
    git_dir = store.git_dir
    damage.flip_a_bit(git_dir / RECORD)
    damage.fill_with_noise(git_dir / JOURNAL)
    assert {mended.path for mended in repair(store.root).mended} == {git_dir}
    damage.lose(store.table)
    damage.lose(git_dir / "refs")
    repair(store.root)
    assert store.seen() == replace(before, **ONLY_IN_THE_TABLE)


def test_checksums_that_are_damaged_cost_nothing(store: Store, before: Seen) -> None:
    damage.change_rows(store.index, "UPDATE xorbs SET checks = x'01020304'", "UPDATE wholes SET checks = x'01020304'")
    hub = Hub(store.root)
    try:
        assert scrub(hub) == []
    finally:
        hub.close()
    assert store.seen() == before


def test_nobody_repairs_what_somebody_uses_nor_uses_what_somebody_repairs(store: Store) -> None:
    with running_hub(store.root), pytest.raises(BusyStoreError, match="another process uses it"):
        repair(store.root)
    lock = StoreLock(store.root)
    lock.own()
    with pytest.raises(BusyStoreError, match="being repaired"):
        Hub(store.root)
    lock.close()
    Hub(store.root).close()


@pytest.mark.parametrize("text", [b"\xff\xfe\x80token", b"", b"hf_one\nhf_two\n", b"hf_" + b"x" * 5000])
def test_a_damaged_token_file_is_written_anew(store: Store, text: bytes) -> None:
    (store.root / "token").write_bytes(text)
    with running_hub(store.root) as hub:
        assert hub.api.whoami()["name"] == "me"
    assert (store.root / "token").read_text().strip() == hub.token


def test_settings_that_make_no_sense_are_as_good_as_none(store: Store, before: Seen) -> None:
    damage.change_rows(
        store.table,
        "UPDATE settings SET value = '99999x' WHERE key LIKE 'port%'",
        "INSERT OR REPLACE INTO settings VALUES ('swept', 'soon')",
    )
    assert store.seen() == before
