"""Sealed files and streams: against Tink and the command `parseal`, and what may not happen."""

import fcntl
import gc
import hashlib
import io
import os
import pathlib
import random
import stat
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import parseal

KEY = hashlib.sha256(b"a key").digest()
HEADER, TAG = 40, 16
SEGMENTS = {"4KB": 4096, "1MB": 1 << 20}
COMMAND = pathlib.Path(parseal.__file__).parent / "bin" / "parseal"


def lengths(segment: int) -> list[int]:
    """Around the end of the first segment, of the second and of the fifth."""
    first, rest = segment - HEADER - TAG, segment - TAG
    ends = [1, first, first + rest, first + 4 * rest]
    return [end + step for end in ends for step in (-1, 0, 1)]


def text_of(length: int) -> bytes:
    return random.Random(length).randbytes(length)


def sealed_by_writer(text: bytes, piece: int | None = None, **arguments: Any) -> bytes:
    raw = io.BytesIO()
    with parseal.SealedWriter(raw, KEY, **arguments) as writer:
        for at in range(0, len(text), piece or max(len(text), 1)):
            part = text[at : at + piece] if piece else text
            assert writer.write(part) == len(part)
    return raw.getvalue()


def opened_by_reader(sealed: bytes, **arguments: Any) -> bytes:
    return parseal.SealedReader(io.BytesIO(sealed), KEY, **arguments).read()


# ----------------------------------------------------------------------- as others have the format


@pytest.mark.parametrize("segment", ["4KB", "1MB"])
def test_tink_opens_and_is_opened(segment: str) -> None:
    tinks = pytest.importorskip("tinks", reason="Tink is not installed")
    tink = tinks.stream(KEY, SEGMENTS[segment])
    for length in lengths(SEGMENTS[segment]):
        text, aad = text_of(length), b"round 7" if length % 2 else b""
        sealed = sealed_by_writer(text, aad=aad, segment=segment)
        assert len(sealed) == parseal.sealed_size(length, segment=segment)
        with tink.new_decrypting_stream(io.BytesIO(sealed), aad) as stream:
            assert stream.read() == text, length
        kept = tinks.Kept()
        with tink.new_encrypting_stream(kept, aad) as stream:
            stream.write(text)
        assert opened_by_reader(kept.kept, aad=aad, segment=segment) == text, length
        assert parseal.opened_size(len(kept.kept), segment=segment) == length


def test_tink_with_aes_128_and_long_keys() -> None:
    tinks = pytest.importorskip("tinks", reason="Tink is not installed")
    text = text_of(10_000)
    for key_size in (16, 33):
        key = bytes(range(key_size))
        raw = io.BytesIO()
        with parseal.SealedWriter(raw, key, segment=512, alg="aes128gcm") as writer:
            writer.write(text)
        tink = tinks.stream(key, 512, derived=16)
        with tink.new_decrypting_stream(io.BytesIO(raw.getvalue()), b"") as stream:
            assert stream.read() == text


def command(name: str, folder: pathlib.Path, source: pathlib.Path, to: pathlib.Path, aad: str,
            segment: str) -> None:
    key = folder / "key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_bytes(KEY)
    subprocess.run([COMMAND, name, "--key-file", key, "--aad", aad, "--segment", segment, source,
                    "-o", to], check=True, env=os.environ | {"PARSEAL_BACKEND": "cpu"})


@pytest.mark.skipif(not COMMAND.exists(), reason="the command is not in this build")
@pytest.mark.parametrize("segment", ["4KB", "1MB"])
def test_the_command_opens_and_is_opened(segment: str, tmp_path: pathlib.Path) -> None:
    plain, sealed, again = (tmp_path / name for name in ("plain", "sealed", "again"))
    arguments: dict[str, Any] = {"aad": b"epoch 3", "segment": segment}
    for length in lengths(SEGMENTS[segment]):
        plain.write_bytes(text_of(length))
        parseal.seal_file(plain, sealed, KEY, **arguments)
        command("open", tmp_path, sealed, again, "epoch 3", segment)
        assert again.read_bytes() == text_of(length), length
        command("seal", tmp_path, plain, sealed, "epoch 3", segment)
        parseal.open_file(sealed, again, KEY, **arguments)
        assert again.read_bytes() == text_of(length), length
    assert sorted(os.listdir(tmp_path)) == ["again", "key", "plain", "sealed"]


# ------------------------------------------------------------------------------ reader and writer


