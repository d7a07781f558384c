"""No secret in any text."""

from __future__ import annotations

import pytest

from hfver.redact import redact

TOKEN = "hf_" + "aB3" * 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"401 for {TOKEN}!", "401 for [hidden]!"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer [hidden]"),
        ("authorization='Bearer abc.def'", "authorization='Bearer [hidden]'"),
        ("https://ann:hunter2@host/x y", "https://host/x y"),
        ("hf_hub_download and hf_xet stay", "hf_hub_download and hf_xet stay"),
    ],
)
def test_secrets_leave_a_text(text: str, expected: str) -> None:
    assert redact(text) == expected
