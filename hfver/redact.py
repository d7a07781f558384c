"""Text without secrets. Everything that leaves the process or is written to disk in words passes here.

Secrets are known by their value (``hfver.secret_values``: what this process was given) and by their form: tokens of
well-known services, authorization headers, user and password in addresses, signatures of presigned addresses (AWS
``X-Amz-…``, Google ``X-Goog-…``, CloudFront and OSS ``Signature``, Azure ``sig``), keys of Azure connection strings.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from hfver.secret_values import KNOWN

# Tokens of the Hub: user and organisation tokens, old and new, and OAuth ones; no names such as hf_raise_for_status.
HUB_TOKEN = re.compile(r"\b(?:hf_(?:oauth_)?|api_org_)(?![a-z]+(?:_[a-z0-9]+)+\b)[A-Za-z0-9._-]{16,}")
HIDDEN = "[hidden]"

_BETWEEN = "\0"
Json = TypeVar("Json")


class _Form(NamedTuple):
    """What secrets of one kind look like.

    ``words``: one of them is in every text in which the pattern can be found. They are looked for first: that takes
    next to nothing, and the pattern is seldom needed.
    """

    words: tuple[str, ...]
    pattern: str  # with (?i) the words are small letters and any case of them will do
    replacement: str | Callable[[re.Match[str]], str] = HIDDEN


def redact(text: str) -> str:
    """The text with every known secret, and everything that has the form of one, replaced by ``[hidden]``.

    User and password in an address are left out without a trace: the address still works.
    """
    known = KNOWN.replaced(text, HIDDEN)
    seen = _without_forms(known)
    # An address that has lost its password may now be one that is itself a secret.
    return known if seen == known else KNOWN.replaced(seen, HIDDEN)


def redact_all(texts: Sequence[str]) -> Sequence[str]:
    """Each of many texts redacted; looked through at once, as there are thousands of them and hardly ever a secret."""
    together = _BETWEEN.join(texts)
    return texts if redact(together) == together else [redact(text) for text in texts]


def redact_json(value: Json) -> Json:
    """A JSON value with its texts, names among them, redacted."""
    texts = list(_texts(value))
    if redact_all(texts) is texts:
        return value
    cleaned: Json = _redacted(value)
    return cleaned


@contextmanager
def redacted_errors() -> Iterator[None]:
    """What is raised in the ``with`` block shows no secret in its traceback either: neither in its message or notes nor
    in those of its causes.

    A cause belongs to whoever raised it, so one that holds a secret is not changed: its redacted text takes its place.
    """
    try:
        yield
    except Exception as error:
        error.args = tuple(redact(item) if isinstance(item, str) else item for item in error.args)
        if hasattr(error, "__notes__"):
            error.__notes__ = [redact(note) for note in error.__notes__]
        _redact_causes(error)
        raise


def _redact_causes(error: BaseException) -> None:
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None:
            return
        shown = "\n".join([f"{type(cause).__name__}: {cause}", *getattr(cause, "__notes__", ())])
        clean = redact(shown)
        if clean != shown:
            harmless = Exception(clean).with_traceback(cause.__traceback__)
            harmless.__cause__, harmless.__context__ = cause.__cause__, cause.__context__
            harmless.__suppress_context__ = cause.__suppress_context__
            if error.__cause__ is cause:
                error.__cause__ = harmless
            error.__context__ = cause = harmless
        error = cause


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(name): _redacted(item) for name, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list) else value


def _without_forms(text: str) -> str:
    lowered = text.lower()
    for form in _FORMS:
        if any(map((lowered if form.pattern.startswith("(?i)") else text).__contains__, form.words)):
            text = re.sub(form.pattern, form.replacement, text)
    return text


def _without_credentials(found: re.Match[str]) -> str:
    """`Basic` and what is user:password in base64; "basic authentication" is two words."""
    try:
        raw = binascii.a2b_base64(found[2].encode("ascii"), strict_mode=True)
    except binascii.Error:
        return found[0]
    return f"{found[1]}{HIDDEN}" if b":" in raw else found[0]


def _without_user(found: re.Match[str]) -> str:
    """`ssh://git@host` needs its user; before any other host a name alone may be a token."""
    is_ssh = found.string.endswith("ssh", 0, found.start())
    user = found[1].partition(":")[0]
    return f"://{user}@" if is_ssh and user else "://"


_KEPT = rf"\g<1>{HIDDEN}"  # what says that a secret follows stays
_VALUE = r"""[^\s'"<>\\,;&]+"""
_QUOTE = r"""\\*['"]?"""
_PARAMETERS = "|".join((
    "token", "access_token", "refresh_token", "id_token", "auth_token", "private_token", "api_?key", "password",
    "passwd", "secret", "client_secret", "signature", "sig", "awsaccesskeyid", "ossaccesskeyid", "googleaccessid",
    "security-token", "x-(?:amz|goog|oss)-(?:signature|credential|security-token)",
))  # fmt: skip
_FIELDS = "|".join((
    "token", "access_?token", "refresh_?token", "id_?token", "session_?token", "client_?secret", "password",
    "secret_?access_?key", "api_?key", "authorization",
))  # fmt: skip
_SHAPES = "|".join((
    "(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS
    "AIza[A-Za-z0-9_-]{35}",  # Google
    "gh[pousr]_[A-Za-z0-9]{30,}", "github_pat_[A-Za-z0-9_]{22,}", "glpat-[A-Za-z0-9_-]{20,}",
    "xox[a-z]-[A-Za-z0-9-]{10,}",  # Slack
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)?",  # JSON web tokens, such as those of Xet
))  # fmt: skip
_FORMS = (
    _Form(("hf_", "api_org_"), HUB_TOKEN.pattern),
    _Form(
        ("authorization",),
        rf"(?i)(\bauthorization\b{_QUOTE}\s*[:=,]\s*b?{_QUOTE}(?:bearer|basic|token|digest)\s+){_VALUE}",
        _KEPT,
    ),
    # "bearer token" and "Bearer realm=" are no tokens.
    _Form(
        ("bearer",),
        rf"""(?i)(\bbearer\s+)(?=[^\s'"]*[\d_~+/]|[^\s'"]{{20}})(?=[^\s'"<>\\,;&]{{8}}){_VALUE}""",
        _KEPT,
    ),
    _Form(("basic",), rf"(?i)(\bbasic\s+)([A-Za-z0-9+/]{{4,}}={{0,2}})(?:{re.escape(HIDDEN)})?", _without_credentials),
    _Form(
        ("token=", "key=", "passw", "secret=", "sig=", "signature=", "id=", "credential=", "%3d"),
        rf"(?i)((?:[?&;]|\\u0026|%26|%3f)(?:{_PARAMETERS})(?:=|%3d))[^\s'\"<>\\&;#]+",
        _KEPT,
    ),
    _Form(
        ("x-amz-", "accountkey", "sharedaccess"),
        r"(?i)\b((?:x-amz-(?:signature|credential|security-token)|accountkey|sharedaccess(?:key|signature))"
        rf"{_QUOTE}\s*[:=]\s*{_QUOTE}){_VALUE}",
        _KEPT,
    ),
    _Form(
        ('token"', "token'", 'secret"', "secret'", 'password"', "password'", 'key"', "key'", 'authorization"'),
        rf"""(?i)((?:"(?:{_FIELDS})"|'(?:{_FIELDS})')\s*:\s*["'])(?=[^\s"'<>\[]{{8}})[^"'\\]+""",
        _KEPT,
    ),
    _Form(
        ("AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "eyJ"),
        rf"\b(?:{_SHAPES})",
    ),
    _Form(
        ("hooks.slack.com/", "/api/webhooks/"),
        r"(hooks\.slack\.com/\w+/|discord(?:app)?\.com/api/webhooks/)[\w/-]+",
        _KEPT,
    ),
    _Form(("PRIVATE KEY-----",), r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)(?s:.*?)(?=-----END|\Z)", _KEPT),
    # Last: what stands before it may be taken out by another form, and then says no more that it is ssh.
    _Form(("://",), r"""://([^\s/?#'"<>\\]*)@""", _without_user),
)
