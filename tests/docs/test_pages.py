"""The pages stay true: links lead somewhere, commands exist, named tests exist, generated pages are current."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from docs.tools.reference import pages
from hfver.cli.main import hfver

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=fence)\s*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)<>\s]+)>?\s*\)")
LONGEST_README = 200  # lines
LARGEST_PICTURE = 200_000  # bytes


def markdown() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in sorted(listed.stdout.splitlines()) if (ROOT / name).exists()]


def named(path: object) -> str:
    return path.relative_to(ROOT).as_posix() if isinstance(path, Path) else str(path)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors GitHub makes of a page's headings."""
    found: dict[str, int] = {}
    result = set()
    for heading in re.findall(r"^#{1,6} +(.+?)\s*$", FENCE.sub("", text_of(path)), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        result.add(f"{slug}-{count}" if count else slug)
    return frozenset(result)


@pytest.mark.parametrize("page", markdown(), ids=named)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text_of(page)))
    wrong = []
    for target in LINK.findall(prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            wrong.append(target)
    assert wrong == []


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    reached, waiting = set(), [index]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in LINK.findall(text_of(page)):
            file = (page.parent / target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.exists():
                waiting.append(file)
            elif file.is_dir():
                waiting += file.glob("*.md")  # as a browser lists them
    lost = {named(page) for page in markdown() if page.is_relative_to(ROOT / "docs")} - {
        named(page) for page in reached
    }
    assert lost == set()


def commands_in(text: str) -> Iterator[tuple[str, ...]]:
    """The arguments of every call of hfver in a piece of shell."""
    for line in text.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in [*shell_words(line.strip().removeprefix("$ ")), ";"]:
            if set(word) <= set("();<>|&"):
                while words and re.match(r"[A-Z_]+=", words[0]):
                    del words[0]
                if words[:1] == ["hfver"]:
                    yield tuple(words[1:])
                words = []
            else:
                words.append(word)


def shell_words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # a quotation that goes on in the next line: somebody else's program, or a document
        assert not line.startswith("hfver"), line
        return []


def written_commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every call of hfver in a code block of a page, or between backticks, with the page it stands on."""
    for page in markdown():
        if named(page) == "docs/commands.md":
            continue  # made from the help itself
        text = text_of(page)
        shell = [match["text"] for match in FENCE.finditer(text) if match["language"] in ("bash", "sh", "console")]
        inline = [
            found.replace("\n", " ") for found in re.findall(r"`((?:[A-Z_]+=\S+ )?hfver [^`]+)`", FENCE.sub("", text))
        ]
        for piece in (*shell, *inline):
            yield from ((named(page), command) for command in commands_in(piece))
    for file in sorted((ROOT / "examples" / "ci").glob("*.yml")):
        for line in re.findall(r"(?:run:|-) (hfver [^#\n]+)", text_of(file)):
            plain = re.sub(r"\$\{\{[^}]*\}\}", "1", line).replace("$CI_NODE_INDEX/$CI_NODE_TOTAL", "1/4")
            yield from ((named(file), command) for command in commands_in(plain))


WRITTEN = sorted(set(written_commands()))


def test_commands_are_found_on_the_pages() -> None:
    assert len(WRITTEN) > 50
    assert ("docs/ci.md", ("verify", "--shard", "1/4")) in WRITTEN


@pytest.mark.parametrize(
    ("page", "words"), WRITTEN, ids=lambda value: " ".join(value) if isinstance(value, tuple) else value
)
def test_every_command_that_is_written_down_exists(page: str, words: tuple[str, ...]) -> None:
    parse(hfver, [word.strip("[]") for word in words if word not in ("...", "…")])


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Parse a command line without running it; UsageError or AssertionError if it could not be typed."""
    context = click.Context(command, info_name=command.name, parent=parent)
    known = {text for parameter in command.get_params(context) for text in (*parameter.opts, *parameter.secondary_opts)}
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if not words[0].isupper():  # hfver COMMAND
            following = command.get_command(context, words[0])
            assert following is not None, f"there is no command {words[0]}"
            parse(following, words[1:], context)
        return
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    assert unknown == []
    if any(not word.startswith("-") and word.strip("<>") != word.strip("<>").upper() for word in words):
        command.parse_args(context, list(words))  # with values, and not with placeholders such as TAG


@pytest.mark.parametrize("page", list(pages()), ids=named)
def test_generated_pages_are_current(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages()[page], "run: make docs"


def test_the_tests_the_readme_names_exist() -> None:
    claims = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text_of(ROOT / "README.md"))
    assert len(claims) >= 10
    missing = [f"{path}::{name}" for path, name in claims if name not in functions(ROOT / path)]
    assert missing == []


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_readme_is_no_longer_than_people_read() -> None:
    assert len(text_of(ROOT / "README.md").splitlines()) <= LONGEST_README


def test_pictures_are_small_and_hold_text() -> None:
    pictures = list((ROOT / "docs" / "images").glob("*.svg"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < LARGEST_PICTURE
        assert "url(http" not in text_of(picture).replace('"', "")
    assert "released" in text_of(ROOT / "docs" / "images" / "release.svg")


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "ci").glob("*.yml")), ids=named)
def test_ci_recipes_are_yaml_with_jobs(file: Path) -> None:
    recipe: dict[str, Any] = yaml.safe_load(text_of(file))
    jobs = (
        recipe["jobs"]
        if "jobs" in recipe
        else {k: v for k, v in recipe.items() if isinstance(v, dict) and "script" in v}
    )
    assert jobs
    assert any("hfver" in str(job) for job in jobs.values())


def tour() -> list[str]:
    """The README's shell blocks, in order."""
    return [match["text"] for match in FENCE.finditer(text_of(ROOT / "README.md")) if match["language"] == "bash"]


def test_the_readmes_tour_works_as_it_is_written(tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "USER": "ada"}
    script = "set -euo pipefail\n" + "\n".join(tour())
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "v1.0.0 released (2 new files" in done.stderr
    assert "v1.1.0 released (1 new file" in done.stderr
    assert '{"layers": 12}' in done.stdout
    assert "2 from the Hub" in done.stdout
    assert done.stdout.count("aligned") == 4  # two versions, in status and in verify
    assert (tmp_path / "bert" / "model" / "config.json").read_text() == '{"layers": 24}\n'
