"""Installing, chaining and taking away: what is at a hook's place, and what must be there afterwards."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hfver.errors import StateError
from hfver.hooks.install import install, status, uninstall
from hfver.hooks.record import read_record
from hfver.hooks.scripts import HOOKS, script
from hfver.hooks.seen import SeenRefs
from hfver.hooks.state import State
from tests.support.git_builds import CHOSEN
from tests.support.hooked import FILES, GUARDED, Program, Repo, make_program, new_repo

RT = "reference-transaction"

FOREIGN = """\
#!/bin/sh
# somebody else's hook
{ printf '%s|' "$@"; cat; } >>"$FOREIGN_LOG"
exit "${FOREIGN_CODE:-0}"
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    program = make_program(tmp_path / "bin")
    monkeypatch.setattr(sys, "argv", [str(program.path)])
    monkeypatch.setenv("FOREIGN_LOG", str(tmp_path / "foreign.log"))
    return program


@pytest.fixture
def repo(tmp_path: Path, program: Program) -> Repo:
    repo = new_repo(tmp_path / "repo")
    repo.commit("first", FILES)
    return repo


def snapshot(directory: Path) -> dict[str, tuple[bytes, int, str | None]]:
    return {
        path.name: (path.read_bytes(), path.lstat().st_mode, str(path.readlink()) if path.is_symlink() else None)
        for path in directory.iterdir()
    }


def states(repo: Repo) -> dict[str, State]:
    return {hook.name: hook.state for hook in status(repo.path).hooks}


def foreign(repo: Repo, name: str = RT, text: str = FOREIGN) -> Path:
    path = repo.hooks / name
    path.write_text(text)
    path.chmod(0o775)
    return path


def test_installing_twice_is_installing_once_and_uninstalling_leaves_no_trace(repo: Repo) -> None:
    before = snapshot(repo.hooks)
    assert set(states(repo).values()) == {State.ABSENT}
    report = install(repo.path)
    assert report.directory == repo.hooks
    assert [hook.state for hook in report.hooks] == [State.INSTALLED] * len(HOOKS)
    after = snapshot(repo.hooks)
    inodes = [(repo.hooks / name).stat().st_ino for name in HOOKS]
    assert install(repo.path) == report
    assert snapshot(repo.hooks) == after
    assert [(repo.hooks / name).stat().st_ino for name in HOOKS] == inodes
    uninstall(repo.path)
    assert snapshot(repo.hooks) == before
    uninstall(repo.path)
    assert snapshot(repo.hooks) == before


def test_uninstalling_where_nothing_was_installed_changes_nothing(repo: Repo) -> None:
    before = snapshot(repo.hooks)
    uninstall(repo.path)
    assert snapshot(repo.hooks) == before
    assert not (repo.common_dir / "hfver").exists()


def test_one_hook_can_be_installed_and_removed_by_name(repo: Repo) -> None:
    install(repo.path, [RT])
    assert [path.name for path in repo.hooks.iterdir() if not path.name.endswith(".sample")] == [RT]
    uninstall(repo.path, [RT])
    assert set(read_record(repo.common_dir / "hfver").hooks) == set()


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_that_was_there_is_moved_and_comes_back_byte_for_byte(repo: Repo, name: str) -> None:
    foreign(repo, name)
    before = snapshot(repo.hooks)
    report = install(repo.path)
    assert {hook.name: hook.state for hook in report.hooks}[name] is State.CHAINED
    assert f"{name} was there already: it now is {name}.hfver-orig" in report.notes[0]
    assert (repo.hooks / name).read_bytes() == script(name)
    assert install(repo.path).notes == ()
    uninstall(repo.path)
    assert snapshot(repo.hooks) == before


def test_a_symbolic_link_that_was_there_comes_back_as_one(repo: Repo) -> None:
    target = repo.path / "scripts" / "hook.sh"
    target.parent.mkdir()
    target.write_text(FOREIGN)
    target.chmod(0o755)
    (repo.hooks / RT).symlink_to("../../scripts/hook.sh")
    before = snapshot(repo.hooks)
    install(repo.path)
    assert target.read_text() == FOREIGN
    repo.git("tag", "v1.0.0")
    assert "refs/tags/v1.0.0" in Path(os.environ["FOREIGN_LOG"]).read_text()
    uninstall(repo.path)
    assert snapshot(repo.hooks) == before


