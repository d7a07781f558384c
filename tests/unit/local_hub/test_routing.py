"""Addresses lead to their handlers, and what they say arrives decoded."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from hfver.local_hub.errors import HubError
from hfver.local_hub.kinds import RepoKind
from hfver.local_hub.routes.table import ROUTES
from hfver.local_hub.routing import find, load

MODEL, DATASET, SPACE = RepoKind
OF_X_Y = {"ns": "x", "name": "y"}


@pytest.mark.parametrize(
    ("method", "path", "handler", "params"),
    [
        ("GET", "/", "index", {}),
        ("GET", "/api/datasets", "list_repos", {"kind": DATASET}),
        ("GET", "/api/models/x/y", "info", {"kind": MODEL, **OF_X_Y}),
        ("GET", "/api/spaces/x/y/revision/refs%2Fpr%2F1", "info", {"kind": SPACE, **OF_X_Y, "rev": "refs/pr/1"}),
        (
            "GET",
            "/api/models/x/y/tree/a%2Fb/c%2Fd",
            "list_tree",
            {"kind": MODEL, **OF_X_Y, "rev": "a/b", "path": "c/d"},
        ),
        ("GET", "/api/models/x/y/tree/main/", "list_tree", {"kind": MODEL, **OF_X_Y, "rev": "main", "path": ""}),
        ("HEAD", "/x/y/resolve/main/a/b%20c", "resolve", {"kind": MODEL, **OF_X_Y, "rev": "main", "path": "a/b c"}),
        ("GET", "/spaces/x/y/raw/v1/a", "raw", {"kind": SPACE, **OF_X_Y, "rev": "v1", "path": "a"}),
        ("POST", "/datasets/x/y.git/info/lfs/verify", "answer", {"kind": DATASET, **OF_X_Y}),
        ("GET", "/x/y.git/info/refs", "advertise", {"kind": MODEL, "ns": "x", "name": "y.git"}),
        ("GET", "/api/models/x/y/discussions/12", "details", {"kind": MODEL, **OF_X_Y, "num": 12}),
        ("DELETE", "/cas/anything/v1/shards", "not_offered", {"rest": "anything/v1/shards"}),
    ],
)
def test_an_address_leads_to_its_handler(method: str, path: str, handler: str, params: dict[str, Any]) -> None:
    found = find(ROUTES, method, path)
    assert found is not None
    assert (getattr(found[0], "__name__", ""), found[1]) == (handler, params)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/datasets/datasets/y"),
        ("GET", "/datasets/x"),
        ("GET", "/models/x"),
        ("GET", "/api/models//y"),
        ("GET", "/api/kernels/x/y"),
        ("GET", "/api/models/x/y/discussions/" + "9" * 10),
        ("POST", "/x/.git/info/lfs/verify"),
        ("POST", "/api/models/x/y/lfs-files/batch"),
    ],
)
def test_other_addresses_lead_nowhere(method: str, path: str) -> None:
    assert find(ROUTES, method, path) is None


def test_every_row_of_the_table_has_a_handler_of_two_arguments() -> None:
    for row in ROUTES:
        assert len(inspect.signature(load(row.handler), follow_wrapped=False).parameters) == 2, row


def test_a_method_an_address_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(HubError) as refused:
        find(ROUTES, "PATCH", "/api/models/x/y/tag/v1")
    assert (refused.value.status, refused.value.headers["Allow"]) == (405, "DELETE, POST")


def test_what_is_not_utf8_is_the_callers_mistake() -> None:
    with pytest.raises(HubError) as refused:
        find(ROUTES, "GET", "/api/models/x/y/tree/%ff")
    assert refused.value.status == 400
