"""The pages for a browser."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hfver.local_hub.accounts import Caller
from hfver.local_hub.errors import HubError
from hfver.local_hub.page import discussions as discussion_pages
from hfver.local_hub.page import files, front, history
from hfver.local_hub.page.layout import Site, error_page
from hfver.local_hub.paging import number
from hfver.local_hub.repos import Repo
from hfver.local_hub.routing import decoded

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub

Draw = Callable[["Hub", Site, Repo, Request], Response]


def index(hub: Hub, request: Request) -> Response:
    caller = _caller(hub, request)
    visible = [repo for repo in hub.repos.all() if hub.may_read(caller, repo)]
    return front.front(hub, _site(hub, request), visible, request.query_params.get("q", ""))


def login(hub: Hub, request: Request) -> Response:
    """The browser's own dialogue: what it then sends goes to this host and port only."""
    if _caller(hub, request) is not None:
        return RedirectResponse(f"{hub.prefix}/", status_code=303)
    challenge = {"WWW-Authenticate": 'Basic realm="hfver hub: any user name, your token as password", charset="UTF-8"'}
    return Response("A token of this hub is needed.", status_code=401, headers=challenge, media_type="text/plain")


def style(hub: Hub, request: Request) -> Response:  # noqa: ARG001
    sheet = resources.files("hfver.local_hub.page").joinpath("style.css").read_bytes()
    return Response(sheet, media_type="text/css", headers={"Cache-Control": "max-age=300"})


def _of_repo(draw: Draw) -> Callable[[Hub, Request], Response]:
    """Refusals become pages too."""

    def handle(hub: Hub, request: Request) -> Response:
        try:
            repo = hub.locate(request)
            if draw is not _front:
                hub.authorize_content(request, repo)
            return draw(hub, _site(hub, request), repo, request)
        except HubError as error:
            return error_page(_site(hub, request), error)

    return handle


def _front(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:  # noqa: ARG001
    return front.repo_front(hub, site, repo)


@_of_repo
def folder(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    inside = str(request.path_params.get("path", "")).strip("/")
    return files.folder(hub, site, repo, decoded(request, "rev"), inside)


@_of_repo
def file(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    return files.file(hub, site, repo, decoded(request, "rev"), decoded(request, "path"))


@_of_repo
def commits(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    return history.commits(hub, site, repo, decoded(request, "rev"), number(request, "p", 0))


@_of_repo
def commit(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    return history.commit(hub, site, repo, decoded(request, "rev"))


@_of_repo
def versions(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:  # noqa: ARG001
    return history.versions(hub, site, repo)


@_of_repo
def discussions(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:  # noqa: ARG001
    return discussion_pages.discussions(hub, site, repo)


@_of_repo
def discussion(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    return discussion_pages.discussion(hub, site, repo, int(request.path_params["num"]))


# A gated repository shows its card: that is where it says how to get at the rest.
repo_front = _of_repo(_front)


def _site(hub: Hub, request: Request) -> Site:
    caller = _caller(hub, request)
    return Site(hub.prefix, hub.base_url(request), caller.account.name if caller else None)


def _caller(hub: Hub, request: Request) -> Caller | None:
    """A browser goes on sending a password that is no longer right, to the very page that offers to sign in."""
    try:
        return hub.caller(request)
    except HubError:
        return None
