from __future__ import annotations

from pathlib import Path

from hfver.hooks.seen import SeenRefs

V1 = ("refs/tags/v1.2.3", "a" * 40)
V2 = ("refs/tags/v2.0.0", "b" * 64)


def test_known_pairs_are_remembered_with_how(tmp_path: Path) -> None:
    seen = SeenRefs(tmp_path)
    assert not seen.has(*V1)
    seen.add([V1], "existing")
    seen.add([V2], "released")
    assert seen.has(*V1)
    assert not seen.has(V1[0], V2[1])
    assert seen.pairs() == {V1, V2}
    assert seen.pairs("released") == {V2}
    assert seen.released(V2[0]) == {V2[1]}
    assert seen.released(V1[0]) == set()


def test_a_line_cut_off_anywhere_counts_for_nothing_and_spoils_no_later_one(tmp_path: Path) -> None:
    whole = SeenRefs(tmp_path)
    whole.add([V1], "arrived")
    data = whole.path.read_bytes()
    for length in range(1, len(data) - 1):
        whole.path.write_bytes(data[:length])
        assert whole.pairs() == set()
        whole.add([V2], "arrived")
        assert whole.pairs() == {V2}


def test_names_that_are_not_utf_8_are_known_too(tmp_path: Path) -> None:
    strange = (b"refs/tags/v1-\xe9".decode("utf-8", "surrogateescape"), "c" * 40)
    SeenRefs(tmp_path).add([strange], "existing")
    assert SeenRefs(tmp_path).has(*strange)
