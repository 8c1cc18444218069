"""The package as it is installed: its version, its command, its types."""

from __future__ import annotations

import os
import pathlib
import pydoc
import re
import signal
import subprocess
import sys
import time
import types

import pytest

import parseal
from parseal import _core

TOP = pathlib.Path(__file__).parents[2]
PACKAGE = pathlib.Path(parseal.__file__).parent


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "parseal", *arguments]
    return subprocess.run(line, capture_output=True, text=True, **more)  # type: ignore


@pytest.fixture
def key(tmp_path: pathlib.Path) -> str:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(bytes(range(32)))
    return str(path)


@pytest.fixture
def command() -> pathlib.Path:
    program = PACKAGE / "bin" / "parseal"
    if not program.exists():
        pytest.skip("built without the command (PARSEAL_BUILD_CLI)")
    return program


def test_version_is_that_of_the_headers() -> None:
    core = (TOP / "include/parseal/core.h").read_text()
    parts = re.findall(r"PARSEAL_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", core)
    assert parseal.__version__ == ".".join(parts)


def test_the_library_lies_beside_the_module_once() -> None:
    names = sorted(path.name for path in PACKAGE.glob("libparseal*"))
    assert names == ["libparseal.so.0"]
    assert not (PACKAGE / names[0]).is_symlink()


def test_types_are_announced() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_help_shows_every_public_name() -> None:
    shown = pydoc.plain(pydoc.render_doc(parseal))
    public = [name for name in parseal.__all__ if not name.startswith("_")]
    assert len(public) > 20
    for name in public:
        assert re.search(rf"^    (class )?{name}\b", shown, re.MULTILINE), name
        assert getattr(parseal, name).__doc__, name


def test_command_is_the_projects(command: pathlib.Path, key: str, tmp_path: pathlib.Path) -> None:
    itself = subprocess.run([command, "--version"], capture_output=True, text=True)
    assert run("--version").stdout == itself.stdout != ""
    (tmp_path / "plain").write_bytes(bytes(5_000_000))
    sealed = run("seal", "--key-file", key, "plain", "-o", "sealed", cwd=tmp_path)
    assert (sealed.returncode, sealed.stderr) == (0, "")
    opened = run("open", "--key-file", key, "sealed", "-o", "opened", cwd=tmp_path)
    assert (opened.returncode, opened.stderr) == (0, "")
    assert (tmp_path / "opened").read_bytes() == bytes(5_000_000)


def test_command_keeps_its_exit_status(
    command: pathlib.Path, key: str, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "sealed").write_bytes(os.urandom(1000))
    assert run("open", "--key-file", key, "sealed", "-o", "opened", cwd=tmp_path).returncode == 3
    wrong = subprocess.run([command, "no-such-command"], capture_output=True).returncode
    assert run("no-such-command").returncode == wrong != 0


def test_command_dies_of_its_signals(command: pathlib.Path, key: str) -> None:
    """It has become the command: what a shell or a supervisor sends meets no Python in between."""
    arguments = [sys.executable, "-m", "parseal", "seal", "--key-file", key, "-", "-o", "-"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        while not os.path.samefile(f"/proc/{process.pid}/exe", command):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == -signal.SIGTERM


def test_package_without_the_command_says_so(tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "parseal"
    copy.mkdir()
    for path in PACKAGE.iterdir():
        if path.name != "bin":
            (copy / path.name).symlink_to(path)
    done = run("devices", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1 and "jansson" in done.stderr, done.stderr
