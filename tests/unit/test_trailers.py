from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hfver.trailers import MAX_TITLE, Trailers, parse_trailers, render_trailers, title_of

words = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1)


@given(st.builds(Trailers, tag=words, tree=words, commit=st.none() | words, configs_revision=st.none() | words))
def test_trailers_survive_writing_and_reading(trailers: Trailers) -> None:
    assert parse_trailers(render_trailers(trailers)) == trailers


def test_a_commit_without_trailers_is_no_release() -> None:
    assert parse_trailers("Update README.md") is None
    assert parse_trailers("Git-Commit: abc") is None


def test_a_title_is_one_printable_line() -> None:
    assert title_of("v1.0.0", "Better\ntokenizer\x1b[31m") == "v1.0.0: Better tokenizer [31m"
    assert title_of("v1.0.0", "") == "v1.0.0"
    assert len(title_of("v1.0.0", "x" * 500)) == MAX_TITLE
