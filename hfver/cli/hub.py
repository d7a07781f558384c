"""``hfver hub``: run the embedded hub for anything else to use, and look after its store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from hfver.cli.answers.setup import (
    Beyond,
    Damage,
    Garbage,
    HubInfo,
    HubRepaired,
    HubRepo,
    Mended,
    Serving,
    StorePath,
    Token,
)
from hfver.cli.group import CommandGroup
from hfver.cli.options import common, dry_run, output_options
from hfver.cli.output import Printer, Table, human_bytes
from hfver.errors import EXIT_DONE, EXIT_DRIFT, StateError, UsageError

if TYPE_CHECKING:
    from hfver.local_hub.hub import Hub
    from hfver.local_hub.serve import EmbeddedHub

Command = TypeVar("Command", bound=Callable[..., object])


@click.group(cls=CommandGroup)
@output_options
def hub() -> None:
    """Run and look after the embedded hub.

    The hub is a Hugging Face Hub on this machine, for work without an account, for tests and for trying things out.
    hfver starts it by itself where the endpoint is "embedded"; `serve` keeps one running for transformers, `hf` and
    everything else that follows HF_ENDPOINT. It listens on 127.0.0.1 only.
    """


def _store_option(command: Command) -> Command:
    return click.option(
        "--store",
        type=click.Path(file_okay=False, path_type=Path),
        help="The hub's directory [default: HFVER_HUB_DIR, else below the user's data directory].",
    )(command)


@hub.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port [default: the one used last].")
@_store_option
@common(Serving)
def serve(printer: Printer, port: int, store: Path | None) -> int:
    """Serve until Ctrl-C, and print how to point other programs here.

    \b
    Example:
      hfver hub serve --port 8000
      export HF_ENDPOINT=http://127.0.0.1:8000 HF_TOKEN="$(hfver hub token)"
      hf upload me/model ./model
    """
    from hfver.local_hub.serve import serve as run

    def ready(running: EmbeddedHub) -> None:
        option = f" --store '{store}'" if store else ""
        lines = [f"export HF_ENDPOINT={running.endpoint}", f'export HF_TOKEN="$(hfver hub token{option})"']
        printer.data(Serving(running.endpoint, running.user, str(running.store)), "\n".join(lines))
        printer.note(f"The hub is at {running.endpoint}/ for browsers too; its data is in {running.store}.")
        printer.note(f"To see private repositories there, sign in with what `hfver hub token{option}` prints.")
        printer.note("Ctrl-C stops it.")

    from hfver.store_trouble import told_of_store

    try:
        with told_of_store():
            run(store, port, ready)
    except OSError as error:
        hints = ["hfver hub serve --port 0"] if port else []
        raise StateError(f"The hub could not be started on port {port}: {error}", hints=hints) from error
    return EXIT_DONE


@hub.command()
@click.argument("repo", metavar="[NAMESPACE/NAME]", required=False)
@click.option("--type", "kind", type=click.Choice(["model", "dataset", "space"]), default="model", help="What REPO is.")
@_store_option
@common(StorePath)
def path(printer: Printer, repo: str | None, kind: str, store: Path | None) -> int:
    """Print where the hub's data is, or the bare git repository behind one of its repositories.

    \b
    Example:
      git -C "$(hfver hub path me/model)" log
    """
    from hfver.local_hub.place import default_store

    if repo is None:
        place = str(store or default_store())
        printer.data(StorePath(place), place)
        return EXIT_DONE
    from hfver.local_hub.kinds import RepoKind

    with _opened(store) as opened:
        namespace, _, name = repo.partition("/")
        found = opened.repos.find(RepoKind(kind), namespace, name)
        if found is None:
            raise UsageError(f"The hub has no {kind} {repo}.", hints=["hfver hub info"])
        git_dir = opened.git.path(found.id)
        printer.data(StorePath(str(git_dir)), str(git_dir))
    return EXIT_DONE


@hub.command()
@_store_option
@common(HubInfo)
def info(printer: Printer, store: Path | None) -> int:
    """Show what the hub holds.

    \b
    Example:
      hfver hub info
    """
    from hfver.local_hub.overview import overview

    with _opened(store) as opened:
        seen = overview(opened)
    repos = [HubRepo(repo.kind, repo.name, repo.private, repo.versions, repo.size, repo.updated) for repo in seen.repos]
    rows = [
        (repo.kind, repo.name, "private" if repo.private else "public", str(repo.versions), human_bytes(repo.size))
        for repo in seen.repos
    ]
    printer.note(f"{seen.store}: {human_bytes(seen.bytes_on_disk)} on disk, {len(rows)} repositories")
    headings = ("TYPE", "REPOSITORY", "VISIBILITY", "VERSIONS", "SIZE OF MAIN")
    printer.data(
        HubInfo(seen.store, seen.bytes_on_disk, repos),
        Table(headings, rows, empty="The hub holds no repositories yet."),
    )
    return EXIT_DONE


@hub.command()
@_store_option
@common(list[Damage])
def scrub(printer: Printer, store: Path | None) -> int:
    """Read everything the hub stores and name every file that the disk has damaged (exit code 3).

    Damaged content is set aside, so that uploading it again stores it anew.

    \b
    Example:
      hfver hub scrub
    """
    from hfver.local_hub.maintenance import scrub as run

    with _opened(store) as opened:
        findings = run(opened)
    lines = []
    for finding in findings:
        lines.append(f"{finding.what}: {finding.problem}")
        lines += [f"  {file}" for file in finding.files]
    printer.data(
        [Damage(one.what, one.problem, one.files) for one in findings],
        "\n".join(lines) or "Everything is as it was stored.",
    )
    return EXIT_DRIFT if findings else EXIT_DONE


@hub.command()
@click.option("--set-aside", metavar="NAMESPACE/NAME", help="Give up this repository: keep its data, free its name.")
@click.option("--type", "kind", type=click.Choice(["model", "dataset", "space"]), default="model", help="What it is.")
@_store_option
@common(HubRepaired)
def repair(printer: Printer, set_aside: str | None, kind: str, store: Path | None) -> int:
    """Mend a store that cannot be used, from what is left of it (exit code 3 if something is lost).

    hub.sqlite is made anew from its readable rows and from what stands beside the repositories, branches and tags come
    back from their journal, content.db is made anew from the stored files. Nothing is thrown away: what was damaged is
    kept in `damaged/`. What has lost objects can only come back from a backup, or be set aside and released again.

    \b
    Example:
      hfver hub repair
      hfver hub repair --set-aside me/bert && hfver push --all-missing
    """
    from hfver.local_hub.kinds import RepoKind
    from hfver.local_hub.place import default_store
    from hfver.local_hub.repair import put_aside
    from hfver.local_hub.repair import repair as run
    from hfver.store_trouble import told_of_store

    root = store or default_store()
    if not root.exists():
        raise StateError(f"There is no hub in {root}.", hints=["hfver hub serve"])
    with told_of_store():
        if set_aside is not None:
            return _say_set_aside(printer, set_aside, put_aside(root, RepoKind(kind), set_aside))
        found = run(root)
    lines = [f"{one.path}: {one.done}" for one in found.mended]
    for lost in found.beyond:
        lines += [f"{lost.path}: {lost.problem}", f"  {lost.advice}"]
    answer = HubRepaired(
        [Mended(str(one.path), one.done) for one in found.mended],
        [Beyond(str(one.path), one.problem, one.advice) for one in found.beyond],
    )
    printer.data(answer, "\n".join(lines) or "Everything is in order; `hfver hub scrub` reads the stored bytes, too.")
    return EXIT_DRIFT if found.beyond else EXIT_DONE


def _say_set_aside(printer: Printer, name: str, kept: Path | None) -> int:
    if kept is None:
        raise UsageError(f"The hub has no repository {name}.", hints=["hfver hub info"])
    done = f"it is set aside as {kept}, and its name is free"
    printer.data(HubRepaired([Mended(name, done)], []), f"{name}: {done}.")
    printer.note("To release again what was in it: hfver push --all-missing")
    return EXIT_DONE


@hub.command()
@click.option(
    "--grace", type=click.FloatRange(0), default=24.0, show_default=True, help="Keep what is younger (hours)."
)
@_store_option
@dry_run
@common(Garbage)
def gc(printer: Printer, dry_run: bool, store: Path | None, grace: float) -> int:
    """Remove content that no branch, tag or pull request of any repository reaches.

    \b
    Example:
      hfver hub gc --dry-run
    """
    from hfver.local_hub.maintenance import collect_garbage

    with _opened(store) as opened:
        report = collect_garbage(opened, grace_seconds=grace * 3600, dry_run=dry_run)
    verb = "Would remove" if dry_run else "Removed"
    answer = Garbage(report.files, report.xorbs, report.freed_bytes, report.generation)
    printer.data(answer, f"{verb} {report.files} files of content: {human_bytes(report.freed_bytes)}.")
    return EXIT_DONE


@hub.command()
@click.option("--user", help="A token for this user, who is made known to the hub if need be [default: yourself].")
@click.option("--read-only", is_flag=True, help="A token that cannot change anything.")
@_store_option
@common(Token)
def token(printer: Printer, user: str | None, read_only: bool, store: Path | None) -> int:
    """Print your token for the hub, or a new one for somebody else.

    \b
    Example:
      export HF_TOKEN="$(hfver hub token)"
      hfver hub token --user ci --read-only
    """
    with _opened(store, create=True) as opened:
        if user is None and not read_only:
            found = opened.accounts.default_token()
        else:
            name = user or opened.accounts.default_user
            account = opened.accounts.find(name) or opened.accounts.add(name)
            role = "read" if read_only else "write"
            found = opened.accounts.issue_token(account, role=role, label=f"{role} token")
    printer.secret(Token(found), found)
    return EXIT_DONE


@contextmanager
def _opened(store: Path | None, *, create: bool = False) -> Iterator[Hub]:
    from hfver.local_hub.errors import HubError
    from hfver.local_hub.hub import Hub, is_there
    from hfver.local_hub.place import default_store
    from hfver.local_hub.store_errors import told_by_system
    from hfver.store_trouble import told_of_store

    root = store or default_store()
    if not create and not is_there(root):
        raise StateError(f"There is no hub in {root} yet.", hints=["hfver hub serve"])
    with told_of_store():
        opened = Hub(root)
        try:
            with told_by_system(root):
                yield opened
        except HubError as error:
            raise UsageError(error.message) from error
        finally:
            opened.close()
