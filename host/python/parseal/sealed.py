"""Sealed files and streams: Tink's AES-GCM-HKDF streaming AEAD, byte for byte.

A sealed file is longer than its plaintext by 40 bytes and 16 for each segment; any change to it is
noticed: a byte, its end, the order of its segments. Key, associated data and size of segments must
be the same for opening: none of them is in the file. One key may seal as many files as it likes.
"""

import io
import os
import stat
import threading
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from ._core import AuthError, _Sealed
from ._unfinished import Unfinished

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ._core import Context, _Array

__all__ = ["SealedReader", "SealedWriter", "open_file", "seal_file"]

# What is read and written at once, which is enough for all threads and for a GPU.
_CHUNK = 16 << 20
# What a reader opens at once for reads of less than a segment.
_BATCH = 256 << 10


class _Readable(Protocol):
    def readinto(self, buffer: Any, /) -> int | None: ...


class _Writable(Protocol):
    def write(self, data: Any, /) -> int | None: ...


class SealedReader(io.RawIOBase):
    """Reads the plaintext of a sealed stream, of which it gives nothing before it was verified.

    raw: what the stream is read from, a binary file or anything with readinto(); it stays open.
    key: bytes-like, 32 bytes or more (16 for "aes128gcm"). aad: associated data, bytes-like.
    segment: "1MB", "4KB" or a number of bytes, as it was sealed with.

    What has been read is authentic, but only a beginning until a read returns nothing: then the
    stream was complete. Raises AuthError where it is damaged or cut off, and again at every later
    read. Where a read is interrupted, as by KeyboardInterrupt, so that what it had opened is lost,
    later ones raise OSError: nothing is left out without a word. Not seekable. Large reads are
    decrypted where they go; io.BufferedReader may be put around it for small ones and lines.
    """

    __module__ = "parseal"

    def __init__(
        self,
        raw: _Readable,
        key: "_Array",
        *,
        aad: "_Array" = b"",
        segment: str | int = "1MB",
        alg: str = "aes256gcm",
        ctx: "Context | None" = None,
    ) -> None:
        self._stream = _Sealed(False, key, aad=aad, segment=segment, alg=alg, ctx=ctx)
        self._raw = raw
        self._lock = threading.Lock()
        self._taken = bytearray()  # of raw
        self._opened = bytearray()
        self._rest = memoryview(b"")  # of what was opened: not given out yet
        self._ended = False
        self._damage: AuthError | None = None
        self._lost = False  # what a read had taken has not reached its caller

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: "Buffer", /) -> int | None:
        """Reads into a writable, contiguous buffer. Returns how many bytes: 0 at the end; None
        where raw has none now."""
        taken: list[bool] = []
        try:
            with memoryview(buffer) as whole, self._lock:
                if self.closed:
                    raise ValueError("I/O operation on closed file")
                if self._damage is not None:
                    raise AuthError(*self._damage.args)
                if self._lost:
                    raise OSError(_AFTER_LOSS)
                if whole.readonly:
                    raise TypeError("buffer: it is read-only")
                if whole.nbytes == 0:
                    return 0
                with whole.cast("B") as view:
                    return self._read(view, taken)
        except BaseException:
            self._lost = self._lost or bool(taken)
            raise

    def _read(self, view: memoryview, taken: list[bool]) -> int | None:
        """Puts something into `taken` before plaintext is taken that is not given out again."""
        direct = len(view) >= self._stream.segment
        while not self._rest:
            if self._ended:
                return 0
            made = self._open_some(view if direct else self._room(), taken)
            if made is None:
                return None
            if direct and made > 0:
                return made
            if not direct:
                self._rest = memoryview(self._opened)[:made]
        n = min(len(view), len(self._rest))
        view[:n] = self._rest[:n]
        taken.append(True)
        self._rest = self._rest[n:]
        return n

    def _room(self) -> bytearray:
        if not self._opened:
            segment = self._stream.segment
            self._opened = bytearray(max(segment, _BATCH // segment * segment))
        return self._opened

    def _open_some(self, out: memoryview | bytearray, taking: list[bool]) -> int | None:
        """Takes at most as many bytes of raw as out has, in whole segments, so that what they
        complete fits into out. Returns the bytes written, or None where raw has nothing now."""
        segment = self._stream.segment
        n = max(segment, min(len(out), _CHUNK) // segment * segment)
        if len(self._taken) < n:
            self._taken = bytearray(n)
        with memoryview(self._taken) as taken:
            got = self._raw.readinto(taken[:n])
            if got is None:
                return None
            taking.append(True)
            try:
                if got > 0:
                    return self._stream.update(taken[:got], out)
                self._ended = True
                return self._stream.final(out)
            except AuthError as error:
                self._damage = error
                raise

    def readall(self) -> bytes:
        """The rest of the stream."""
        parts: list[bytes] = []
        buffer = bytearray(_CHUNK)
        try:
            while n := self.readinto(buffer):
                parts.append(bytes(memoryview(buffer)[:n]))
            return b"".join(parts)
        except BaseException:
            self._lost = self._lost or bool(parts)
            raise

    def close(self) -> None:
        """Wipes the stream's state. raw stays open."""
        if hasattr(self, "_stream"):  # else the constructor has failed
            self._stream.close()
        super().close()


class SealedWriter(io.RawIOBase):
    """Seals what is written to it.

    raw: what the sealed stream is written to, a blocking binary file or anything with write(); it
    stays open. The other arguments are SealedReader's.

    close(), or the end of a `with` block, writes the last segment. A writer that is left by an
    exception, abandoned, or forgotten without close() is NOT finished: what raw has then is a
    beginning that no reader takes for a whole stream. (Tink's writer makes it an authentic one.) It
    needs no io.BufferedWriter: it collects whole segments by itself. One around it closes it, and
    so finishes the stream, even where its own `with` block is left by an exception.
    """

    __module__ = "parseal"

    def __init__(
        self,
        raw: _Writable,
        key: "_Array",
        *,
        aad: "_Array" = b"",
        segment: str | int = "1MB",
        alg: str = "aes256gcm",
        ctx: "Context | None" = None,
    ) -> None:
        self._stream = _Sealed(True, key, aad=aad, segment=segment, alg=alg, ctx=ctx)
        self._raw = raw
        self._lock = threading.Lock()
        self._sealed = bytearray()
        self._failed = False

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: "Buffer", /) -> int:
        """Takes all of a contiguous bytes-like object, and returns its size in bytes."""
        with memoryview(data) as whole, self._lock:
            if self.closed or self._failed:
                raise ValueError("write to closed file" if self.closed else _AFTER_FAILURE)
            if whole.nbytes > 0:
                with whole.cast("B") as view:
                    self._failed = True  # until raw has taken all that was sealed
                    for at in range(0, len(view), _CHUNK):
                        self._seal(view[at : at + _CHUNK], last=False)
                    self._failed = False
            return whole.nbytes

    def _seal(self, piece: memoryview | bytes, last: bool) -> None:
        size = self._stream.segment if last else self._stream.update_size(len(piece))
        if len(self._sealed) < size:
            self._sealed = bytearray(size)
        with memoryview(self._sealed) as sealed:
            n = self._stream.final(sealed) if last else self._stream.update(piece, sealed)
            at = 0
            while at < n:
                taken = self._raw.write(sealed[at:n])
                if taken is None:
                    raise BlockingIOError("raw takes no more now, and must be blocking")
                at += taken

    def close(self) -> None:
        """Writes the last segment: the stream is complete then. raw stays open. Closing twice does
        nothing. Raises what raw raises, and OSError where an earlier write has failed."""
        with self._lock:
            if self.closed:
                return
            failed = self._failed
            try:
                if not failed:
                    self._seal(b"", last=True)
            finally:
                self.abandon()
        if failed:
            raise OSError(_AFTER_FAILURE)

    def abandon(self) -> None:
        """Closes the writer and does not finish the stream, which no reader then takes for a whole
        one. raw stays open."""
        if hasattr(self, "_stream"):  # else the constructor has failed
            self._stream.close()
        super().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def __del__(self) -> None:
        if not self.closed and hasattr(self, "_stream"):
            self._dealloc_warn(self)

    def _dealloc_warn(self, source: object) -> None:
        """Called as well by an io.BufferedWriter that goes without having been closed, before it
        closes this."""
        self.abandon()
        warnings.warn(f"unfinished {source!r}", ResourceWarning, stacklevel=2, source=source)


_AFTER_LOSS = "an earlier read was interrupted: what it had opened is lost"
_AFTER_FAILURE = "an earlier write has failed: the sealed stream is not finished"


def _copy(source: io.FileIO | SealedReader, to: io.FileIO | SealedWriter) -> None:
    with memoryview(bytearray(_CHUNK)) as chunk:
        while n := source.readinto(chunk):
            at = 0
            while at < n:
                at += to.write(chunk[at:n]) or 0


def seal_file(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    key: "_Array",
    *,
    aad: "_Array" = b"",
    segment: str | int = "1MB",
    alg: str = "aes256gcm",
    ctx: "Context | None" = None,
) -> None:
    """Seals the file src as dst, as `parseal seal` does and Tink can open.

    key: bytes-like, 32 bytes or more (16 for "aes128gcm"). aad: associated data, bytes-like, which
    is not in the file. segment: "1MB", "4KB" or a number of bytes. dst may be src.

    dst appears, or replaces what is there, only when it is complete and on the disk; it has src's
    mode. After a failure it is as it was. A process that is killed can leave dst.parseal-HASH-N,
    which the next one that writes dst removes.

    Raises OSError, SizeError (key, segment), ValueError (alg).
    """
    with io.FileIO(src) as source:
        status = os.fstat(source.fileno())
        mode = stat.S_IMODE(status.st_mode) & 0o777 if stat.S_ISREG(status.st_mode) else 0o666
        with Unfinished(dst, mode) as target:
            with SealedWriter(
                target.file, key, aad=aad, segment=segment, alg=alg, ctx=ctx
            ) as writer:
                _copy(source, writer)
            target.publish()


def open_file(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    key: "_Array",
    *,
    aad: "_Array" = b"",
    segment: str | int = "1MB",
    alg: str = "aes256gcm",
    ctx: "Context | None" = None,
) -> None:
    """Verifies and decrypts the sealed file src as dst, by the arguments that it was sealed with.

    dst appears, or replaces what is there, only when all of src is authentic and dst is on the
    disk; it is readable by its owner alone. After a failure it is as it was (see seal_file).

    Raises AuthError (src is not authentic or not complete: another key, associated data or segment
    size, or it was changed), OSError, SizeError, ValueError.
    """
    with io.FileIO(src) as source, Unfinished(dst, 0o600) as target:
        with SealedReader(source, key, aad=aad, segment=segment, alg=alg, ctx=ctx) as reader:
            _copy(reader, target.file)
        target.publish()
