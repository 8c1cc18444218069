"""parseal: encrypts, masks and aggregates very large parameter vectors."""

from ._core import *  # noqa: F403
from ._core import __version__
