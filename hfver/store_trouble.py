"""The embedded hub cannot use its store: told as our own errors, wherever that was met.

Without this a damaged file on this disk would look like a Hub that is busy or away, to be asked again for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hfver.errors import HfverError, IntegrityError, NoSpaceError, StateError, UnreachableError


class DamagedHubError(IntegrityError):
    """Nothing that is in the embedded hub can be had before its store is mended."""


# By the code that the embedded hub puts beside the status of its answers.
_FAMILIES: Mapping[str, type[HfverError]] = {
    "StoreBusy": UnreachableError,
    "StoreDamaged": DamagedHubError,
    "StoreFull": NoSpaceError,
    "StoreUnusable": StateError,
}
_WAY_OUT = "; the way out: "


def error_of_answer(code: str, message: str, *, ours: bool) -> HfverError | None:
    """What an answer of a hub says about its store; None when it says nothing about that.

    ``ours``: it is the hub of this process. Only then is the way out shown as our own advice.
    """
    family = _FAMILIES.get(code)
    if family is None:
        return None
    problem, found, mend = message.rpartition(_WAY_OUT)
    return family(problem, hints=[mend]) if ours and found else family(message)


@contextmanager
def told_of_store() -> Iterator[None]:
    """For who opens the store in this process."""
    from hfver.local_hub.store_errors import BusyStoreError, StoreError

    try:
        yield
    except BusyStoreError as error:
        raise StateError(str(error), hints=[error.mend]) from error
    except StoreError as error:
        raise _FAMILIES[error.code](str(error), hints=[error.mend]) from error
