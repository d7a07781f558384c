"""A configuration that was right is remembered by the bytes of its files; nothing else is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.config import reading
from hfver.config.load import load_revision, load_workspace
from hfver.config.problems import InvalidConfigError
from hfver.config.settings import Config
from hfver.state import State

MAIN = "huggingface:\n  repository: {model_name: me/bert}\ntraining: {lr: 0.1, steps: [1, 2]}\n"
DETAILS = "configs/huggingface_config.yaml"
FULL = """
user: {username: me}
model_card:
  language: en
  authors: [Ann, {name: Bob, email: b@example.org}]
  datasets: imdb
settings: {upload: {retry_delay: 0.5}}
versioning: {formats: {experiment: "run-{name}-{number:03d}"}}
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    found = State(tmp_path / "state.db")
    yield found
    found.close()


@pytest.fixture
def validations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The labels of what was validated, not remembered."""
    labels: list[str] = []
    validated = reading.validated

    def counted(read: Any, main: str, label: str, chosen: Any) -> reading.Validated:
        labels.append(label)
        return validated(read, main, label, chosen)

    monkeypatch.setattr(reading, "validated", counted)
    return labels


def load(
    state: State, main: str = MAIN, details: str | None = FULL, environ: Mapping[str, str] | None = None, **more: Any
) -> Config:
    files = {"config.yaml": main.encode()} | ({DETAILS: details.encode()} if details is not None else {})
    return load_revision(files.get, environ=environ or {}, label=more.pop("label", "v1.0.0"), memory=state, **more)


@pytest.mark.parametrize("details", [None, FULL])
def test_what_is_remembered_equals_what_was_validated(
    state: State, validations: list[str], details: str | None
) -> None:
    first, again = load(state, details=details), load(state, details=details)
    assert validations == ["v1.0.0"]
    assert again == first
    assert again.data == first.data
    assert (again.version_of("run-a-001"), again.model_card) == (first.version_of("run-a-001"), first.model_card)


def test_the_same_files_are_the_same_configuration_at_every_revision(state: State, validations: list[str]) -> None:
    load(state)
    assert load(state, label="v2.0.0").label == "v2.0.0"
    assert validations == ["v1.0.0"]


def test_any_change_is_validated_again(state: State, validations: list[str]) -> None:
    load(state)
    assert load(state, main=MAIN.replace("bert", "gpt")).models[0].repo == "me/gpt"
    assert load(state, details=FULL.replace("0.5", "2")).settings.upload.retry_delay == 2
    assert load(state, details=None).settings.upload.retry_delay == 5
    assert load(state, environ={"HFVER_RETRY_DELAY": "7"}).settings.upload.retry_delay == 7
    assert load(state, options={"settings.upload.retry_delay": 8.0}).settings.upload.retry_delay == 8
    assert load(state).settings.upload.retry_delay == 0.5
    assert len(validations) == 6


def test_a_changed_program_validates_again(
    state: State, validations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(state)
    monkeypatch.setattr("hfver.config.memory.__version__", "999.0.0")
    load(state)
    assert len(validations) == 2


def test_another_detailed_file_of_the_same_bytes_is_not_mistaken_for_it(state: State, validations: list[str]) -> None:
    main = MAIN.replace("huggingface:\n", "huggingface:\n  config_file: other.yaml\n")
    files = {"config.yaml": main.encode(), "other.yaml": FULL.encode()}
    for _ in range(2):
        config = load_revision(files.get, environ={}, label="v1.0.0", memory=state)
        assert config.user.username == "me"
    assert len(validations) == 1
    files[DETAILS] = files.pop("other.yaml")
    with pytest.raises(InvalidConfigError, match=r"other\.yaml does not exist"):
        load_revision(files.get, environ={}, label="v1.0.0", memory=state)


def test_mistakes_are_never_remembered(state: State, validations: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(InvalidConfigError, match="unknown key"):
            load(state, details="colour: red\n")
    assert len(validations) == 2


def test_an_address_from_the_environment_is_not_written_down(state: State, tmp_path: Path) -> None:
    secret = "https://chat.example/T0/secret"
    for _ in range(2):
        assert load(state, environ={"HFVER_WEBHOOK_URL": secret}).notifications.webhook_url == secret
    state.close()
    assert all(b"chat.example" not in path.read_bytes() for path in tmp_path.iterdir())


def test_data_that_json_would_change_is_read_again(state: State, validations: list[str]) -> None:
    main = MAIN + "trained: 2026-01-01\n"
    assert load(state, main=main).data["trained"] == load(state, main=main).data["trained"]
    assert len(validations) == 2


def test_only_the_newest_are_kept(state: State, validations: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfver.state._KEPT_CONFIGS", 2)
    mains = [MAIN.replace("0.1", f"0.{number}") for number in range(2, 6)]
    for main in (*mains, mains[-1], mains[-2]):
        load(state, main=main)
    assert len(validations) == 4
    load(state, main=mains[0])
    assert len(validations) == 5


def test_a_row_that_cannot_be_read_is_validated_again(state: State, tmp_path: Path, validations: list[str]) -> None:
    load(state)
    with state._db:
        state._db.execute("UPDATE config SET body = '{\"main_file\":'")
    assert load(state).models[0].repo == "me/bert"
    assert len(validations) == 2


@given(data=st.dictionaries(st.text("ab"), st.one_of(st.none(), st.booleans(), st.floats(), st.text("xyz"))))
def test_whatever_a_section_holds_survives(data: dict[str, Any]) -> None:
    from hfver.config.values import Values, _frozen, as_data

    assert repr(_frozen(as_data(Values(data)))) == repr(Values(data))


def test_a_section_cannot_be_changed(state: State) -> None:
    config = load(state)
    with pytest.raises(AttributeError, match="username"):
        config.user.username = "you"


def test_a_remembered_configuration_needs_neither_the_validating_library_nor_the_yaml_one(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(MAIN)
    state = State(tmp_path / "state.db")
    first = load_workspace(tmp_path, environ={}, memory=state)
    state.close()
    program = f"""
import sys
from pathlib import Path
from hfver.config.load import load_workspace
from hfver.state import State
config = load_workspace(Path({str(tmp_path)!r}), environ={{}}, memory=State(Path({str(tmp_path / "state.db")!r})))
assert config.models[0].repo == {first.models[0].repo!r}
print(sorted({{"pydantic", "yaml"}} & set(sys.modules)))
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