def test_both_hooks_see_the_transaction_and_ours_releases(repo: Repo) -> None:
    foreign(repo)
    install(repo.path)
    repo.git("tag", "v1.0.0")
    oid = repo.tag_object("v1.0.0")
    log = Path(os.environ["FOREIGN_LOG"]).read_text()
    assert f"committed|{'0' * 40} {oid} refs/tags/v1.0.0\n" in log
    assert repo.owed() == {("v1.0.0", oid)}


def test_the_other_hooks_veto_counts(repo: Repo) -> None:
    foreign(repo)
    install(repo.path)
    done = repo.run("tag", "v1.0.0", check=False, env={"FOREIGN_CODE": "3"})
    assert done.returncode == 128
    assert repo.git("tag") == ""
    assert repo.owed() == set()


def test_the_other_hook_runs_even_when_ours_is_skipped(repo: Repo) -> None:
    foreign(repo)
    install(repo.path)
    repo.git("tag", "v1.0.0", HFVER_SKIP="1")
    assert "refs/tags/v1.0.0" in Path(os.environ["FOREIGN_LOG"]).read_text()
    assert repo.owed() == set()


def test_a_hook_that_was_switched_off_stays_off(repo: Repo) -> None:
    foreign(repo).chmod(0o644)
    install(repo.path)
    repo.git("tag", "v1.0.0")
    assert not Path(os.environ["FOREIGN_LOG"]).exists()
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}


def test_a_thousand_tags_in_one_transaction_pass_through_a_chained_hook(repo: Repo) -> None:
    foreign(repo)
    install(repo.path)
    lines = "".join(f"create refs/tags/x-{number} HEAD\n" for number in range(1000))
    repo.run("update-ref", "--stdin", stdin=lines)
    log = Path(os.environ["FOREIGN_LOG"]).read_text()
    assert log.partition("committed|")[2].count("refs/tags/x-") == 1000


def test_tags_from_before_are_known(repo: Repo) -> None:
    repo.git("tag", "v0.1.0")
    repo.git("tag", "-a", "-m", "two", "v0.2.0")
    install(repo.path)
    known = SeenRefs(repo.common_dir).pairs("existing")
    assert known == {(f"refs/tags/{tag}", repo.tag_object(tag)) for tag in ("v0.1.0", "v0.2.0")}


def test_a_changed_script_is_brought_up_to_date_and_the_change_is_kept(repo: Repo) -> None:
    install(repo.path)
    path = repo.hooks / RT
    path.write_bytes(script(RT) + b"echo mine\n")
    assert states(repo)[RT] is State.CHANGED
    [note] = install(repo.path).notes
    assert "had been changed; its text is kept as" in note
    assert Path(note.rpartition("kept as ")[2]).read_bytes() == script(RT) + b"echo mine\n"
    assert path.read_bytes() == script(RT)


