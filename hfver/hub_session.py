"""Opens the Hub a project uses, with the token that may be sent there.

``endpoint: embedded`` starts the embedded hub in this process for as long as the session lasts. Heavy: imported by
commands that talk to a Hub, inside their functions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hfver import __version__

if TYPE_CHECKING:
    from hfver.adapters.hub_client import HubClient

EMBEDDED = "embedded"

# hf_xet reads eight files at once and holds up to 64 MB of each stream in flight: more than 800 MB for a model in many
# files. One file at a time and two transfers keep it below 400 MB and cost no CPU; whoever sets these wins.
_BOUNDED_UPLOADS = {
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
    for name, value in _BOUNDED_UPLOADS.items():
        os.environ.setdefault(name, value)
    if endpoint == EMBEDDED:
        with _embedded(progress_bars=progress_bars) as client:
            yield client
        return
    from hfver.trust import no_token_error, resolve_token

    token = resolve_token(endpoint, environ)
    if writes and token is None:
        raise no_token_error(endpoint, environ)
    from hfver.adapters.hub_client import HubClient, quieten

    quieten(progress_bars=progress_bars)
    yield HubClient(endpoint, token, library_version=__version__)


@contextmanager
def _embedded(*, progress_bars: bool) -> Iterator[HubClient]:
    # Read by the client when it is imported: nothing about a local hub is to leave this machine, and no proxy is to
    # stand between two ends of the loopback device.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    bypass = [part for part in os.environ.get("NO_PROXY", "").split(",") if part]
    if "127.0.0.1" not in bypass:
        os.environ["NO_PROXY"] = ",".join([*bypass, "127.0.0.1"])
    from hfver.adapters.hub_client import HubClient, quieten
    from hfver.local_hub.serve import EmbeddedHub

    quieten(progress_bars=progress_bars)
    with EmbeddedHub() as hub:
        yield HubClient(hub.endpoint, hub.token, library_version=__version__, embedded=True, address=hub.usual_endpoint)