@pytest.mark.parametrize("segment", [57, 100, 4096])
@pytest.mark.parametrize("piece", [1, 7, 57, 100, 4095, 4096, 9000])
def test_pieces_of_any_size(segment: int, piece: int) -> None:
    text = text_of(2000 if piece == 1 else 20_000)
    sealed = sealed_by_writer(text, piece, segment=segment)
    assert len(sealed) == parseal.sealed_size(len(text), segment=segment)
    reader = parseal.SealedReader(io.BytesIO(sealed), KEY, segment=segment)
    parts = iter(lambda: reader.read(piece), b"")
    assert b"".join(parts) == text
    assert reader.read(piece) == reader.read() == b""


class Dribble(io.RawIOBase):
    """Gives at most a few bytes at a time, and takes at most a few."""

    def __init__(self, content: bytes = b"", step: int = 3) -> None:
        self.content, self.taken, self.step = io.BytesIO(content), bytearray(), step

    def readinto(self, buffer: Any) -> int:
        part = self.content.read(min(self.step, len(buffer)))
        buffer[: len(part)] = part
        return len(part)

    def write(self, data: Any) -> int:
        part = bytes(data[: self.step])
        self.taken += part
        return len(part)


def test_raw_files_that_give_and_take_little() -> None:
    raw = Dribble(step=5)
    with parseal.SealedWriter(raw, KEY, segment=100) as writer:
        writer.write(text_of(1000))
    for step in (1, 3, 99, 101):
        reader = parseal.SealedReader(Dribble(bytes(raw.taken), step), KEY, segment=100)
        assert reader.read() == text_of(1000)


def test_buffered_around_them() -> None:
    lines = [f"line {i}\n".encode() * (i % 7) for i in range(3000)]
    raw = io.BytesIO()
    with io.BufferedWriter(parseal.SealedWriter(raw, KEY, segment="4KB")) as file:
        file.writelines(lines)
    raw.seek(0)
    with io.BufferedReader(parseal.SealedReader(raw, KEY, segment="4KB")) as file:
        assert file.readlines() == b"".join(lines).splitlines(keepends=True)
    assert not raw.closed
    raw.seek(0)
    text = io.TextIOWrapper(io.BufferedReader(parseal.SealedReader(raw, KEY, segment="4KB")))
    assert text.readline() == "line 1\n"


def test_they_are_raw_files() -> None:
    raw = io.BytesIO()
    writer = parseal.SealedWriter(raw, KEY)
    assert isinstance(writer, io.RawIOBase)
    assert (writer.writable(), writer.readable(), writer.seekable()) == (True, False, False)
    assert writer.write(np.arange(6, dtype=np.float32).reshape(2, 3)) == 24
    assert writer.write(np.zeros((0, 3))) == 0
    with pytest.raises(io.UnsupportedOperation):
        writer.seek(0)
    writer.close()
    writer.close()
    assert writer.closed and not raw.closed
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"more")
    raw.seek(0)
    reader = parseal.SealedReader(raw, KEY)
    assert (reader.writable(), reader.readable(), reader.seekable()) == (False, True, False)
    numbers = np.zeros(6, np.float32)
    assert reader.readinto(numbers) == 24 and numbers.tolist() == list(range(6))
    assert reader.readinto(numbers) == 0
    with pytest.raises(TypeError):
        reader.readinto(bytes(5))
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)


def test_large_reads_go_where_they_belong() -> None:
    text = text_of(5_000_000)
    sealed = sealed_by_writer(text, segment="4KB")
    reader = parseal.SealedReader(io.BytesIO(sealed), KEY, segment="4KB")
    got = bytearray(len(text) + 9000)
    at = 0
    with memoryview(got) as view:
        for size in (1, 5000, 3_000_000, 4095, 4096, 5_000_000):
            at += reader.readinto(view[at : at + size]) or 0
        while n := reader.readinto(view[at:]):
            at += n
    assert at == len(text) and got[:at] == text


def damaged(sealed: bytes) -> Iterator[bytes]:
    """Every way to be wrong: a bit of each part, cut off anywhere, extended, in another order."""
    for at in (0, 1, 33, 39, 40, 99, 100, 250, len(sealed) - 17, len(sealed) - 1):
        yield sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    for end in (0, 1, 39, 40, 55, 56, 99, 100, 101, 200, 300, len(sealed) - 1):
        yield sealed[:end]
    yield sealed + b"\0"
    yield sealed + sealed[-100:]
    yield sealed[:100] + sealed[200:300] + sealed[100:200] + sealed[300:]
    yield sealed[:100] + sealed[200:]


