"""The refs of a repository by one small request, without the Hub client: importing it takes longer than the request.

The client is made as soon as anything else is asked, and whenever the answer is not the expected one: refusals,
redirects, proxies, broken connections and offline mode are the client's to deal with and to put into words.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hfver.hub_state import HubCommit, HubRefs

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient

log = logging.getLogger(__name__)
_PATIENCE = 5.0  # seconds; the client waits longer
_LARGEST = 64 * 1024 * 1024
_TRUE = frozenset({"1", "ON", "YES", "TRUE"})  # as the client reads its variables


class HubListing:
    """Reads a Hub, as ``hub_view.HubReader``; ``make_client`` is called when it is needed."""

    def __init__(
        self, endpoint: str, token: str | None, make_client: Callable[[], HubClient], *, agent: str, place: str
    ) -> None:
        self.place = place
        self._endpoint, self._make_client = endpoint.rstrip("/"), make_client
        self._headers = {"User-Agent": agent, "Accept": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    @cached_property
    def _client(self) -> HubClient:
        return self._make_client()

    def refs(self, repo: str, *, repo_type: str = "model") -> HubRefs | None:
        """Branches and tags, or None when there is no such repository."""
        found = self._listed(f"/api/{repo_type}s/{repo}/refs") if "_client" not in self.__dict__ else None
        return found or self._client.refs(repo, repo_type=repo_type)

    def commits(self, repo: str, revision: str, *, until: Callable[[str], bool]) -> list[HubCommit]:
        return self._client.commits(repo, revision, until=until)

    def read(self, repo: str, revision: str, path: str, *, limit: int) -> bytes | None:
        return self._client.read(repo, revision, path, limit=limit)

    def _listed(self, path: str) -> HubRefs | None:
        """What the Hub says, None when that takes the client."""
        place = urlsplit(self._endpoint)
        if place.hostname is None or _is_offline() or _has_proxy(place.scheme, place.hostname):
            return None
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        try:
            with closing(kind(place.hostname, place.port, timeout=_PATIENCE)) as connection:
                connection.request("GET", place.path + path, headers=self._headers)
                answer = connection.getresponse()
                if answer.status != http.client.OK:  # a redirect, too: it must not get the token
                    return None
                return _refs(json.loads(answer.read(_LARGEST)))
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, RecursionError) as error:
            log.debug("%s: asked again with the client: %s", path, type(error).__name__)
            return None


def _refs(body: Any) -> HubRefs:
    return HubRefs(
        branches={str(ref["name"]): str(ref["targetCommit"]) for ref in body["branches"]},
        tags={str(ref["name"]): str(ref["targetCommit"]) for ref in body["tags"]},
    )


def _is_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE


def _has_proxy(scheme: str, host: str) -> bool:
    """Whether the environment or the system puts a proxy between us and the host."""
    named = any(name.lower().endswith("_proxy") and name.lower() != "no_proxy" for name in os.environ)
    if not named and sys.platform not in ("darwin", "win32"):
        return False
    from urllib.request import getproxies, proxy_bypass

    return bool({scheme, "all"} & getproxies().keys()) and not proxy_bypass(host)
