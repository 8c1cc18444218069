"""Many threads with the same objects: with a GIL they take turns outside of long calls, on a
free-threaded Python they do not."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable

import numpy as np
import pytest

import parseal

AtOnce = Callable[[int, Callable[[int], None]], None]
KEYS = [bytes(range(i, i + 32)) for i in range(3)]
THREADS = 8


def test_free_threaded_python_stays_so() -> None:
    """A module that did not say that it needs no GIL would have turned it on."""
    command = "import sys, parseal; print(getattr(sys, '_is_gil_enabled', lambda: None)())"
    line = [sys.executable, "-c", command]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    said = done.stdout.strip()
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert said == "False"
    else:
        assert said in ("None", "True")


def test_one_set_of_seeds(at_once: AtOnce) -> None:
    """Small vectors, for which the GIL is not given up, and one that is larger than that."""
    seeds = parseal.Seeds(KEYS)
    expected = parseal.mask(seeds, 5000)

    def work(i: int) -> None:
        for round_ in range(200):
            n = 16 if round_ % 10 else 5000
            acc = np.full(n, round_, np.uint32)
            assert parseal.mask_(acc, seeds) is acc
            assert (acc == expected[:n] + np.uint32(round_)).all()

    at_once(THREADS, work)


def test_closing_waits_for_calls(at_once: AtOnce) -> None:
    """A call gets the whole of its set, or ValueError."""
    plain = parseal.mask(parseal.Seeds(KEYS), 3000)
    for round_ in range(20):
        seeds = parseal.Seeds(KEYS)

        def work(i: int, seeds: parseal.Seeds = seeds, calls: int = round_ % 3) -> None:
            if i == 0:
                for _ in range(calls):
                    parseal.mask(seeds, 3000)
                seeds.close()
                return
            while True:
                try:
                    assert (parseal.mask(seeds, 3000) == plain).all()
                except ValueError as error:
                    assert "closed" in str(error)
                    return

        at_once(THREADS, work)


def test_objects_come_and_go(at_once: AtOnce, ctx: parseal.Context) -> None:
    plain = parseal.mask(parseal.Seeds(KEYS), 100)

    def work(i: int) -> None:
        for _ in range(30):
            with parseal.Context("cpu", threads=1) as own:
                for context in (ctx, own):
                    with parseal.Seeds(KEYS, ctx=context) as seeds:
                        assert (parseal.mask(seeds, 100) == plain).all()

    at_once(THREADS, work)


def test_new_types_of_arrays(at_once: AtOnce) -> None:
    """How a type's arrays are taken is remembered, for more types than there is room for."""
    seeds = parseal.Seeds(KEYS)
    plain = parseal.mask(seeds, 20)
    shared = [type(f"Array{i}", (np.ndarray,), {}) for i in range(50)]

    def work(i: int) -> None:
        own = [type(f"Array{i}", (np.ndarray,), {}) for _ in range(5)]
        for kind in shared + own:
            acc = np.zeros(20, np.uint32).view(kind)
            assert (np.asarray(parseal.mask_(acc, seeds)) == plain).all()

    at_once(THREADS, work)


def test_the_default_context_is_made_once() -> None:
    """By many threads at once, in a process that has not used it."""
    program = """
import threading, parseal
gate, found = threading.Barrier(8), []
def work():
    gate.wait()
    found.append(parseal.default_context())
threads = [threading.Thread(target=work) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
assert len(found) == 8 and len({id(c) for c in found}) == 1, found
print(parseal.mask(parseal.Seeds([bytes(32)]), 1)[0])
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{parseal.mask(parseal.Seeds([bytes(32)]), 1)[0]}\n"


def test_a_child_of_fork_does_not_wait_for_the_parents_threads() -> None:
    """An aggregator that another thread was in the midst of is of no use there, nor does it hang."""
    program = """
import os, signal, threading, time, numpy as np, parseal
aggregator, update, ended = parseal.Aggregator(1 << 22), np.zeros(1 << 22, np.uint32), False
def work():
    client = 0
    while not ended:
        aggregator.add(client, update)
        client += 1
thread = threading.Thread(target=work)
thread.start()
statuses = set()
for _ in range(20):
    time.sleep(0.01)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            len(aggregator)
        except RuntimeError as error:
            os._exit(7 if "when this process forked" in str(error) else 1)
        os._exit(0)
    statuses.add(os.waitpid(child, 0)[1])
ended = True
thread.join()
assert statuses <= {0, 7 << 8} and 7 << 8 in statuses, statuses
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_errors_are_of_the_thread_that_met_them(at_once: AtOnce) -> None:
    seeds = parseal.Seeds(KEYS)

    def work(i: int) -> None:
        for _ in range(200):
            with pytest.raises(ValueError, match=f"threads: -{i + 1}"):
                parseal.Context("cpu", threads=-i - 1)
            with pytest.raises(parseal.Error):
                parseal.mask_(np.zeros(8, np.float32), seeds)

    at_once(THREADS, work)
