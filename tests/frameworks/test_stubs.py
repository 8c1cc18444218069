"""Stubs, types and documentation: against the module as it is, by mypy's own stubtest."""

import importlib
import importlib.util
import inspect
import os
import pathlib
import pkgutil
import pydoc
import re
import subprocess
import sys
import textwrap
from types import ModuleType

import pytest

import parseal

pytest.importorskip("mypy", reason="mypy is not installed")

PACKAGE = pathlib.Path(parseal.__file__).parent
# Modules that need more than NumPy.
FRAMEWORKS = [name for name in ("torch", "jax") if importlib.util.find_spec(name) is None]


def run(*arguments: str, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """A module of mypy, which knows the package by MYPYPATH."""
    path = str(PACKAGE.parent)
    return subprocess.run([sys.executable, "-m", *arguments], cwd=cwd, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=os.environ | {"MYPYPATH": path, "PYTHONPATH": path})


def config(folder: pathlib.Path) -> str:
    """Modules for a framework that is not here have no types that mypy could know, and how much of
    a framework has types differs from version to version."""
    file = folder / "mypy.ini"
    file.write_text("[mypy]\nstrict = True\nuntyped_calls_exclude = jax, torch\n" + "".join(
        f"[mypy-{name},{name}.*]\nignore_missing_imports = True\n"
        f"[mypy-parseal.{name},parseal.{name}.*]\nignore_errors = True\n" for name in FRAMEWORKS))
    return str(file)


def test_stubs_are_the_module(tmp_path: pathlib.Path) -> None:
    allowed = tmp_path / "allowed"
    allowed.write_text("".join(f"parseal\\.{name}.*\n" for name in FRAMEWORKS))
    result = run("mypy.stubtest", "parseal", "--allowlist", str(allowed),
                 "--ignore-unused-allowlist", "--mypy-config-file", config(tmp_path), cwd=tmp_path)
    assert result.returncode == 0, result.stdout


def test_mypy_is_content(tmp_path: pathlib.Path) -> None:
    result = run("mypy", "--config-file", config(tmp_path), "-p", "parseal", cwd=tmp_path)
    assert result.returncode == 0, result.stdout


def test_what_users_write_has_types(tmp_path: pathlib.Path) -> None:
    """Mypy takes what is right, and finds each line that is wrong."""
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent("""
        import numpy as np
        import parseal
        from parseal import secagg

        x = np.zeros(5, np.uint32)
        seeds = parseal.Seeds([bytes(32), bytearray(32)], signs=[1, -1], streams=7)
        reveal_type(parseal.mask_(bytearray(20), seeds))
        parseal.sum_(x, [x, memoryview(bytes(20))], parseal.Ring(2**32))
        keys = parseal.Keys("aes256gcm", bytes(32))
        tags: list[bytes] = parseal.seal(keys, [x], [bytes(12)])
        verdicts: list[bool] = parseal.open(keys, [x], [bytes(12)], tags)
        with parseal.Aggregator(5) as aggregator:
            aggregator.add_sealed(keys, [parseal.Update(1, x, bytes(12), tags[0])])
            aggregator.add_many([(1, x)])
        needs: list[secagg.Need] = secagg.Graph.complete(3).needs([0], [1])
        parseal.mask_(5, seeds)  # wrong
        parseal.Keys("aes256gcm", 5)  # wrong
        parseal.seal(keys, x, [bytes(12)], out=5)  # wrong
        parseal.Quant(1.0, 16, "up")  # wrong
        aggregator.add_sealed(keys, [(1, x)])  # wrong
        secagg.Graph()._none  # wrong
    """))
    result = run("mypy", "--strict", str(program), cwd=tmp_path)
    found = {int(n) for n in re.findall(r"program.py:(\d+): error", result.stdout)}
    wrong = {i for i, line in enumerate(program.read_text().splitlines(), 1) if "# wrong" in line}
    assert found == wrong, result.stdout
    assert 'Revealed type is "bytearray"' in re.sub(r"builtins\.", "", result.stdout)


MODULES = [parseal, parseal.secagg]


def public(module: ModuleType) -> list[tuple[str, object]]:
    return [(name, getattr(module, name)) for name in module.__all__ if name != "__version__"]


def test_lists_of_names_are_complete() -> None:
    for module in MODULES:
        assert module.__all__ == sorted(set(module.__all__))
        for name in dir(module):
            known = name in module.__all__ or name.startswith("_")
            value = getattr(module, name)
            assert known or isinstance(value, ModuleType) or name in ("NamedTuple",
                                                                      "TYPE_CHECKING"), name


def test_everything_says_what_it_is() -> None:
    for module in MODULES:
        for name, value in public(module):
            assert inspect.getdoc(value), name
            if isinstance(value, type):
                assert value.__module__ == module.__name__, name
                own = [m for m in vars(value) if not m.startswith("_") and value is not Exception]
                for member in own if not issubclass(value, (tuple, Exception)) else []:
                    assert inspect.getdoc(getattr(value, member)), f"{name}.{member}"
            elif callable(value):
                inspect.signature(value)


def test_help_is_enough_to_start() -> None:
    """The lines of the docstring work, and help() names everything that there is."""
    text = pydoc.plain(pydoc.render_doc(parseal))
    for name, _ in public(parseal):
        assert name in text, name
    assert parseal.__doc__ is not None
    for name in parseal.__all__:
        shown = issubclass(value, parseal.Error) if isinstance(
            value := getattr(parseal, name), type) else name == "__version__"
        assert shown or f"``{name}``" in parseal.__doc__, name
    lines = parseal.__doc__.split("::\n", 1)[1].split("\n\n")[0]
    names: dict[str, object] = {}
    exec(textwrap.dedent(lines), names)
    total = names["total"]
    assert set(total.tolist()) == {6}  # type: ignore[attr-defined]


def test_modules_import_alone() -> None:
    for found in pkgutil.iter_modules([str(PACKAGE)]):
        if found.name not in FRAMEWORKS and found.name != "__main__":
            importlib.import_module(f"parseal.{found.name}")


# ---------------------------------------------------------------------------------------- devices


def test_devices_and_selftest() -> None:
    rows = parseal.devices()
    assert all(isinstance(row, parseal.Impl) and len(row) == 6 for row in rows)
    assert {row.state for row in rows} <= {"passed", "failed", "absent", "not built"}
    portable = {row.primitive for row in rows if row.name == "portable"}
    assert portable >= {"aead", "mask", "vec_sum", "quant", "pack"}
    assert all(row.state == "passed" for row in rows if row.name == "portable")
    here = [row for row in rows if row.state in ("passed", "failed")]
    assert parseal.selftest() == here
    used = parseal.Context("cpu").impl
    assert set(used.items()) <= {(row.primitive, row.name) for row in here}


def test_the_command_lists_the_same() -> None:
    command = PACKAGE / "bin" / "parseal"
    if not command.exists():
        pytest.skip("the command is not in this build")
    listed = subprocess.run([command, "devices"], check=True, text=True, capture_output=True).stdout
    table = listed.split("\n\n")[0].splitlines()[1:]
    states = {"failed": "FAILED"}
    for line, row in zip(table, parseal.devices(), strict=True):
        cells = re.split(r"\s{2,}", line.strip(), maxsplit=5)
        expected = [row.backend, row.primitive or "-", row.name, states.get(row.state, row.state),
                    row.device or "-", row.detail or "-"]
        assert cells == expected
