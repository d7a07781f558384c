"""The pages for a browser. What draws them is read when the first one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from hfver.local_hub.errors import HubError
from hfver.local_hub.paging import number
from hfver.local_hub.repos import RESERVED, Repo
from hfver.local_hub.routing import GIT_REPO, decoded, table

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub
    from hfver.local_hub.page.layout import Site

Draw = Callable[["Hub", "Site", Repo, Request], Response]


def routes(hub: Hub) -> list[BaseRoute]:
    """These come last: a repository's page would match many an address."""
    pages: list[tuple[str, Draw]] = [
        ("", _front),
        ("/tree/{rev:segment}", _folder),
        ("/tree/{rev:segment}/{path:rest}", _folder),
        ("/blob/{rev:segment}/{path:rest}", _file),
        ("/commits/{rev:segment}", _commits),
        ("/commit/{rev:segment}", _commit),
        ("/refs", _versions),
        ("/discussions", _discussions),
        ("/discussions/{num:int}", _discussion),
    ]
    own = [("GET", "/", index), ("GET", "/login", login), ("GET", "/assets/style.css", style)]
    return table(hub, [*own, *(("GET", GIT_REPO + rest, _of_repo(draw)) for rest, draw in pages)])


def index(hub: Hub, request: Request) -> Response:
    from hfver.local_hub.page import front

    caller = hub.caller(request)
    visible = [repo for repo in hub.repos.all() if hub.may_read(caller, repo)]
    return front.front(hub, _site(hub, request), visible, request.query_params.get("q", ""))


def login(hub: Hub, request: Request) -> Response:
    """The browser's own dialogue: what it then sends goes to this host and port only."""
    try:
        if hub.caller(request) is not None:
            return RedirectResponse(f"{hub.prefix}/", status_code=303)
    except HubError:
        pass  # a wrong token: ask again
    challenge = {"WWW-Authenticate": 'Basic realm="hfver hub: any user name, your token as password", charset="UTF-8"'}
    return Response("A token of this hub is needed.", status_code=401, headers=challenge, media_type="text/plain")


def style(hub: Hub, request: Request) -> Response:  # noqa: ARG001
    sheet = resources.files("hfver.local_hub.page").joinpath("style.css").read_bytes()
    return Response(sheet, media_type="text/css", headers={"Cache-Control": "max-age=300"})


def _of_repo(draw: Draw) -> Callable[[Hub, Request], Response]:
    def handle(hub: Hub, request: Request) -> Response:
        from hfver.local_hub.page.layout import error_page

        if str(request.path_params["ns"]).lower() in RESERVED:
            raise HubError(404, None, f"There is nothing at {request.url.path}.")
        try:
            repo = hub.locate(request)
            if draw is not _front:
                hub.authorize_content(request, repo)
            return draw(hub, _site(hub, request), repo, request)
        except HubError as error:
            return error_page(_site(hub, request), error)

    return handle


def _front(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:  # noqa: ARG001
    from hfver.local_hub.page import front

    return front.repo_front(hub, site, repo)


def _folder(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    from hfver.local_hub.page import files

    inside = str(request.path_params.get("path", "")).strip("/")
    return files.folder(hub, site, repo, decoded(request, "rev"), inside)


def _file(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    from hfver.local_hub.page import files

    return files.file(hub, site, repo, decoded(request, "rev"), decoded(request, "path"))


def _commits(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    from hfver.local_hub.page import history

    return history.commits(hub, site, repo, decoded(request, "rev"), number(request, "p", 0))


def _commit(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    from hfver.local_hub.page import history

    return history.commit(hub, site, repo, decoded(request, "rev"))


def _versions(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:  # noqa: ARG001
    from hfver.local_hub.page import history

    return history.versions(hub, site, repo)


def _discussions(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:  # noqa: ARG001
    from hfver.local_hub.page import history

    return history.discussions(hub, site, repo)


def _discussion(hub: Hub, site: Site, repo: Repo, request: Request) -> Response:
    from hfver.local_hub.page import history

    return history.discussion(hub, site, repo, int(request.path_params["num"]))


def _site(hub: Hub, request: Request) -> Site:
    from hfver.local_hub.page.layout import Site

    try:
        caller = hub.caller(request)
    except HubError:
        caller = None
    return Site(hub.prefix, hub.base_url(request), caller.account.name if caller else None)
