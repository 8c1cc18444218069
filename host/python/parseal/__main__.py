"""`python -m parseal`, and the script `parseal`: the project's command, which the package holds as a program."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from . import _core


def main() -> NoReturn:
    """Becomes the command `parseal`, with this process's arguments: its exit status and signals are the command's.

    Where the package was built without it, that is said on stderr, and the exit status is 1.
    """
    program = os.path.join(os.path.dirname(_core.__file__), "bin", "parseal")
    if not os.path.exists(program):
        sys.exit(
            "parseal: this package was built without the command, as jansson was missing (Debian: libjansson-dev); "
            "every function of it is in the module"
        )
    sys.stdout.flush()
    os.execv(program, ["parseal", *sys.argv[1:]])


if __name__ == "__main__":
    main()