@pytest.mark.parametrize("piece", [10, 1000])
def test_what_is_damaged_is_never_whole(piece: int) -> None:
    text = text_of(600)
    sealed = sealed_by_writer(text, segment=100)
    for wrong in damaged(sealed):
        reader = parseal.SealedReader(io.BytesIO(wrong), KEY, segment=100)
        got = b""
        with pytest.raises(parseal.AuthError):
            while part := reader.read(piece):
                got += part
        assert text.startswith(got) and len(got) < len(text)
        for _ in range(3):
            with pytest.raises(parseal.AuthError, match="segment|header|in:"):
                reader.read(piece)
            with pytest.raises(parseal.AuthError):
                reader.readall()


@pytest.mark.parametrize("change", [
    {"key": bytes(32)}, {"aad": b"other"}, {"segment": 101}, {"segment": "1MB"},
    {"alg": "aes128gcm"},
])
def test_what_must_be_the_same(change: dict[str, Any]) -> None:
    sealed = sealed_by_writer(text_of(600), segment=100, aad=b"aad")
    arguments = {"key": KEY, "segment": 100, "aad": b"aad"} | change
    with pytest.raises(parseal.AuthError):
        parseal.SealedReader(io.BytesIO(sealed), **arguments).read()


# --------------------------------------------------------------- streams that are not finished


def is_whole(sealed: bytes) -> bool:
    try:
        opened_by_reader(sealed, segment=100)
    except parseal.AuthError:
        return False
    return True


@pytest.mark.parametrize("length", [0, 1, 44, 45, 128, 129, 1000])
def test_a_writer_that_is_left_by_an_exception(length: int) -> None:
    raw = io.BytesIO()
    with pytest.raises(KeyError):
        with parseal.SealedWriter(raw, KEY, segment=100) as writer:
            writer.write(text_of(length))
            raise KeyError
    assert writer.closed and not raw.closed
    writer.close()
    assert not is_whole(raw.getvalue())
    assert is_whole(sealed_by_writer(text_of(length), segment=100))


@pytest.mark.parametrize("wrap", [lambda writer: writer, io.BufferedWriter])
def test_a_writer_that_is_forgotten(wrap: Callable[[Any], Any]) -> None:
    raw = io.BytesIO()
    file = wrap(parseal.SealedWriter(raw, KEY, segment=100))
    file.write(text_of(1000))
    with pytest.warns(ResourceWarning, match="unfinished"):
        del file
        gc.collect()
    assert not raw.closed and not is_whole(raw.getvalue())


def test_an_abandoned_writer() -> None:
    raw = io.BytesIO()
    writer = parseal.SealedWriter(raw, KEY, segment=100)
    writer.write(text_of(1000))
    writer.abandon()
    writer.abandon()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del writer
        gc.collect()
    assert not is_whole(raw.getvalue())


class Full(io.RawIOBase):
    """Takes some bytes, and then fails, as a full disk does."""

    def __init__(self, room: int) -> None:
        self.room, self.taken = room, bytearray()

    def write(self, data: Any) -> int:
        if self.room == 0:
            raise OSError(28, "No space left on device")
        part = bytes(data[: self.room])
        self.room -= len(part)
        self.taken += part
        return len(part)


def test_a_failed_write_does_not_pass_for_success() -> None:
    raw = Full(250)
    writer = parseal.SealedWriter(raw, KEY, segment=100)
    with pytest.raises(OSError, match="No space"):
        writer.write(text_of(1000))
    raw.room = 10_000
    with pytest.raises(ValueError, match="an earlier write has failed"):
        writer.write(b"more")
    with pytest.raises(OSError, match="not finished"):
        writer.close()
    assert writer.closed and len(raw.taken) == 250
    raw = Full(0)
    writer = parseal.SealedWriter(raw, KEY, segment=100)
    with pytest.raises(OSError, match="No space"):
        writer.close()
    assert writer.closed


def test_raw_files_that_do_not_block() -> None:
    class Never(io.RawIOBase):
        def write(self, data: Any) -> None:
            return None

        def readinto(self, buffer: Any) -> None:
            return None

    writer = parseal.SealedWriter(Never(), KEY, segment=100)
    with pytest.raises(BlockingIOError):
        writer.write(text_of(1000))
    writer.abandon()
    assert parseal.SealedReader(Never(), KEY, segment=100).read(5) is None


