"""Trying again what the Hub could not do just now."""

from __future__ import annotations

import pytest

from hfver.errors import StateError, UnreachableError
from hfver.retries import LONGEST_PAUSE, patiently


class Flaky:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def attempt(operation: Flaky, *, retries: int, delay: float = 2) -> tuple[str, list[float]]:
    pauses: list[float] = []
    return patiently(operation, retries=retries, delay=delay, sleep=pauses.append), pauses


def busy(after: float | None = None) -> UnreachableError:
    return UnreachableError("busy", retry_after=after)


def test_pauses_double_and_retry_after_is_honoured() -> None:
    assert attempt(Flaky(busy(), busy(), busy(7), busy()), retries=4) == ("done", [2, 4, 7, 16])


def test_as_often_as_configured_and_not_more() -> None:
    flaky = Flaky(*[busy() for _ in range(9)])
    with pytest.raises(UnreachableError):
        attempt(flaky, retries=3)
    assert flaky.calls == 4
    with pytest.raises(UnreachableError):
        attempt(Flaky(busy()), retries=0)


def test_other_errors_are_not_tried_again() -> None:
    flaky = Flaky(StateError("wrong"))
    with pytest.raises(StateError):
        attempt(flaky, retries=3)
    assert flaky.calls == 1


def test_a_hub_that_asks_for_hours_is_asked_again_by_the_next_command() -> None:
    flaky = Flaky(busy(LONGEST_PAUSE + 1))
    with pytest.raises(UnreachableError):
        attempt(flaky, retries=3)
    assert flaky.calls == 1
