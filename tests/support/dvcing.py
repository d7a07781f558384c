"""Repositories with DVC for tests: built once per run, copied per test."""

from __future__ import annotations

import hashlib
import json
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path

from dvc.repo import Repo

from tests.support.gitting import commit, git, new_repo


def write_files(root: Path, files: Mapping[str, bytes | str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def new_dvc_repo(path: Path) -> Path:
    new_repo(path)
    with Repo.init(str(path)):
        pass
    commit(path, "Set up DVC")
    return path


def dvc_add(root: Path, *paths: str) -> None:
    with Repo(str(root)) as repo:
        repo.add([str(root / path) for path in paths])


def dvc_push(root: Path) -> None:
    with Repo(str(root)) as repo:
        repo.push()


def add_remote(root: Path, storage: Path, name: str = "storage") -> None:
    """A default DVC remote, by a path relative to ``.dvc`` as teams with a shared disk write it."""
    relative = os.path.relpath(storage, root / ".dvc")
    (root / ".dvc" / "config").write_text(f"[core]\n    remote = {name}\n['remote \"{name}\"']\n    url = {relative}\n")


def train(root: Path, files: Mapping[str, bytes | str], tag: str | None = None, path: str = "model") -> str:
    """Replace the model by these files, track it, commit, and tag if asked."""
    import shutil

    shutil.rmtree(root / path, ignore_errors=True)
    write_files(root / path, files)
    dvc_add(root, path)
    made = commit(root, f"Train {tag or path}")
    if tag:
        git(root, "tag", "-a", tag, "-m", f"Release {tag}")
    return made


def put_object(cache: Path, content: bytes, md5: str | None = None, suffix: str = "", *, legacy: bool = False) -> str:
    """Store content in a cache under its md5, or under one that is claimed for it."""
    oid = (md5 or hashlib.md5(content).hexdigest()) + suffix
    path = (cache if legacy else cache / "files" / "md5") / oid[:2] / oid[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o444)
    return oid


def build_every_kind(root: Path) -> Path:
    """A repository with every kind of pointer DVC knows, all stages run, everything committed and tagged ``every``."""
    new_dvc_repo(root)
    write_files(
        root / "model", {"config.json": "{}", "weights/a b.bin": b"\0\1" * 500, "词表.txt": "字\n", "empty": ""}
    )
    write_files(root, {"single.sh": "#!/bin/sh\n", "data/deep/er.bin": b"deeper", "params.yaml": "where: elsewhere\n"})
    (root / "single.sh").chmod(0o755)
    dvc_add(root, "model", "single.sh", "data/deep/er.bin")
    _write_pipelines(root)
    with Repo(str(root)) as repo:
        repo.reproduce(all_pipelines=True)
    _make_stale(root)
    _write_by_hand(root)
    commit(root, "Every kind of pointer")
    git(root, "tag", "every")
    return root


def _write_pipelines(root: Path) -> None:
    write_files(root, {"dvc.yaml": textwrap.dedent("""\
        stages:
          plain:
            cmd: mkdir -p out && echo plain > out/o.bin && echo 1 > m.json && echo 2 > kept.csv && echo x > private.bin
            outs:
              - out
              - private.bin: {push: false, persist: true}
            metrics:
              - m.json: {cache: false}
            plots:
              - kept.csv
          each:
            foreach: [one, two words]
            do:
              cmd: mkdir -p each && echo ${item} > "each/${item}.bin"
              outs: ["each/${item}.bin"]
          numbers:
            foreach: [0.10, 7]
            do:
              cmd: echo ${item} > n-${item}.bin
              outs: ["n-${item}.bin": {cache: false}]
          mapped:
            foreach: {left: {size: 1}, right: {size: 2}}
            do:
              cmd: echo ${item.size} > ${key}-${item.size}.bin
              outs: ["${key}-${item.size}.bin"]
          grid:
            matrix: {a: [x, y], b: [{deep: 1}, {deep: 2}]}
            cmd: echo ${item.a} > grid-${item.a}-${item.b.deep}.bin
            outs: ["grid-${item.a}-${item.b.deep}.bin"]
          templated:
            wdir: ${where}
            cmd: echo t > t.bin
            outs: [t.bin]
        """)})  # fmt: skip
    (root / "elsewhere").mkdir()
    (root / "far").mkdir()
    write_files(root / "sub" / "pipe", {"dvc.yaml": textwrap.dedent("""\
        stages:
          moved:
            wdir: ../../far
            cmd: echo far > o.bin
            outs: [o.bin]
        """)})  # fmt: skip


def _make_stale(root: Path) -> None:
    """Stages and outputs that stay in the lock although dvc.yaml no longer has them."""
    lock = (root / "dvc.lock").read_text()
    stale = textwrap.indent(textwrap.dedent("""\
        gone:
          cmd: echo gone
          outs:
          - {path: gone.bin, hash: md5, md5: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1, size: 1}
        each@three:
          cmd: echo three
          outs:
          - {path: each/three.bin, hash: md5, md5: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2, size: 1}
        """), "  ")  # fmt: skip
    (root / "dvc.lock").write_text(lock.replace("stages:\n", "stages:\n" + stale))


def _write_by_hand(root: Path) -> None:
    cache = root / ".dvc" / "cache"
    text, unix = b"one\r\ntwo\r\n", b"one\ntwo\n"
    old = put_object(cache, text, hashlib.md5(unix).hexdigest(), legacy=True)
    inner = put_object(cache, b"in old", legacy=True)
    listing = json.dumps([{"md5": inner, "relpath": "sub/in"}]).encode()
    old_dir = put_object(cache, listing, suffix=".dir", legacy=True)
    cloud = [put_object(cache, content) for content in (b"cloud one", b"cloud two")]
    write_files(root, {
        "old.txt": text,
        "olddir/sub/in": "in old",
        "cloudy/a": "cloud one",
        "cloudy/b/c": "cloud two",
        "old.txt.dvc": f"outs:\n- md5: {old}\n  size: {len(text)}\n  path: old.txt\n",
        "olddir.dvc": f"outs:\n- md5: {old_dir}\n  size: 6\n  nfiles: 1\n  path: olddir\n",
        "cloudy.dvc": "outs:\n- hash: md5\n  path: cloudy\n  files:\n" + "".join(
            f"  - relpath: {name}\n    md5: {md5}\n    size: 9\n"
            f"    cloud:\n      s3:\n        etag: etag-{name[0]}\n        version_id: v{name[0]}\n"
            for name, md5 in zip(("a", "b/c"), cloud, strict=True)
        ),
        "imported.bin.dvc": textwrap.dedent(f"""\
            frozen: true
            deps:
            - path: data.bin
              repo:
                url: https://example.org/data.git
                rev_lock: {"a" * 40}
            outs:
            - md5: {cloud[0]}
              size: 9
              hash: md5
              path: imported.bin
            """),
        "described.dvc": textwrap.dedent(f"""\
            desc: by hand
            wdir: data
            outs:
            - path: hand.bin
              md5: '{cloud[1]}'
              size: 9
              hash: md5
              remote: other
              push: false
            """),
        "pending.bin.dvc": "deps:\n- path: https://example.org/x.bin\nfrozen: true\nouts:\n- path: pending.bin\n"
        "  hash: md5\n",
    })  # fmt: skip
    for ignored in ("old.txt", "olddir", "cloudy", "imported.bin", "data/hand.bin", "pending.bin"):
        with (root / ".gitignore").open("a") as file:
            file.write(f"/{ignored}\n")
