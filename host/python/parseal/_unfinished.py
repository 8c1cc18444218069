"""Files that appear under their names only when they are complete, as the command `parseal` has it.

While it is written, NAME is NAME.parseal-HASH-N beside it, locked; a process that is killed leaves
it, and the next one that writes NAME removes it, this package or the command.
"""

import errno
import fcntl
import hashlib
import io
import os
import stat
from types import TracebackType

_PLACES = 16
_SHOWN_MAX = 100
# A folder that may be searched but not listed can be written into, too.
_SEARCH: int = getattr(os, "O_PATH", os.O_RDONLY)


def _real_path(path: str) -> str:
    """The file itself where path is a link to it. Raises OSError where no file can be put there."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise FileNotFoundError(errno.ENOENT, "Is a link to nothing", path) from None
        return path
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "Is no regular file", path)
    return os.path.realpath(path)


def _is_ours(status: os.stat_result) -> bool:
    ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    return ours and status.st_nlink == 1


def _lock(fd: int) -> bool | None:
    """True: locked now. False: another has it. None: there are no locks here."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


class Unfinished:
    """`with Unfinished(path, mode) as u:` write to u.file, then u.publish().

    Left without publish(), nothing is at path but what was there before. mode: the file's, but for
    what the umask takes away. Raises OSError.
    """

    file: io.FileIO

    def __init__(self, path: str | os.PathLike[str], mode: int) -> None:
        self._path = _real_path(os.fspath(path))
        self._mode = mode
        self._dir = -1
        self._beside = ""  # the place that the file has now

    def __enter__(self) -> "Unfinished":
        folder, self._name = os.path.split(self._path)
        self._dir = os.open(folder or ".", _SEARCH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.file = self._take_place()
        except BaseException:
            os.close(self._dir)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._beside and self._is_at(self.file.fileno(), self._beside):
                os.unlink(self._beside, dir_fd=self._dir)
        finally:
            self.file.close()
            os.close(self._dir)

    def publish(self) -> None:
        """Gives the file its name, in the place of what had it; both are on the disk afterwards."""
        os.fsync(self.file.fileno())
        if not self._is_at(self.file.fileno(), self._beside):
            raise FileNotFoundError(errno.ENOENT, "Was removed while it was written", self._path)
        os.rename(self._beside, self._name, src_dir_fd=self._dir, dst_dir_fd=self._dir)
        self._beside = ""
        self._sync_name()

    def _sync_name(self) -> None:
        try:
            fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._dir)
        except PermissionError:  # it may be written to, but not read
            return
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(fd)

    def _place(self, n: int) -> str:
        """It begins like the name; the cut does not go through a character of UTF-8."""
        name = os.fsencode(self._name)
        digest = hashlib.blake2b(name, digest_size=16).hexdigest()[:16]
        shown = name[:_SHOWN_MAX]
        while len(name) > len(shown) and shown and name[len(shown)] & 0xC0 == 0x80:
            shown = shown[:-1]
        return os.fsdecode(shown) + f".parseal-{digest}-{n}"

    def _take_place(self) -> io.FileIO:
        """Removes what others have left, and makes the file in the first place that is free."""
        free = [place for place in map(self._place, range(_PLACES)) if self._remove_left(place)]
        for place in free:
            try:
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                fd = os.open(place, flags, self._mode, dir_fd=self._dir)
            except FileExistsError:
                continue
            # Before it has the lock, another may take it for one that was left, and remove it.
            if _lock(fd) is not False and self._is_at(fd, place):
                self._beside = place
                return io.FileIO(fd, "w+")
            os.close(fd)
        raise OSError(errno.EBUSY, "Is being written by too many others", self._path)

    def _is_at(self, fd: int, name: str) -> bool:
        try:
            there = os.stat(name, dir_fd=self._dir, follow_symlinks=False)
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(fd))

    def _remove_left(self, name: str) -> bool:
        """True where the name is free now. Only who holds the lock removes or renames a file, so it
        is still the same one; where there are no locks, none is removed."""
        try:
            if not _is_ours(os.stat(name, dir_fd=self._dir, follow_symlinks=False)):
                return False
            flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            fd = os.open(name, os.O_RDWR | flags, dir_fd=self._dir)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            if not (_lock(fd) and _is_ours(os.fstat(fd)) and self._is_at(fd, name)):
                return False
            os.unlink(name, dir_fd=self._dir)
        except OSError:
            return False
        finally:
            os.close(fd)
        return True
