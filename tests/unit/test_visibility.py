"""What is said about a repository that others can see, or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from hfver.errors import RefusedError, UnreachableError
from hfver.state import State
from hfver.visibility import Visibility, mention_private, private_option, refuse_public, require_private
from tests.support.project import Told

SAY_SO = "huggingface.repository.private: false in config.yaml, or --public with sync, upload-model and push"


@dataclass
class Seen:
    """A Hub that shows one repository."""

    answer: Visibility
    place: str = "https://hub.example"
    looks: int = 0

    def visibility(self, _repo: str, *, repo_type: str = "model") -> Visibility:
        assert repo_type in ("model", "dataset")
        self.looks += 1
        return self.answer

    def hf_command(self, arguments: str) -> str:
        return f"hf {arguments}"


@pytest.mark.parametrize(
    ("seen", "repo_type", "created", "message", "hint"),
    [
        (
            Visibility.PUBLIC, "model", False, "me/m is public and is to be private: nothing was sent to it",
            "hf repos settings me/m --private",
        ),
        (
            Visibility.PUBLIC, "dataset", True,
            "me/m is public, although the Hub was asked for a private one: nothing was sent to it, it stays empty",
            "hf repos settings me/m --private --repo-type dataset",
        ),
        (
            Visibility.UNSAID, "model", False,
            "https://hub.example does not say whether me/m is private, which it is to be: nothing was sent to it",
            f"if all whom that Hub shows it to may see it: {SAY_SO}",
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_the_repository_and_the_ways_out(
    seen: Visibility, repo_type: str, created: bool, message: str, hint: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        require_private(Seen(seen), "me/m", repo_type=repo_type, created=created)
    assert (caught.value.message, caught.value.hints[0]) == (message, hint)
    assert SAY_SO in " ".join(caught.value.hints)


def test_a_private_repository_is_fine_and_one_that_is_not_there_may_come() -> None:
    require_private(Seen(Visibility.PRIVATE), "me/m")
    assert refuse_public(Seen(Visibility.MISSING), "me/m") is Visibility.MISSING
    with pytest.raises(UnreachableError, match="^me/m was created, but is not to be seen yet$"):
        require_private(Seen(Visibility.MISSING), "me/m", created=True)
    with pytest.raises(UnreachableError, match="^me/m is not to be seen on the Hub any more$"):
        require_private(Seen(Visibility.MISSING), "me/m")


@pytest.mark.parametrize(
    ("seen", "heard", "notes", "looks"),
    [
        (Visibility.PRIVATE, True, 1, 1),
        (Visibility.PUBLIC, True, 0, 1),
        (Visibility.UNSAID, True, 0, 1),
        (Visibility.MISSING, True, 0, 2),  # it may come
        (Visibility.PRIVATE, False, 0, 0),
    ],
)
def test_a_private_repository_is_mentioned_once_where_somebody_hears_it(
    tmp_path: Path, seen: Visibility, heard: bool, notes: int, looks: int
) -> None:
    told, hub = Told(), Seen(seen)
    told.is_heard = heard
    for _ in range(2):
        state = State(tmp_path / "state.db")  # as the next command opens it
        mention_private(hub, "me/m", state, told, repo_type="dataset")
        state.close()
    assert (len(told.notes), hub.looks) == (notes, looks)
    if notes:
        assert told.notes[0] == (
            "me/m is private and stays so, although huggingface.repository.private is false; to show it to all: "
            "hf repos settings me/m --public --repo-type dataset"
        )


def test_the_same_name_on_another_hub_is_another_repository(tmp_path: Path) -> None:
    told, state = Told(), State(tmp_path / "state.db")
    for place in ("https://hub.example", "https://other.example"):
        mention_private(Seen(Visibility.PRIVATE, place), "me/m", state, told)
    state.close()
    assert len(told.notes) == 2


@pytest.mark.parametrize(
    ("given", "options"),
    [(None, {}), (True, {"huggingface.repository.private": True}), (False, {"huggingface.repository.private": False})],
)
def test_the_command_line_says_private_public_or_nothing(given: bool | None, options: dict[str, bool]) -> None:
    assert private_option(given) == options