@pytest.mark.parametrize("arguments, error, text", [
    ({"key": bytes(31)}, parseal.SizeError, "key_len: 31"),
    ({"key": "text"}, TypeError, "key: an array is needed"),
    ({"key": None}, TypeError, "key: an array is needed"),
    ({"segment": 56}, parseal.SizeError, "segment_size: 56"),
    ({"segment": 2**31}, parseal.SizeError, "segment_size"),
    ({"segment": "2MB"}, ValueError, "segment: '2MB' is none of"),
    ({"segment": 1.0}, TypeError, "segment: an integer"),
    ({"alg": "aes"}, ValueError, "alg: 'aes'"),
    ({"aad": 3}, TypeError, "aad: an array"),
    ({"ctx": 3}, TypeError, "ctx: "),
])
def test_streams_refuse(arguments: dict[str, Any], error: type[Exception], text: str,
                        tmp_path: pathlib.Path) -> None:
    source, to = tmp_path / "source", tmp_path / "to"
    source.write_bytes(b"content")
    for make in (lambda **a: parseal.SealedWriter(io.BytesIO(), **a),
                 lambda **a: parseal.SealedReader(io.BytesIO(), **a),
                 lambda **a: parseal.seal_file(source, to, **a),
                 lambda **a: parseal.open_file(source, to, **a)):
        with pytest.raises(error, match=text):
            make(**({"key": KEY} | arguments))
    assert os.listdir(tmp_path) == ["source"]


def test_sizes() -> None:
    assert parseal.sealed_size(0) == 56
    assert parseal.sealed_size(1, alg="aes128gcm") == 41
    assert parseal.opened_size(100 + 45, segment=100) == 44 + 29
    with pytest.raises(parseal.AuthError):
        parseal.opened_size(55)
    with pytest.raises(parseal.SizeError):
        parseal.sealed_size(2**63)


# ------------------------------------------------------------------------------------------ files


