"""Runs what ctest is given: run.py test_NAME.py by pytest, run.py examples/NAME.py as a program,
run.py FOLDER: the types of the package in that folder by mypy. The exit status is 0 where something
passed and nothing failed, 77 (skipped) where all that kept it from running is a package that is not
here, and otherwise another.

PARSEAL_TEST_WITHOUT="torch jax": test files do as if these packages were not here.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys

SKIPPED = 77
MISSING = re.compile(
    r"^(?:E\s+)?ModuleNotFoundError: No module named '(?!parseal)([\w.]+)'", re.MULTILINE
)


def skip(why: str) -> int:
    print(f"skipped: {why}")
    return SKIPPED


class Count:
    """What pytest says of the tests, one by one."""

    def __init__(self) -> None:
        self.passed = 0
        self.skipped: list[str] = []
        self.missing: list[str] = []
        self.broken = False

    def pytest_runtest_logreport(self, report: object) -> None:
        if report.skipped:  # type: ignore[attr-defined]
            self.skipped.append(str(report.longrepr[2]))  # type: ignore[attr-defined]
        elif report.when == "call" and report.passed:  # type: ignore[attr-defined]
            self.passed += 1

    def pytest_collectreport(self, report: object) -> None:
        if report.skipped:  # type: ignore[attr-defined]
            self.skipped.append(str(report.longrepr[2]))  # type: ignore[attr-defined]
        elif report.failed:  # type: ignore[attr-defined]
            found = MISSING.search(str(report.longrepr))  # type: ignore[attr-defined]
            if found:
                self.missing.append(found[1])
            else:
                self.broken = True


def run_tests(path: str, options: list[str]) -> int:
    for name in os.environ.get("PARSEAL_TEST_WITHOUT", "").split():
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        import pytest
    except ModuleNotFoundError as error:
        return skip(str(error))
    count = Count()
    status = pytest.main(["-q", "-rs", "-p", "no:cacheprovider", *options, path], plugins=[count])
    if count.missing and not count.broken and not count.passed:
        return skip(f"no module named {', '.join(count.missing)}")
    if status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and not count.passed:
        return skip(count.skipped[0]) if count.skipped else 1
    return int(status)


def run_example(path: str) -> int:
    done = subprocess.run([sys.executable, path], stderr=subprocess.PIPE, text=True)
    sys.stderr.write(done.stderr)
    found = MISSING.search(done.stderr)
    if done.returncode != 0 and found:
        return skip(f"no module named {found[1]}")
    # The end by a signal is no exit status, and what an example says by 77 is not that it skips.
    return done.returncode if done.returncode in range(SKIPPED) else 1


def check_types(folder: str) -> int:
    if importlib.util.find_spec("mypy") is None:
        return skip("no module named mypy")
    # Its cache goes to the working directory.
    options = ["--config-file", os.path.join(folder, "pyproject.toml")]
    command = [sys.executable, "-m", "mypy", *options, os.path.join(folder, "parseal")]
    return subprocess.run(command).returncode


def main() -> int:
    path, *options = sys.argv[1:]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if os.path.basename(path).startswith("test_"):
        return run_tests(path, options)
    if os.path.isdir(path):
        return check_types(path)
    return run_example(path)


if __name__ == "__main__":
    sys.exit(main())
