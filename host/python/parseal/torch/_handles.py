"""Numbers that stand for Seeds where an operator can take no object."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
import weakref

from parseal import Seeds

# Numbers are never used again, and begin where no other process is likely to have begun: a program
# that was exported with one of them finds no foreign Seeds under it. They are far above 0 and 1,
# which torch.compile makes constants of, and above any size of a tensor; they fit an int64.
_numbers = itertools.count((1 << 52) + (secrets.randbits(30) << 20))
_lock = threading.Lock()
_number_of: dict[int, int] = {}  # by id(seeds), while that lives
live: dict[int, weakref.ref[Seeds]] = {}


def _new_lock() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_new_lock)


def _add(seeds: Seeds) -> int:
    if not isinstance(seeds, Seeds):
        raise TypeError(f"seeds: a parseal.Seeds is needed, not {type(seeds)}")
    key = id(seeds)
    with _lock:
        number = _number_of.get(key)
        if number is None:
            number = next(_numbers)

            def forget(_: weakref.ref[Seeds], number: int = number) -> None:
                live.pop(number, None)
                _number_of.pop(key, None)

            live[number] = weakref.ref(seeds, forget)
            _number_of[key] = number
    return number


def handle(seeds: Seeds) -> int:
    """The number by which operators know a Seeds, for functions that torch.compile compiles.

    Give it to the compiled function as an argument, a plain int, so that it becomes a symbol:
    other keys need no other program (the first other number compiles once more, then none does).
    A number that is a global variable or an attribute of a module becomes a constant.

    It is a weak reference: keep the Seeds as long as its number is used. It is never given to
    another Seeds. Raises TypeError.
    """
    number = _number_of.get(id(seeds))
    return _add(seeds) if number is None else number


def _gone() -> Seeds:
    raise ValueError("seeds: it is no handle of a Seeds that is still there")


def seeds_of(number: int) -> Seeds:
    """The Seeds that has a number. Raises ValueError: there is none, or it is gone.

    None in the instant in which it goes, which no function of parseal takes for a Seeds.
    """
    return live.get(number, _gone)()  # type: ignore[return-value]