def test_modes_are_those_of_the_command(tmp_path: pathlib.Path) -> None:
    plain, sealed, again = (tmp_path / name for name in ("plain", "sealed", "again"))
    plain.write_bytes(b"content")
    before = os.umask(0o027)
    try:
        for mode in (0o644, 0o640, 0o444, 0o777):
            plain.chmod(mode)
            parseal.seal_file(plain, sealed, KEY)
            parseal.open_file(sealed, again, KEY)
            assert stat.S_IMODE(sealed.stat().st_mode) == mode & ~0o027
            assert stat.S_IMODE(again.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_file_in_its_own_place_and_through_a_link(tmp_path: pathlib.Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(text_of(100_000))
    link.symlink_to(file)
    parseal.seal_file(str(file), link, KEY, segment="4KB")
    assert link.is_symlink() and file.stat().st_size == parseal.sealed_size(100_000, segment="4KB")
    parseal.open_file(link, str(file), KEY, segment="4KB")
    assert file.read_bytes() == text_of(100_000)
    assert sorted(os.listdir(tmp_path)) == ["file", "link"]


def test_what_is_there_stays_after_a_failure(tmp_path: pathlib.Path) -> None:
    sealed, to = tmp_path / "sealed", tmp_path / "to"
    sealed.write_bytes(sealed_by_writer(text_of(3 << 20))[:-1])
    for _ in range(2):
        with pytest.raises(parseal.AuthError):
            parseal.open_file(sealed, to, KEY)
        assert not to.exists() or to.read_bytes() == b"before"
        to.write_bytes(b"before")
    with pytest.raises(FileNotFoundError):
        parseal.seal_file(tmp_path / "none", to, KEY)
    with pytest.raises(IsADirectoryError):
        parseal.seal_file(tmp_path, to, KEY)
    assert to.read_bytes() == b"before"
    assert sorted(os.listdir(tmp_path)) == ["sealed", "to"]


def test_where_no_file_can_be_put(tmp_path: pathlib.Path) -> None:
    source, nothing, pipe = tmp_path / "source", tmp_path / "nothing", tmp_path / "pipe"
    source.write_bytes(b"content")
    nothing.symlink_to(tmp_path / "none")
    os.mkfifo(pipe)
    for to, error in [(tmp_path, IsADirectoryError), (tmp_path / "no" / "folder", OSError),
                      (nothing, FileNotFoundError), (pipe, OSError),
                      (tmp_path / ("x" * 300), OSError)]:
        with pytest.raises(error):
            parseal.seal_file(source, to, KEY)
    assert sorted(os.listdir(tmp_path)) == ["nothing", "pipe", "source"]


def place_of(name: str, n: int) -> str:
    """Where the command writes a file of this name (its --help: OUT.parseal-HASH-N)."""
    digest = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()[:16]
    return f"{name}.parseal-{digest}-{n}"


def test_what_others_have_left_is_removed(tmp_path: pathlib.Path) -> None:
    source, to = tmp_path / "source", tmp_path / "to"
    source.write_bytes(b"content")
    left = [tmp_path / place_of("to", n) for n in (0, 3)]
    for path in left:
        path.write_bytes(b"left")
    working = tmp_path / place_of("to", 1)
    strange = tmp_path / "to.parseal-0-0"
    strange.write_bytes(b"another's")
    with working.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        parseal.seal_file(source, to, KEY)
    assert sorted(os.listdir(tmp_path)) == sorted(["source", "to", strange.name, working.name])


@pytest.mark.skipif(not COMMAND.exists(), reason="the command is not in this build")
def test_the_command_removes_what_is_left(tmp_path: pathlib.Path) -> None:
    """A child that is killed while it writes leaves a file where the command looks for it."""
    source, to = tmp_path / "source", tmp_path / "to"
    source.write_bytes(b"content")
    from parseal._unfinished import Unfinished

    child = os.fork()
    if child == 0:
        with Unfinished(to, 0o600) as unfinished:
            unfinished.file.write(b"left")
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert sorted(os.listdir(tmp_path)) == ["source", place_of("to", 0)]
    command("seal", tmp_path, source, to, "", "1MB")
    assert sorted(os.listdir(tmp_path)) == ["key", "source", "to"]


def test_names_are_cut_between_characters(tmp_path: pathlib.Path) -> None:
    for name in ("ä" * 70, "x" + "ä" * 70, "y" * 200, "z" * 101, "w" * 100):
        source, to = tmp_path / "source", tmp_path / name
        source.write_bytes(b"content")
        parseal.seal_file(source, to, KEY)
        parseal.open_file(to, source, KEY)
        assert sorted(os.listdir(tmp_path)) == sorted(["source", name])
        to.unlink()


class Interrupted:
    """A stream during whose update number `at` a signal comes, as KeyboardInterrupt does."""

    def __init__(self, stream: Any, at: int) -> None:
        self.stream, self.segment, self.left = stream, stream.segment, at

    def update(self, data: Any, out: Any) -> int:
        made: int = self.stream.update(data, out)
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@pytest.mark.parametrize("size", [1000, 5000, None])
def test_an_interrupted_read_leaves_nothing_out(size: int | None) -> None:
    text = text_of(40 << 20 if size is None else 1 << 20)
    raw = io.BytesIO(sealed_by_writer(text, segment="4KB"))
    reader = parseal.SealedReader(raw, KEY, segment="4KB")
    reader._stream = Interrupted(reader._stream, 3)
    read = b""
    with pytest.raises(KeyboardInterrupt):
        while part := reader.read(size or -1):
            read += part
    assert text.startswith(read)
    for _ in range(2):
        with pytest.raises(OSError, match="interrupted"):
            reader.read(1000)


def test_an_interrupted_write_is_not_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the pieces that a large write is cut into."""
    raw = io.BytesIO()
    writer = parseal.SealedWriter(raw, KEY)
    seal = writer._seal

    def interrupted(*args: Any, **kwargs: Any) -> None:
        seal(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_seal", interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.write(bytes(40 << 20))
    with pytest.raises(OSError, match="earlier write"):
        writer.close()
    with pytest.raises(parseal.AuthError):
        opened_by_reader(raw.getvalue())


def test_two_threads_close_one_writer() -> None:
    """The second waits for the first, which waits for raw, and finds nothing to do."""
    errors: list[BaseException] = []

    def close() -> None:
        try:
            writer.close()
        except BaseException as error:
            errors.append(error)

    other = threading.Thread(target=close)

    class Raw(io.BytesIO):
        def write(self, data: Any) -> int:
            other.start()
            other.join(0.2)
            return super().write(data)

    raw = Raw()
    writer = parseal.SealedWriter(raw, KEY)
    close()
    other.join()
    assert not errors and opened_by_reader(raw.getvalue()) == b""


def test_many_threads_seal_one_file(tmp_path: pathlib.Path) -> None:
    source, to = tmp_path / "source", tmp_path / "to"
    source.write_bytes(text_of(300_000))
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10):
                parseal.seal_file(source, to, KEY, segment="4KB")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    parseal.open_file(to, to, KEY, segment="4KB")
    assert to.read_bytes() == text_of(300_000)
    assert sorted(os.listdir(tmp_path)) == ["source", "to"]


def test_threads_share_a_reader_that_is_closed(
    closed_under: Callable[[Callable[[], None], Callable[[], None]], None],
) -> None:
    sealed = sealed_by_writer(bytes(2_000_000), segment="4KB")
    for _ in range(20):
        reader = parseal.SealedReader(io.BytesIO(sealed), KEY, segment="4KB")

        def work() -> None:
            while part := reader.read(5000):
                assert not any(part)

        closed_under(reader.close, work)
