from __future__ import annotations

import json

from hfver.model import OutputFile
from hfver.outputs.checks import LARGEST_SIZE, RECOMMENDED_SIZE, Findings, check_content


def check(files: dict[str, bytes], *, at_hand: bool = True) -> Findings:
    listed = [OutputFile(path, f"{number:032x}", len(content)) for number, (path, content) in enumerate(files.items())]
    return check_content(listed, lambda file: files[file.path] if at_hand else None)


def sized(path: str, size: int) -> Findings:
    return check_content([OutputFile(path, "0" * 32, size)], lambda _file: None)


def test_an_ordinary_model_has_nothing_wrong() -> None:
    assert check({"model.safetensors": b"x" * 2000, "config.json": b"{}", "empty.txt": b""}) == Findings()


def test_empty_weights_are_an_error() -> None:
    assert check({"model.safetensors": b""}).errors == ("model.safetensors is empty",)


def test_a_pointer_in_place_of_weights_is_an_error() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    (error,) = check({"model.safetensors": pointer}).errors
    assert error == "model.safetensors is a git-lfs pointer, not the weights it points at (git lfs pull)"
    assert check({"notes.txt": pointer}).errors == ()


def test_an_index_must_not_name_shards_that_are_missing() -> None:
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}).encode()
    files = {"w/model.safetensors.index.json": index, "w/model-1.safetensors": b"x" * 2000}
    assert check(files).errors == (
        "w/model.safetensors.index.json names shards that are not there: model-2.safetensors",
    )
    assert check(files | {"w/model-2.safetensors": b"x" * 2000}).errors == ()


def test_an_index_that_cannot_be_read_is_left_to_its_readers() -> None:
    assert check({"model.bin.index.json": b"not json"}).errors == ()
    assert check({"model.bin.index.json": b'{"weight_map": {"a": "x.bin"}}'}, at_hand=False).errors == ()


def test_sizes_beyond_the_hubs_limits_are_named() -> None:
    assert sized("a.gguf", RECOMMENDED_SIZE + 1).warnings
    assert sized("a.gguf", LARGEST_SIZE + 1).errors


def test_pickles_are_a_warning() -> None:
    (warning,) = check({"pytorch_model.bin": b"x" * 2000}).warnings
    assert warning.startswith("pytorch_model.bin: pickled weights can run code")


def test_too_many_large_files_for_one_commit_are_an_error() -> None:
    files = [OutputFile(f"{number}.npy", f"{number:032x}", 20_000_000) for number in range(25_001)]
    (error,) = check_content(files, lambda _file: None).errors
    assert error.startswith("25001 large files; one commit on the Hub takes up to 25000")
