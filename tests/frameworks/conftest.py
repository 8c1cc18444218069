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


@pytest.fixture
def closed_under() -> Callable[[Callable[[], None], Callable[[], None]], None]:
    """closed_under(close, work): four threads call work(), which may end in ValueError and in
    nothing else, while close() is called."""

    def run(close: Callable[[], None], work: Callable[[], None]) -> None:
        other: list[BaseException] = []

        def begin() -> None:
            try:
                work()
            except ValueError:
                pass
            except BaseException as error:
                other.append(error)

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        close()
        for thread in threads:
            thread.join()
        assert other == []

    return run
