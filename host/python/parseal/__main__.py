"""`python -m parseal`, and the script `parseal`: the project's command, which the package holds."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from . import _core


def main() -> NoReturn:
    """Becomes the command `parseal`, with this process's arguments, standard streams and signals;
    the exit status is the command's.

    Where the package was built without it, that is said on stderr, and the exit status is 1.
    """
    program = os.path.join(os.path.dirname(_core.__file__), "bin", "parseal")
    if not os.path.exists(program):
        sys.exit(
            "parseal: this package was built without the command, for which jansson was missing "
            "(Debian: libjansson-dev); what it does the module does, too"
        )
    sys.stdout.flush()
    os.execv(program, ["parseal", *sys.argv[1:]])


if __name__ == "__main__":
    main()