def test_a_script_of_an_older_hfver_is_brought_up_to_date_silently(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    older = script(RT) + b"# as it was in an older release\n"
    with monkeypatch.context() as patch:
        for module in ("install", "state"):
            patch.setattr(f"hfver.hooks.{module}.script", lambda name: older)
        install(repo.path, [RT])
    assert states(repo)[RT] is State.OUTDATED
    report = install(repo.path, [RT])
    assert report.notes == ()
    assert report.hooks[0].state is State.INSTALLED


def test_uninstalling_leaves_what_somebody_changed(repo: Repo) -> None:
    install(repo.path)
    path = repo.hooks / RT
    path.write_bytes(script(RT) + b"echo mine\n")
    [note] = uninstall(repo.path).notes
    assert "was changed by somebody and is left as it is" in note
    assert path.exists()


@pytest.mark.parametrize("damage", ["crlf", "mode"])
def test_a_hook_git_cannot_run_is_noticed_and_mended(repo: Repo, damage: str) -> None:
    install(repo.path)
    path = repo.hooks / RT
    if damage == "crlf":
        path.write_bytes(script(RT).replace(b"\n", b"\r\n"))
    else:
        path.chmod(0o644)
    assert states(repo)[RT] is State.UNUSABLE
    install(repo.path)
    assert states(repo)[RT] is State.INSTALLED
    repo.git("tag", "v1.0.0")
    assert repo.owed() != set()


def test_a_directory_at_the_place_is_an_error_that_says_so(repo: Repo) -> None:
    (repo.hooks / RT).mkdir()
    with pytest.raises(StateError, match="is a directory; git fails"):
        install(repo.path)


def test_another_program_took_the_place_and_ours_is_put_in_front_again(repo: Repo) -> None:
    foreign(repo)
    install(repo.path)
    other = foreign(repo, text="#!/bin/sh\nexit 0\n")
    assert states(repo)[RT] is State.FOREIGN
    report = install(repo.path)
    assert report.hooks[0].state is State.CHAINED
    [kept] = repo.hooks.glob(f"{RT}.hfver-orig.*")
    assert kept.read_text() == FOREIGN
    assert any(str(kept) in note for note in report.notes)
    uninstall(repo.path)
    assert other.read_text() == "#!/bin/sh\nexit 0\n"


# -- where the hooks directory is ------------------------------------------------------------------------------------


def test_linked_work_trees_share_the_hooks(repo: Repo) -> None:
    repo.git("worktree", "add", "--quiet", "../linked")
    linked = Repo(repo.path.parent / "linked")
    assert install(linked.path).directory == repo.hooks
    linked.git("tag", "v1.0.0")
    repo.git("tag", "v1.1.0")
    assert {name for name, _ in repo.owed()} == {"v1.0.0", "v1.1.0"}


def test_a_hooks_directory_in_the_work_tree_is_used_with_a_warning(repo: Repo) -> None:
    repo.git("config", "core.hooksPath", ".githooks")
    report = install(repo.path)
    assert report.directory == repo.path / ".githooks"
    assert "every linked work tree has on its own" in report.notes[0]
    repo.git("tag", "v1.0.0")
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}
    uninstall(repo.path)
    assert list((repo.path / ".githooks").iterdir()) == []


def test_a_hooks_path_that_means_the_usual_place_is_the_usual_place(repo: Repo) -> None:
    repo.git("config", "core.hooksPath", ".git/hooks")
    assert install(repo.path).notes == ()


@pytest.mark.parametrize("scope", ["--global", "--local"])
def test_a_hooks_directory_shared_by_repositories_is_never_written_to(repo: Repo, tmp_path: Path, scope: str) -> None:
    shared = tmp_path / "everybody"
    shared.mkdir()
    repo.git("config", scope, "core.hooksPath", str(shared))
    with pytest.raises(StateError, match="which other repositories use too") as caught:
        install(repo.path)
    assert caught.value.hints[0].startswith("git config --local core.hooksPath .git/hooks")
    assert list(shared.iterdir()) == []


@pytest.mark.skipif(CHOSEN is None or CHOSEN.version() < (2, 54), reason="HFVER_TEST_GIT names no git 2.54 or newer")
@pytest.mark.parametrize("name", ["plain", "with space and 'quote'"])
def test_git_that_knows_hooks_in_its_configuration_needs_no_file(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert CHOSEN is not None
    for variable, value in CHOSEN.environment().items():
        monkeypatch.setenv(variable, value)
    shared = tmp_path / "everybody"
    shared.mkdir()
    repo = new_repo(tmp_path / name, CHOSEN)
    repo.commit("first", FILES)
    repo.git("config", "--global", "core.hooksPath", str(shared))
    report = install(repo.path)
    assert {hook.state for hook in report.hooks} == {State.CONFIGURED}
    assert list(shared.iterdir()) == []
    repo.git("tag", "v1.0.0")
    assert repo.owed() == {("v1.0.0", repo.tag_object("v1.0.0"))}
    repo.commit("guarded", GUARDED)
    assert repo.run("tag", "v2.0.0", "HEAD^{tree}", check=False).returncode != 0
    for path in (repo.common_dir / "hfver" / "hooks").iterdir():
        path.unlink()
    repo.git("tag", "v1.1.0")  # a script that is gone must not fail git
    assert install(repo.path).hooks[0].state is State.CONFIGURED
    uninstall(repo.path)
    assert "hfver" not in repo.git("config", "--local", "--list")
    repo.git("tag", "v1.2.0")
    assert {tag for tag, _ in repo.owed()} == {"v1.0.0"}
