"""A secret in anything a release would tell stops it before a byte is sent, named by its place and never by itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hfver.adapters.git_tree import CommitTree
from hfver.errors import HfverError, RefusedError
from hfver.release import prepare
from hfver.target import target_of
from tests.support.gitting import git
from tests.support.hub import HubForTests
from tests.support.project import Project, new_project
from tests.support.published import everything

TOKEN = "hf_" + "NotARealToken" * 2 + "NotAReal"
AWS = "AKIA" + "IOSFODNN7EXAMPL3"
KEY_BLOCK = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA " + "PRIVATE KEY-----\n"


@pytest.fixture
def project(tmp_path: Path, hub: HubForTests) -> Project:
    found = new_project(tmp_path / "repo", hub)
    found.train({"weights.bin": "one", "config.json": "{}"})
    return found


def refused(project: Project, tag: str = "v1.0.0") -> RefusedError:
    """The refusal of a release of which nothing has come to the Hub."""
    before = everything(project.hub)
    with pytest.raises(HfverError) as caught:
        project.release(tag)
    assert isinstance(caught.value, RefusedError)
    assert caught.value.exit_code == 8
    said = caught.value.message + "".join(caught.value.hints)
    assert not any(secret in said for secret in (TOKEN, AWS, "MIIEp"))
    assert everything(project.hub) == before
    return caught.value


def details(project: Project, text: str) -> None:
    path = project.top / "configs" / "huggingface_config.yaml"
    path.write_text(path.read_text() + text, encoding="utf-8")


# -- titles -----------------------------------------------------------------------------------------------------------


def test_a_token_in_the_commits_subject_is_refused_with_the_way_out(project: Project) -> None:
    commit = project.commit(f"Use {TOKEN} in CI")
    project.tag("v1.0.0")
    error = refused(project)
    assert error.message == (
        f"not sent to {project.repo_id}: what looks like a secret stands in\n"
        f"  the subject of commit {commit[:12]}: Hugging Face token"
    )
    way_out = f"git tag --force --annotate --message 'another message' v1.0.0 {commit[:12]}"
    assert error.hints == ["take it out, and revoke it if it was real", way_out]
    project.tag("--force", "v1.0.0", message="another message")
    project.release("v1.0.0")
    assert TOKEN.encode() not in everything(project.hub)
    assert b"v1.0.0: another message" in everything(project.hub)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"made with {TOKEN}Z", "Hugging Face token"),
        (f"made with {TOKEN[:12]}\r{TOKEN[12:]}", "Hugging Face token"),
        (f"made with {TOKEN[:12]}\u200b{TOKEN[12:]}", "Hugging Face token"),
        (f"keys: {AWS}", "AWS Access Key"),
        ("see https://ann:hunter22@example.org/x", "Basic Auth Credentials"),
    ],
    ids=["token", "in two by CR", "in two by nothing to see", "AWS", "password"],
)
def test_a_secret_in_the_tags_message_is_refused(project: Project, message: str, kind: str) -> None:
    project.tag("v1.0.0", message=message)
    assert f"  the message of tag v1.0.0: {kind}" in refused(project).message


def test_what_only_looks_like_a_token_is_left_out_of_the_title(project: Project) -> None:
    project.tag("v1.0.0", message=f"HF_TOKEN=hf_{'x' * 34} in the docs")
    project.release("v1.0.0")
    assert b"hf_xxxx" not in everything(project.hub)
    assert b"v1.0.0: HF_TOKEN=[hidden] in the docs" in everything(project.hub)


def test_a_secret_in_a_name_is_refused(project: Project) -> None:
    name = f"exp-{TOKEN}-001"
    project.tag(name, message="Try")
    assert "the name of tag exp-[hidden]-001: Hugging Face token" in refused(project, name).message
    git(project.top, "switch", "--quiet", "--create", f"try-{TOKEN}")
    project.tag("v1.0.0")
    project.release("v1.0.0")
    assert TOKEN.encode() not in everything(project.hub)
    git(project.top, "switch", "--quiet", "--detach", "HEAD~1")
    project.train({"weights.bin": "two"})
    git(project.top, "branch", "--force", f"side-{TOKEN}")
    git(project.top, "switch", "--quiet", f"side-{TOKEN}")
    project.tag("exp-a-001")
    error = refused(project, "exp-a-001")
    assert "the name of the git branch: Hugging Face token" in error.message
    assert "git branch --move NAME gives the branch another name" in error.hints


# -- configs and values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"lr: 1\ntrain:\n  aws: {AWS}\n", "params.yaml:3: AWS Access Key"),
        (f"lr: 1\ntrain:\n  token: {TOKEN}\n", "params.yaml:3: Hugging Face token"),
        ("lr: 1\ntrain: {password: hunter2long}\n", "params.yaml:2: Secret Keyword"),
        ("key: |\n  " + KEY_BLOCK.replace("\n", "\n  "), "params.yaml:2: Private Key"),
    ],
    ids=["AWS", "token", "password", "private key"],
)
def test_a_secret_in_the_configs_is_refused_before_the_release(project: Project, text: str, said: str) -> None:
    """Not after it: the release could not be taken back, and its configs could never follow."""
    (project.top / "params.yaml").write_text(text)
    project.commit("Oops")
    project.tag("v1.0.0")
    error = refused(project)
    assert said in error.message
    assert "then commit what changed, and tag that: git tag --force v1.0.0" in error.hints
    (project.top / "params.yaml").write_text("lr: 1\n")
    project.commit("Clean")
    project.tag("--force", "v1.0.0", message="First")
    project.release("v1.0.0")


def test_a_false_alarm_in_a_commit_of_old_can_be_allowed(project: Project) -> None:
    (project.top / "params.yaml").write_text("password: changeme\n")
    project.commit("The password of every test database")
    project.tag("v1.0.0")
    assert "params.yaml:1: Secret Keyword" in refused(project).message
    digest = hashlib.sha1(b"changeme", usedforsecurity=False).hexdigest()
    baseline = {"results": {"params.yaml": [{"hashed_secret": digest}]}}
    (project.top / ".secrets.baseline").write_text(json.dumps(baseline))
    project.release("v1.0.0")


def test_values_whose_file_is_not_published_are_left_out_and_said(project: Project) -> None:
    details(project, "mirror: {exclude: [params.yaml]}\n")
    (project.top / "params.yaml").write_text(json.dumps({"lr": 1, "train": {"aws": AWS, "key": KEY_BLOCK}}))
    project.commit("Keys of the test account")
    project.tag("v1.0.0")
    outcome = project.release("v1.0.0")
    assert [warning for warning in outcome.warnings if "secret" in warning] == [
        "what looks like a secret is left out of the receipt and the card: train.aws: AWS Access Key",
        "what looks like a secret is left out of the receipt and the card: train.key: Private Key",
    ]
    receipt = json.loads(project.hub_bytes("v1.0.0", ".hfver/release.json"))
    assert receipt["params"]["lr"] == 1
    assert receipt["params"]["train"]["aws"] == "[hidden]"
    assert not any(secret in everything(project.hub) for secret in (AWS.encode(), b"BEGIN RSA"))


def test_configs_found_clean_are_not_read_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.train({"weights.bin": "two", "config.json": "{}"})
    project.tag("v1.1.0")
    searched: list[str] = []

    def noted(files: dict[str, bytes], *_rest: object) -> list[object]:
        searched.extend(files)
        return []

    monkeypatch.setattr("hfver.release_secrets.scan", noted)
    project.release("v1.1.0")
    assert searched == []


def test_a_remote_is_told_without_what_looks_like_a_secret(project: Project) -> None:
    git(project.top, "remote", "add", "origin", f"https://{TOKEN}@example.org/{TOKEN}/x.git")
    project.tag("v1.0.0")
    project.release("v1.0.0")
    assert TOKEN.encode() not in everything(project.hub)
    receipt = json.loads(project.hub_bytes("v1.0.0", ".hfver/release.json"))
    assert receipt["git"]["remote"] == "https://example.org/[hidden]/x.git"


# -- the card ---------------------------------------------------------------------------------------------------------


def test_a_secret_in_what_the_card_is_made_of_is_refused(project: Project) -> None:
    details(project, f"  template: card.md\n  authors: [{{name: ann, email: '{AWS}@example.org'}}]\n")
    (project.top / "card.md").write_text(f"# Model\n\n{{{{ usage }}}}\n\nexport KEY={AWS}\n")
    project.commit("Oops")
    project.tag("v1.0.0")
    message = refused(project).message
    assert "\n  model_card.authors[0].email: AWS Access Key" in message
    assert "\n  card.md:5: AWS Access Key" in message


def test_a_secret_that_people_wrote_into_the_card_is_not_published_again(project: Project) -> None:
    project.tag("v1.0.0")
    project.release("v1.0.0")
    card = project.hub_bytes("v1.0.0", "README.md").decode() + f"\nexport HF_TOKEN={TOKEN}\n"
    project.hub.api.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md", repo_id=project.repo_id)
    project.train({"weights.bin": "two", "config.json": "{}"})
    project.tag("v1.1.0")
    error = refused(project, "v1.1.0")
    assert f"  README.md on the Hub:{card.count(chr(10))}: Hugging Face token" in error.message
    assert "what people wrote into the card is kept: take it out there" in error.hints


# -- the model's text files -------------------------------------------------------------------------------------------

NOTEBOOK = json.dumps({"cells": [{"source": ["from huggingface_hub import login\n", f'login("{TOKEN}")\n']}]}, indent=1)
LEAKS: dict[str, tuple[str, bytes, str]] = {
    "README": ("README.md", f"# Model\n\nexport HF_TOKEN={TOKEN}\n".encode(), "README.md:3: Hugging Face token"),
    "config": ("config.json", f'{{"a": 1,\n "token": "{TOKEN}"}}'.encode(), "config.json:2: Hugging Face token"),
    "notebook": ("train.ipynb", NOTEBOOK.encode(), "train.ipynb:6: Hugging Face token"),
    "code": ("a/train.py", f'KEY = "{AWS}"\n'.encode(), "a/train.py:1: AWS Access Key"),
    "key": ("id_rsa", KEY_BLOCK.encode(), "id_rsa:1: Private Key"),
    ".env": (".env.local", f"GITHUB_TOKEN=ghp_{'aB1' * 12}\n".encode(), ".env.local:1: GitHub Token"),
    "UTF-16": ("notes.txt", f"on two\nlines: {TOKEN}".encode("utf-16"), "notes.txt:2: Hugging Face token"),
    "CR": ("notes.txt", f"{TOKEN[:9]}\r{TOKEN[9:]}".encode(), "notes.txt:1: Hugging Face token"),
}


@pytest.mark.parametrize(("name", "content", "said"), LEAKS.values(), ids=LEAKS)
def test_a_secret_in_a_text_file_of_the_model_is_refused(
    project: Project, name: str, content: bytes, said: str
) -> None:
    project.train({"weights.bin": "two", name: content})
    project.tag("v1.0.0")
    error = refused(project)
    assert f"\n  model/{said}" in error.message
    project.train({"weights.bin": "two"})
    project.tag("--force", "v1.0.0", message="First")
    project.release("v1.0.0")
    assert TOKEN.encode() not in everything(project.hub)


def test_a_secret_in_the_name_of_a_file_is_refused(project: Project) -> None:
    project.train({"weights.bin": "two", f"{TOKEN}.txt": "x"})
    project.tag("v1.0.0")
    assert "\n  the name of model/[hidden].txt: Hugging Face token" in refused(project).message


def test_a_false_alarm_can_be_allowed_and_a_token_cannot(project: Project) -> None:
    python = f'KEY = "{AWS}"  # pragma: allowlist secret\n'
    project.train({"weights.bin": "two", "a.py": python, "b.json": f'{{"key": "{AWS}"}}'})
    digest = hashlib.sha1(AWS.encode(), usedforsecurity=False).hexdigest()
    baseline = {"results": {"model/b.json": [{"hashed_secret": digest}]}}
    (project.top / ".secrets.baseline").write_text(json.dumps(baseline))
    project.commit("The keys of the documentation")
    project.tag("v1.0.0")
    project.release("v1.0.0")
    project.train({"weights.bin": "two", "a.py": python.replace(AWS, TOKEN)})
    project.tag("v1.1.0")
    assert "\n  model/a.py:1: Hugging Face token" in refused(project, "v1.1.0").message


def test_only_what_is_sent_is_looked_at(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"README.md": "# One", "config.json": "{}", "vocab.txt": "a\nb\n"}
    project.train({"weights.bin": "two", **texts})
    project.tag("v1.0.0")
    project.release("v1.0.0")
    looked_at: list[str] = []

    def noted(files: list[tuple[str, bytes]], *_rest: object) -> list[object]:
        looked_at.extend(path for path, _ in files)
        return []

    project.train({"weights.bin": "three", **texts, "config.json": '{"a": 1}'})
    project.tag("v1.1.0")
    monkeypatch.setattr("hfver.release_secrets.in_files", noted)
    project.release("v1.1.0")
    assert looked_at == ["model/config.json"]


def test_text_without_end_is_looked_at_in_part_and_that_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hfver.release_secrets.MOST_TEXT", 50)
    project.train({f"{number}.txt": "x" * 20 for number in range(5)} | {"weights.bin": "two"})
    project.tag("v1.0.0")
    outcome = project.release("v1.0.0")
    assert "secrets were looked for in the first 50 bytes of the model's text files only" in outcome.warnings


def test_a_dry_run_says_it_too(project: Project) -> None:
    project.tag("v1.0.0", message=f"made with {TOKEN}")
    with project.opened() as (workspace, client), workspace.repo.reader() as reader:
        target = target_of(workspace, "v1.0.0")
        tree = CommitTree(workspace.repo, reader, target.tag.commit, "v1.0.0")
        with pytest.raises(RefusedError, match="the message of tag v1.0.0"):
            prepare(workspace, client, target, tree, project.told, allow_same=False)
