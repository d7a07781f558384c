"""The secrets this process was given, kept so that none of them can leave it in a text.

A secret that has a known form (``hf_…``) can be seen in any text. The token of a self-hosted Hub, a password or the key
of a DVC remote cannot: it is known by its value alone. Whoever takes one in says so here, and ``hfver.redact`` looks
for it: as it is, percent-encoded, escaped as in JSON, HTML or a ``repr``, and inside base64 (Basic authorization).

What is known belongs to the process, not to a caller: the text that gives a secret away is put together far from where
the secret was read. Standard library only, and cheap: hooks import it.
"""

from __future__ import annotations

import binascii
import os
import re
from collections.abc import Mapping
from functools import cache

_SHORTEST = 4
_ANYWHERE = 8  # a shorter value is hidden as a whole word only: within other words it stands by chance
_NO_WORD = 16  # letters alone, or digits alone, are as likely a word or a number of their own up to here
# How the names of variables and options end that hold secrets, DVC's for its remotes among them.
_NAMES = (
    "token", "secret", "password", "passwd", "passphrase", "credentials", "access_key", "secret_key", "api_key",
    "apikey", "account_key", "storage_key", "private_key", "access_key_id", "key_id", "key_secret", "connection_string",
)  # fmt: skip
# The address of a webhook is its password: it may come from the environment so that it is written nowhere.
_ADDRESS = "HFVER_WEBHOOK_URL"
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_UNCHANGED = re.compile(r"[A-Za-z0-9_]+")  # by any way of spelling
_LETTERS = {"\t": "t", "\n": "n", "\r": "r", "\b": "b", "\f": "f"}


class SecretValues:
    """A growing set of secrets, and the text without them."""

    def __init__(self) -> None:
        # By value: what every spelling of it holds, so that a text without that need not be searched with patterns.
        self._marks: dict[str, tuple[str, ...]] = {}

    def add(self, value: str | None) -> None:
        """Know one; without the white space around it, which is not sent either. What is too short stays unknown."""
        value = (value or "").strip()
        if value not in self._marks and _is_worth_hiding(value):
            # A new mapping, the longest value first: another thread may be going through the old one.
            marks = {**self._marks, value: _marks(value)}
            self._marks = dict(sorted(marks.items(), key=lambda item: len(item[0]), reverse=True))

    def add_address(self, url: str) -> None:
        """Know the password in an address, or the name that stands there without one and is a token."""
        _, separator, rest = url.partition("://")
        user, at, _ = rest.partition("/")[0].rpartition("@")
        if not separator or not at:
            return
        name, colon, password = user.partition(":")
        secret = password if colon else name if len(name) >= _NO_WORD else ""
        self.add(secret)
        self.add(_unquoted(secret))

    def add_named(self, named: Mapping[str, str]) -> None:
        """Know what variables or options hold whose names say that it is secret, and passwords in addresses."""
        for name, value in named.items():
            if "://" in value and "@" in value:
                self.add_address(value)
            if name.lower().endswith(_NAMES) and not _is_file(value):
                self.add(value)
            elif name == _ADDRESS:
                self.add(value)
                path = value.partition("://")[2].partition("/")[2]
                self.add(path if len(path) >= _NO_WORD else "")

    def replaced(self, text: str, by: str) -> str:
        """The text with ``by`` in the place of every secret."""
        there = [value for value, marks in self._marks.items() if any(map(text.__contains__, marks))]
        return _pattern(tuple(there)).sub(lambda _found: by, text) if there else text


KNOWN = SecretValues()


def _is_worth_hiding(value: str) -> bool:
    if len(value) < _SHORTEST:
        return False
    # "test", "none" and "1234" stand in any text, whoever takes them for a token.
    return len(value) >= _ANYWHERE or not _is_word(value)


def _is_word(value: str) -> bool:
    return value.isalpha() or value.isdigit()


def _is_file(value: str) -> bool:
    """Variables such as GOOGLE_APPLICATION_CREDENTIALS say where a secret is."""
    return value.startswith("/") and os.path.exists(value)  # noqa: PTH110 (Path.exists raises for what is no path)


def _unquoted(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _marks(value: str) -> tuple[str, ...]:
    """Texts one of which is in every text that spells the value; "", which is in all, where there is none."""
    return tuple(max(_UNCHANGED.findall(core) or [""], key=len) for core in (value, *_in_base64(value)))


@cache
def _pattern(values: tuple[str, ...]) -> re.Pattern[str]:
    plain = [_spelt(value) for value in values]
    encoded = [_spelt_base64(core) for value in values for core in _in_base64(value)]
    return re.compile("|".join([*plain, *encoded]))


def _spelt(value: str) -> str:
    spelt = "".join(map(_spelt_character, value))
    is_word = len(value) < _ANYWHERE or (len(value) < _NO_WORD and _is_word(value))
    return rf"(?<!\w){spelt}(?!\w)" if is_word else spelt


def _spelt_character(character: str) -> str:
    """The character in every way a text may spell it. Letters and digits are never escaped."""
    if _UNCHANGED.fullmatch(character):
        return character
    code, raw = ord(character), character.encode("utf-8", "surrogatepass")
    escaped = [f"x{code:02x}"] if code < 0x100 else []
    escaped += [f"u{code:04x}"] if code < 0x10000 else [f"U{code:08x}", _surrogates(code)]
    escaped += [_LETTERS[character]] if character in _LETTERS else []
    ways = [
        r"\\++" + ("" if character == "\\" else re.escape(character)),
        re.escape(character),
        *(rf"\\++(?i:{text})" for text in escaped),
        "(?i:" + "".join(f"%{byte:02x}" for byte in raw) + ")",
        rf"&#(?:{code}|(?i:x0*{code:x}));",
    ]
    if len(raw) > 1:  # the repr of bytes
        ways.append("".join(rf"\\++(?i:x{byte:02x})" for byte in raw))
    if character == " ":
        ways.append(r"\+")
    if character in _ENTITIES:
        ways.append(f"&{_ENTITIES[character]};")
    return f"(?:{'|'.join(ways)})"


def _surrogates(code: int) -> str:
    high, low = divmod(code - 0x10000, 0x400)
    return rf"u{0xD800 + high:04x}\\++u{0xDC00 + low:04x}"


def _in_base64(value: str) -> list[str]:
    """What the value comes out as inside a longer text: three ways, by how many bytes stand before it."""
    if len(value) < _ANYWHERE:
        return []
    raw = value.encode("utf-8", "surrogatepass")
    found = []
    for before in range(3):
        encoded = binascii.b2a_base64(bytes(before) + raw, newline=False).decode("ascii")
        first = (0, 2, 3)[before]  # the bytes before it change characters up to here
        last = (before + len(raw)) * 8 // 6  # the bytes behind it change those from here on
        found.append(encoded[first:last])
    return found


def _spelt_base64(core: str) -> str:
    spelt = core.replace("+", r"(?:[+-]|%2[bB])").replace("/", r"(?:[/_]|%2[fF])")
    return spelt + r"[A-Za-z0-9+/_=-]*"
