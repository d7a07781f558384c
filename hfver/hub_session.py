"""Opens the Hub a project uses, with the token that may be sent there.

``endpoint: embedded`` starts the embedded hub in this process for as long as the session lasts. Heavy: imported by
commands that talk to a Hub, inside their functions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from hfver import __version__
from hfver.errors import StateError
from hfver.hub_state import EMBEDDED
from hfver.secret_values import KNOWN

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient
    from hfver.hub_view import HubReader
    from hfver.local_hub.serve import EmbeddedHub


# hf_xet reads eight files at once, 8 MB at a time, and holds up to 64 MB of each stream in flight: 1 GB of memory for a
# gigabyte in 20 files, 2.4 GB for 4 GB. One file at a time in smaller pieces and two transfers take 340 to 470 MB and
# cost no CPU; whoever sets these wins.
_BOUNDED_UPLOADS = {
    "HF_XET_DATA_INGESTION_BLOCK_SIZE": "1000000",
    "HF_XET_DATA_MAX_CONCURRENT_FILE_INGESTION": "1",
    "HF_XET_CLIENT_AC_INITIAL_UPLOAD_CONCURRENCY": "2",
    "HF_XET_CLIENT_AC_MAX_UPLOAD_CONCURRENCY": "2",
}


@contextmanager
def open_hub(
    endpoint: str, environ: Mapping[str, str], *, writes: bool = False, progress_bars: bool = False
) -> Iterator[HubClient]:
    """A client for ``endpoint``: ``embedded`` or a URL.

    A token goes only where the user said it may. Without one reading public repositories still works; with ``writes``
    UnauthorisedError says why there is none and what to do about it.
    """
    if endpoint == EMBEDDED:
        with _embedded_hub() as hub:
            yield _client_of(hub, progress_bars=progress_bars)
        return
    from hfver.trust import no_token_error, resolve_token

    token = resolve_token(endpoint, environ)
    if writes and token is None:
        raise no_token_error(endpoint, environ)
    yield _client(endpoint, token, progress_bars=progress_bars)


@contextmanager
def open_listing(endpoint: str, environ: Mapping[str, str]) -> Iterator[HubReader]:
    """For who mostly lists refs: the client, which takes longer to import than that takes, is there when it is needed.

    The same token rules as ``open_hub``.
    """
    from hfver.adapters.hub_listing import HubListing

    agent = f"hfver/{__version__}"
    if endpoint == EMBEDDED:
        with _embedded_hub() as hub:
            yield HubListing(
                hub.endpoint, hub.token, lambda: _client_of(hub, progress_bars=False), agent=agent, place=EMBEDDED
            )
        return
    from hfver.trust import resolve_token

    token = resolve_token(endpoint, environ)
    yield HubListing(
        endpoint, token, lambda: _client(endpoint, token, progress_bars=False), agent=agent, place=endpoint
    )


@contextmanager
def _embedded_hub() -> Iterator[EmbeddedHub]:
    # Read by the client when it is imported: nothing about a local hub is to leave this machine, and no proxy is to
    # stand between two ends of the loopback device.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    bypass = [part for part in os.environ.get("NO_PROXY", "").split(",") if part]
    if "127.0.0.1" not in bypass:
        os.environ["NO_PROXY"] = ",".join([*bypass, "127.0.0.1"])
    from hfver.local_hub.errors import HubError
    from hfver.local_hub.serve import EmbeddedHub
    from hfver.store_trouble import told_of_store

    with ExitStack() as opened:
        try:
            with told_of_store():
                hub = opened.enter_context(EmbeddedHub())
        except HubError as error:  # another process holds it and stands still
            raise StateError(f"the embedded hub cannot be opened: {error.message}") from error
        KNOWN.add(hub.token)
        yield hub


def _client_of(hub: EmbeddedHub, *, progress_bars: bool) -> HubClient:
    return _client(hub.endpoint, hub.token, progress_bars=progress_bars, address=hub.usual_endpoint)


def _client(endpoint: str, token: str | None, *, progress_bars: bool, address: str | None = None) -> HubClient:
    """``address`` is where an embedded hub can be found when this command is done."""
    for name, value in _BOUNDED_UPLOADS.items():
        os.environ.setdefault(name, value)
    from hfver.adapters.hub_client import HubClient, quieten

    quieten(progress_bars=progress_bars)
    place = EMBEDDED if address is not None else endpoint
    return HubClient(endpoint, token, library_version=__version__, place=place, address=address)
