"""Refusals as the Hub client understands them: a status, an ``X-Error-Code``, a message and a JSON object as body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import Response


class HubError(Exception):
    """An answer other than success. `code` is what the client maps to an exception class; see `hf_raise_for_status`."""

    def __init__(
        self, status: int, code: str | None, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> Response:
        from starlette.responses import Response

        headers = {"X-Error-Message": header_text(self.message), **self.headers}
        if self.code is not None:
            headers["X-Error-Code"] = self.code
        body = json.dumps({"error": self.message}).encode()
        return Response(body, status_code=self.status, headers=headers, media_type="application/json")


class MovedError(Exception):
    """The repo lives at another address now; the client repeats the request there, body and all."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location

    def response(self) -> Response:
        from starlette.responses import Response

        return Response(status_code=307, headers={"Location": self.location})


def header_text(text: str) -> str:
    """One line of visible ASCII: header values may hold nothing else, and file names may be anything."""
    line = " ".join(text.split()).encode("ascii", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line[:1000])


def bad_request(message: str) -> HubError:
    return HubError(400, None, message)


def invalid_token() -> HubError:
    return HubError(401, None, "Invalid credentials in Authorization header")


def token_required() -> HubError:
    return HubError(401, None, "This needs a token of this hub: `hfver hub token` prints it.")


def forbidden(message: str) -> HubError:
    return HubError(403, None, message)


def repo_not_found(label: str, *, status: int = 404) -> HubError:
    return HubError(status, "RepoNotFound", f"Repository not found: {label}")


def revision_not_found(revision: str) -> HubError:
    return HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")


def entry_not_found(path: str, *, commit: str | None = None) -> HubError:
    return HubError(
        404, "EntryNotFound", f"Entry not found: {path}", headers={"X-Repo-Commit": commit} if commit else {}
    )


def conflict(message: str) -> HubError:
    return HubError(409, None, message)


def too_large(limit: int) -> HubError:
    return HubError(413, None, f"The request body is larger than the {limit} bytes accepted here.")


def not_offered(what: str) -> HubError:
    return HubError(501, None, f"The embedded hub does not offer {what}.")
