"""``--model-only``: the pointer file of the work tree follows, so that git and DVC agree on what stands there."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfver.beneath import Beneath
from hfver.errors import StateError
from hfver.leftovers import sweep_once
from hfver.model import OutputPointer
from hfver.outputs.pointers import join_path, load_mapping, parse_dvc_file
from hfver.outputs.resolve import Tree, resolve_pointer

if TYPE_CHECKING:
    from ruamel.yaml import YAML


def check_pointer(now: Tree, pointer: OutputPointer) -> None:
    """Raise when the work tree tracks the output by other means than the version does."""
    current = resolve_pointer(now, pointer.path)
    if (current.pointer_file, current.stage, current.path) != (pointer.pointer_file, pointer.stage, pointer.path):
        raise StateError(
            f"{pointer.path} is tracked by {_named(current)} in the workspace and by {_named(pointer)} in that version",
            hints=["hfver checkout VERSION    (without --model-only)"],
        )


def update_pointer(top: Path, now: Tree, then: Tree, pointer: OutputPointer) -> bool:
    """Make the pointer file say what ``then`` says of this output; False when it does already."""
    name = pointer.pointer_file
    sweep_once(str((top / name).parent))
    old, new = now.read(name), then.read(name)
    assert new is not None
    if old is None:
        raise StateError(f"{name} is not in the workspace", hints=[f"git restore {name}"])
    is_whole_file = pointer.stage is None and len(parse_dvc_file(new, name)) == 1
    content = new if is_whole_file else _with_entry(old, new, pointer)
    if content == old:
        return False
    with Beneath(str(top)) as below:
        below.write(name, content)
    return True


def _with_entry(old: bytes, new: bytes, pointer: OutputPointer) -> bytes:
    """The old file with only this output's entry taken from the new one; comments and order are kept."""
    for content in (old, new):  # which says what must not be loaded
        load_mapping(content, pointer.pointer_file)
    yaml = _round_trip()
    target, source = yaml.load(old), yaml.load(new)
    if pointer.stage is not None:
        if target["stages"].get(pointer.stage) == source["stages"][pointer.stage]:
            return old
        target["stages"][pointer.stage] = source["stages"][pointer.stage]
    else:
        [new_entry] = [out for out in source["outs"] if _place(source, out, pointer) == pointer.path]
        at = [_place(target, out, pointer) for out in target["outs"]].index(pointer.path)
        if target["outs"][at] == new_entry:
            return old
        target["outs"][at] = new_entry
    stream = io.BytesIO()
    yaml.dump(target, stream)
    return stream.getvalue()


def _place(data: Mapping[str, Any], out: Mapping[str, Any], pointer: OutputPointer) -> str | None:
    base = join_path(posixpath.dirname(pointer.pointer_file), str(data.get("wdir") or "."))
    return None if base is None else join_path(base, str(out["path"]))


def _round_trip() -> YAML | Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    return yaml


def _named(pointer: OutputPointer) -> str:
    return f"stage {pointer.stage} of {pointer.pointer_file}" if pointer.stage else pointer.pointer_file
