from __future__ import annotations

from pathlib import Path

import pytest

from hfver.adapters.git_process import GitCommandFailed, blob_start, clean_environment
from hfver.adapters.git_repo import GitRepo, strip_credentials
from hfver.errors import StateError, UsageError
from hfver.small_files import TooLargeError
from tests.support.gitting import commit, git, new_repo
from tests.support.world import AUTHOR, EMAIL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return new_repo(tmp_path / "模型 repo")


@pytest.fixture
def repo(path: Path) -> GitRepo:
    return GitRepo.discover(path)


def test_outside_a_repository_the_error_names_git_init(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repository") as caught:
        GitRepo.discover(tmp_path)
    assert caught.value.hints == ["git init"]


def test_discovery_works_from_a_subdirectory(path: Path) -> None:
    (path / "a" / "b").mkdir(parents=True)
    found = GitRepo.discover(path / "a" / "b")
    assert (found.top, found.git_dir, found.common_dir) == (path, path / ".git", path / ".git")


def test_a_bare_repository_has_no_work_tree(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    with pytest.raises(UsageError, match="without a work tree"):
        GitRepo.discover(tmp_path / "bare.git")


def test_a_linked_worktree_shares_the_common_directory(path: Path, tmp_path: Path) -> None:
    commit(path, "first")
    git(path, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    linked = GitRepo.discover(tmp_path / "linked")
    assert linked.common_dir == path / ".git"
    assert linked.git_dir == path / ".git" / "worktrees" / "linked"
    assert linked.head() == GitRepo.discover(path).head()


def test_variables_of_a_calling_hook_do_not_mislead_us(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(path, "first")
    other = new_repo(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    found = GitRepo.discover(path)
    assert (found.top, found.head()) == (path, first)
    (path / "notes.txt").write_text("one")
    made = found.commit_paths(["notes.txt"], "from a hook")
    assert [entry.path for entry in found.list_tree(made)] == ["notes.txt"]
    assert not (other / ".git" / "index").exists()


def test_the_users_own_author_stays_outside_hooks() -> None:
    user = {"GIT_AUTHOR_NAME": "Ada", "PATH": "/bin"}
    assert clean_environment(user) == user
    assert clean_environment({**user, "GIT_INDEX_FILE": ".git/index"}) == {"PATH": "/bin"}


def test_a_failing_command_says_what_was_asked_and_answered(repo: GitRepo) -> None:
    with pytest.raises(GitCommandFailed, match=r"`git rev-parse --verify nothing` failed: fatal: Needed") as caught:
        repo.run("rev-parse", "--verify", "nothing")
    assert caught.value.code == 128


def test_tags_lead_to_commits_through_annotations(path: Path, repo: GitRepo) -> None:
    first = commit(path, "first commit", {"a": "1"})
    git(path, "tag", "light")
    git(path, "tag", "-a", "heavy", "-m", "The subject\n\nThe body")
    git(path, "tag", "-a", "nested", "heavy", "-m", "Tag of a tag")
    git(path, "tag", "on-tree", "HEAD^{tree}")
    git(path, "tag", "-a", "on-blob", "HEAD:a", "-m", "x")
    heavy, light, nested = repo.tags()
    assert (light.name, light.commit, light.tag_object, light.subject) == ("light", first, None, "first commit")
    assert (heavy.name, heavy.commit, heavy.subject) == ("heavy", first, "The subject")
    assert heavy.tag_object == git(path, "rev-parse", "refs/tags/heavy")
    assert (nested.commit, nested.subject) == (first, "Tag of a tag")
    for name, kind in (("on-blob", "blob"), ("on-tree", "tree")):
        with pytest.raises(StateError, match=f"tag {name} points at a {kind}"):
            repo.tag(name)
    assert [tag.name for tag in repo.tags("*e*")] == ["heavy", "nested"]
    assert repo.tag("heavy") == heavy


def test_a_tag_on_a_tree_is_named_for_what_it_is(path: Path, repo: GitRepo) -> None:
    commit(path, "first", {"a": "1"})
    git(path, "tag", "v1.0.0", "HEAD^{tree}")
    with pytest.raises(StateError, match=r"tag v1\.0\.0 points at a tree \([0-9a-f]{10}\), not at a commit"):
        repo.tag("v1.0.0")


@pytest.mark.parametrize("name", ["v9.9.9", "*", "", "v1"])
def test_a_missing_tag_is_not_guessed(path: Path, repo: GitRepo, name: str) -> None:
    commit(path, "first")
    git(path, "tag", "v1/a")
    with pytest.raises(StateError, match="there is no tag"):
        repo.tag(name)


def test_revisions_become_commits_or_a_sentence(path: Path, repo: GitRepo) -> None:
    first = commit(path, "first", {"a": "1"})
    git(path, "tag", "-a", "v1.0.0", "-m", "x")
    assert {repo.commit_of(name) for name in ("HEAD", "main", "v1.0.0", first[:8])} == {first}
    for name in ("nothing", "-x", "", "HEAD:a"):
        with pytest.raises(StateError, match="is no commit, branch or tag"):
            repo.commit_of(name)


def test_head_and_branch_before_and_after_the_first_commit(path: Path, repo: GitRepo) -> None:
    assert (repo.head(), repo.branch()) == (None, "main")
    first = commit(path, "first")
    assert (repo.head(), repo.branch()) == (first, "main")
    git(path, "checkout", "--quiet", "--detach")
    assert (repo.head(), repo.branch()) == (first, None)


def test_objects_are_read_by_one_process(path: Path, repo: GitRepo) -> None:
    commit(path, "first", {"a": "one", "目录/空 格.txt": "two\n", "big": "x" * 200_000, "line\nbreak": "three"})
    with repo.reader() as reader:
        names = ["HEAD:a", "HEAD:nothing", "HEAD:目录/空 格.txt", "HEAD:目录", "HEAD:big", "HEAD:line\nbreak"]
        assert list(reader.read_many(names)) == [b"one", None, b"two\n", None, b"x" * 200_000, b"three"]
        assert reader.read("HEAD:a") == b"one"
        info = reader.info("HEAD:目录")
        assert info is not None
        assert info.kind == "tree"
        assert reader.info("HEAD:nothing") is None


def test_thousands_of_requests_do_not_block_the_pipe(path: Path, repo: GitRepo) -> None:
    commit(path, "first", {"a": "x" * 5000})
    with repo.reader() as reader:
        contents = list(reader.read_many(["HEAD:a"] * 3000))
        assert contents == [b"x" * 5000] * 3000


def test_what_is_larger_than_asked_for_is_not_read_and_the_others_are(
    path: Path, repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(path, "first", {"a": "one", "big": "x" * 2000, "huge": "y" * 3000, "z": "last"})
    monkeypatch.setattr("hfver.adapters.git_objects._MOST_DISCARDED", 2500)  # so git is ended at "huge"
    with repo.reader() as reader:
        answers = list(reader.read_many(["HEAD:a", "HEAD:big", "HEAD:huge", "HEAD:huge", "HEAD:z"], 100))
        assert [str(answer) if isinstance(answer, TooLargeError) else answer for answer in answers] == [
            b"one",
            "HEAD:big is 2,000 bytes; at most 100 are read",
            "HEAD:huge is 3,000 bytes; at most 100 are read",
            "HEAD:huge is 3,000 bytes; at most 100 are read",
            b"last",
        ]
        with pytest.raises(TooLargeError):
            reader.read("HEAD:huge", 2999)
        assert reader.read("HEAD:huge", 3000) == b"y" * 3000
        assert (reader.start_of("HEAD:huge", 2), reader.start_of("HEAD:no", 2)) == (b"yy", None)
        assert reader.read("HEAD:a") == b"one"


def test_the_start_of_a_blob_comes_without_a_reader(path: Path) -> None:
    commit(path, "first", {"a": "one", "big": "x" * 2_000_000})
    assert blob_start(path, "HEAD:big", 10) == b"x" * 10
    assert (blob_start(path, "HEAD:a", 10), blob_start(path, "HEAD:no", 10)) == (b"one", None)


def test_a_reader_left_early_still_answers_the_right_question(path: Path, repo: GitRepo) -> None:
    commit(path, "first", {"a": "one", "b": "two"})
    with repo.reader() as reader:
        next(reader.read_many(["HEAD:a"] * 10))
        assert reader.read("HEAD:b") == b"two"


def test_nearest_candidate_in_real_history(path: Path, repo: GitRepo) -> None:
    first = commit(path, "first")
    second = commit(path, "second")
    git(path, "checkout", "--quiet", "-b", "fix", first)
    fix = commit(path, "fix")
    assert repo.nearest(fix, {first, second}) == (first,)
    assert repo.nearest(first, {first}) == ()
    assert repo.nearest(fix, ()) == ()
    assert repo.commit_graph(["main", "fix"]) == {fix: (first,), second: (first,), first: ()}


def test_many_commits_are_described_in_one_go(path: Path, repo: GitRepo) -> None:
    first = commit(path, "Größe ändern")
    second = commit(path, "second\n\nbody")
    found = repo.commits([first, "main"])
    assert found[first].subject == "Größe ändern"
    assert (found[second].subject, found[second].author_name, found[second].author_email) == ("second", AUTHOR, EMAIL)
    assert found[second].author_date.startswith("2026-01-")
    assert repo.commits([]) == {}


def test_a_tree_lists_names_as_they_are(path: Path, repo: GitRepo) -> None:
    commit(path, "first", {"a": "1", "目录/b c": "2", "tab\there": "3", "other/x": "4"})
    assert {entry.path for entry in repo.list_tree("HEAD")} == {"a", "目录/b c", "tab\there", "other/x"}
    assert [entry.path for entry in repo.list_tree("HEAD", "目录", "a", "nothing")] == ["a", "目录/b c"]


def test_changes_are_seen_whatever_the_name(path: Path, repo: GitRepo) -> None:
    commit(path, "first", {"a": "1", "[x]*": "1", "x": "1"})
    (path / "[x]*").write_text("2")
    (path / "new file").write_text("3")
    assert [(change.path, change.worktree) for change in repo.changes()] == [("[x]*", "M")]
    assert [change.path for change in repo.changes(untracked=True)] == ["[x]*", "new file"]
    assert repo.is_dirty("[x]*")
    assert not repo.is_dirty("x")


def test_committing_paths_leaves_other_work_alone(path: Path, repo: GitRepo) -> None:
    commit(path, "first", {"a": "1", "b": "1", "c": "1"})
    for name in ("a", "b", "c", "new"):
        (path / name).write_text("2")
    git(path, "add", "b")
    made = repo.commit_paths(["a", "new"], "only a and new")
    assert git(path, "show", "--name-only", "--format=", made).splitlines() == ["a", "new"]
    assert [(item.path, item.index, item.worktree) for item in repo.changes()] == [("b", "M", " "), ("c", " ", "M")]
    assert repo.commit_paths(["a", "new"], "nothing new") == made


def test_a_hook_that_refuses_a_commit_is_quoted(path: Path, repo: GitRepo) -> None:
    commit(path, "first", {"a": "1"})
    hook = path / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho 'not on fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    (path / "a").write_text("2")
    with pytest.raises(GitCommandFailed, match="not on fridays"):
        repo.commit_paths(["a"], "try")


def test_tags_are_made_with_and_without_a_message(path: Path, repo: GitRepo) -> None:
    first = commit(path, "first")
    git(path, "config", "tag.gpgSign", "true")
    repo.create_tag("light", first)
    repo.create_tag("heavy", first, "Subject\n\nBody", sign=False)
    assert repo.tag("light").tag_object is None
    assert repo.tag("heavy").subject == "Subject"
    with pytest.raises(GitCommandFailed):
        repo.create_tag("heavy", first, "again", sign=False)


def test_switching_goes_to_tags_branches_and_back(path: Path, repo: GitRepo) -> None:
    first = commit(path, "first", {"a": "1"})
    git(path, "tag", "v1")
    second = commit(path, "second", {"a": "2"})
    repo.switch("v1")
    assert (repo.head(), repo.branch()) == (first, None)
    repo.switch("-")
    assert (repo.head(), repo.branch()) == (second, "main")
    (path / "a").write_text("local")
    with pytest.raises(GitCommandFailed, match="would be overwritten"):
        repo.switch("v1")
    assert repo.head() == second


def test_tags_are_fetched_one_by_one_or_all(path: Path, tmp_path: Path) -> None:
    commit(path, "first")
    git(tmp_path, "clone", "--quiet", str(path), "clone")
    for name in ("v1", "v2", "v3"):
        git(path, "tag", name)
    clone = GitRepo.discover(tmp_path / "clone")
    clone.fetch_tags(names=["v2"])
    assert [tag.name for tag in clone.tags()] == ["v2"]
    clone.fetch_tags()
    assert [tag.name for tag in clone.tags()] == ["v1", "v2", "v3"]
    assert not clone.is_shallow


def test_a_shallow_clone_is_recognised(path: Path, tmp_path: Path) -> None:
    commit(path, "first")
    commit(path, "second")
    git(tmp_path, "clone", "--quiet", "--depth=1", path.as_uri(), "clone")
    assert GitRepo.discover(tmp_path / "clone").is_shallow


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@host.org:8080/a/b.git", "https://host.org:8080/a/b.git"),
        ("https://ghp_token@github.com/a/b", "https://github.com/a/b"),
        ("https://host.org/a/b?private_token=x", "https://host.org/a/b"),
        ("ssh://git:pw@host.org/a", "ssh://git@host.org/a"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("/srv/git/模型.git", "/srv/git/模型.git"),
    ],
)
def test_remote_urls_lose_their_secrets(path: Path, repo: GitRepo, url: str, shown: str) -> None:
    assert repo.remote_url() is None
    git(path, "remote", "add", "origin", url)
    assert repo.remote_url() == shown
    assert strip_credentials(url) == shown
