"""Fixtures for all test files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

import parseal


@pytest.fixture
def ctx() -> Iterator[parseal.Context]:
    """A context of the CPU, closed afterwards."""
    with parseal.Context("cpu") as context:
        yield context


@pytest.fixture
def at_once() -> Callable[[int, Callable[[int], None]], None]:
    """at_once(n, work): calls work(i), i < n, on a thread each, all begun at once; raises what the
    first raised."""

    def run(n: int, work: Callable[[int], None]) -> None:
        gate = threading.Barrier(n)
        errors: list[BaseException] = []

        def begin(i: int) -> None:
            gate.wait()
            try:
                work(i)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=begin, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    return run
