"""Keys, seal and open: against the cases of the GCM specification, and against Tink."""

import gc
import io
import random
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

import fake_framework
import numpy as np
import pytest

import parseal

KEY = bytes(range(32))
NONCE = bytes(range(100, 112))


class MyBytes(bytes):
    pass


# ----------------------------------------------------------------------------------------- keys


@pytest.mark.parametrize("form", [
    bytes, bytearray, memoryview, MyBytes,
    lambda key: np.frombuffer(key, np.uint8),
    lambda key: np.frombuffer(key, np.uint32),
    lambda key: [key],
    lambda key: (bytearray(key),),
    lambda key: [memoryview(key)],
    lambda key: np.frombuffer(key, np.uint8).reshape(1, 32),
])
def test_keys_take_any_form(form: Callable[[bytes], Any]) -> None:
    given = form(KEY)
    keys = parseal.Keys("aes256gcm", given)
    assert len(keys) == 1
    message, reference = bytearray(b"message"), bytearray(b"message")
    tags = parseal.seal(keys, [message], [NONCE])
    assert tags == parseal.seal(parseal.Keys("aes256gcm", [KEY]), [reference], [NONCE])
    assert message == reference != b"message"


def test_keys_are_copied() -> None:
    given = bytearray(KEY)
    keys = parseal.Keys("aes256gcm", [given])
    given[:] = bytes(32)
    message = bytearray(9)
    tags = parseal.seal(keys, [message], [NONCE])
    assert parseal.open(parseal.Keys("aes256gcm", KEY), [message], [NONCE], tags) == [True]


def test_keys_say_what_they_are() -> None:
    ctx = parseal.Context("cpu", threads=1)
    with parseal.Keys("aes128gcm", bytes(48), own_pages=True, ctx=ctx) as keys:
        assert (len(keys), keys.alg, keys.ctx) == (3, "aes-128-gcm", ctx)
        assert isinstance(keys.locked, bool)
    for use in (lambda: len(keys), lambda: keys.locked, lambda: parseal.seal(keys, [], [])):
        with pytest.raises(ValueError, match="closed"):
            use()
    keys.close()
    assert keys.ctx is ctx


@pytest.mark.parametrize("alg, name", [
    ("aes256gcm", "aes-256-gcm"), ("AES-256-GCM", "aes-256-gcm"), ("aes-128-gcm", "aes-128-gcm"),
])
def test_algorithms_go_by_several_names(alg: str, name: str) -> None:
    assert parseal.Keys(alg, bytes(32)).alg == name


@pytest.mark.parametrize("arguments, error, text", [
    (("des", KEY), ValueError, "alg: 'des' is none of aes-128-gcm, aes-256-gcm"),
    (("aes256gcm-", KEY[:31]), parseal.SizeError, "keys: 31 bytes are no multiple of 32"),
    (("aes256gc", KEY), ValueError, "alg: "),
    ((256, KEY), TypeError, "alg: a string is needed"),
    (("aes256gcm", "text"), TypeError, "keys: an array is needed"),
    (("aes256gcm", [KEY, 5]), TypeError, r"keys\[1\]: an array is needed"),
    (("aes256gcm", None), TypeError, "keys: an array is needed"),
    (("aes256gcm", [KEY, KEY[:16]]), parseal.SizeError, r"keys\[1\]: 16 bytes"),
    (("aes256gcm", []), parseal.SizeError, "0 keys"),
    (("aes256gcm",), TypeError, "missing required argument: 'keys'"),
    (("aes256gcm", KEY, True), TypeError, "takes 2 positional arguments but 3"),
])
def test_keys_refuse(arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        parseal.Keys(*arguments)


# ------------------------------------------------------------------------------- known answers

# "The Galois/Counter Mode of Operation" (McGrew, Viega), appendix B: cases 1 to 4 and 13 to 16.
SPEC_KEY = "feffe9928665731c6d6a8f9467308308"
SPEC_NONCE = "cafebabefacedbaddecaf888"
SPEC_AAD = "feedfacedeadbeeffeedfacedeadbeefabaddad2"
SPEC_TEXT = ("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a31"
             "8a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255")
SPEC_128 = ("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329ac"
            "a12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985")
SPEC_256 = ("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555"
            "d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad")
SPEC = [
    (16, "00" * 16, "00" * 12, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"),
    (16, "00" * 16, "00" * 12, "00" * 16, "", "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"),
    (16, SPEC_KEY, SPEC_NONCE, SPEC_TEXT, "", SPEC_128, "4d5c2af327cd64a62cf35abd2ba6fab4"),
    (16, SPEC_KEY, SPEC_NONCE, SPEC_TEXT[:120], SPEC_AAD, SPEC_128[:120],
     "5bc94fbc3221a5db94fae95ae7121a47"),
    (32, "00" * 32, "00" * 12, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
    (32, "00" * 32, "00" * 12, "00" * 16, "", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"),
    (32, SPEC_KEY * 2, SPEC_NONCE, SPEC_TEXT, "", SPEC_256, "b094dac5d93471bdec1a502270e3cc6c"),
    (32, SPEC_KEY * 2, SPEC_NONCE, SPEC_TEXT[:120], SPEC_AAD, SPEC_256[:120],
     "76fc6ece0f4e1768cddf8853bb2d551b"),
]


@pytest.mark.parametrize("size, key, nonce, text, aad, cipher, tag", SPEC)
def test_cases_of_the_specification(size: int, key: str, nonce: str, text: str, aad: str,
                                    cipher: str, tag: str) -> None:
    keys = parseal.Keys({16: "aes128gcm", 32: "aes256gcm"}[size], bytes.fromhex(key))
    message = bytearray.fromhex(text)
    nonces, aads = [bytes.fromhex(nonce)], [bytes.fromhex(aad)]
    assert parseal.seal(keys, [message], nonces, aads=aads) == [bytes.fromhex(tag)]
    assert message.hex() == cipher
    assert parseal.open(keys, [message], nonces, [bytes.fromhex(tag)], aads=aads) == [True]
    assert message.hex() == text


SIZES = [0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 257, 4095, 4096, 4097, 65535, 65552, 300_001]


@pytest.mark.parametrize("key_size", [16, 32])
def test_batches_are_those_of_tink(key_size: int) -> None:
    tinks = pytest.importorskip("tinks", reason="Tink is not installed")
    drawn = random.Random(key_size)
    raw = [drawn.randbytes(key_size) for _ in range(3)]
    others = [tinks.aes_gcm(key) for key in raw]
    keys = parseal.Keys(f"aes{8 * key_size}gcm", raw)
    plain = [drawn.randbytes(size) for size in SIZES]
    nonces = [drawn.randbytes(12) for _ in SIZES]
    aads = [drawn.randbytes(drawn.choice([0, 1, 16, 100])) for _ in SIZES]
    index = [drawn.randrange(3) for _ in SIZES]

    messages = [bytearray(text) for text in plain]
    tags = parseal.seal(keys, messages, nonces, aads=aads, key_index=index)
    for k, nonce, message, tag, aad, text in zip(index, nonces, messages, tags, aads, plain):
        assert others[k].decrypt(nonce + message + tag, aad) == text

    sealed = [others[k].encrypt(text, aad) for k, text, aad in zip(index, plain, aads)]
    messages = [bytearray(s[12:-16]) for s in sealed]
    assert parseal.open(keys, messages, b"".join(s[:12] for s in sealed),
                        b"".join(s[-16:] for s in sealed), aads=aads, key_index=index)
    assert messages == plain


# -------------------------------------------------------------------------- arrays and outputs


def test_arrays_of_any_type_in_place_and_elsewhere() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    keys = parseal.Keys("aes256gcm", KEY)
    arrays = [np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(5, dtype=np.int64),
              np.arange(7).astype(ml_dtypes.bfloat16), bytearray(range(20)),
              np.zeros((0, 3), np.uint16), np.array(3.5), np.ones(4, np.complex128)]
    originals = [bytes(np.asarray(a).tobytes()) for a in arrays]
    nonces = [bytes([i]) * 12 for i in range(len(arrays))]
    out = [bytearray(len(original)) for original in originals]
    tags = parseal.seal(keys, arrays, nonces, out=out)
    assert [np.asarray(a).tobytes() for a in arrays] == originals
    assert parseal.seal(keys, arrays, nonces) == tags
    assert [np.asarray(a).tobytes() for a in arrays] == [bytes(o) for o in out]
    assert all(o != text for o, text in zip(out, originals) if text)
    assert parseal.open(keys, arrays, nonces, tags) == [True] * len(arrays)
    assert [np.asarray(a).tobytes() for a in arrays] == originals
    read_only = [bytes(o) for o in out]
    assert parseal.open(keys, read_only, nonces, tags, out=out) == [True] * len(arrays)
    assert [bytes(o) for o in out] == originals


def test_nothing_is_a_batch() -> None:
    keys = parseal.Keys("aes256gcm", KEY)
    assert parseal.seal(keys, [], []) == [] == parseal.open(keys, (), b"", b"")


def tampered(what: str) -> dict[str, Any]:
    """A batch of three whose second one is wrong in one of its parts."""
    keys = parseal.Keys("aes256gcm", [KEY, KEY[::-1]])
    messages = [bytearray(f"message {i}".encode()) * 100 for i in range(3)]
    nonces, aads, index = [bytes([i]) * 12 for i in range(3)], [b"a", b"b", b"c"], [0, 1, 0]
    tags = parseal.seal(keys, messages, nonces, aads=aads, key_index=index)
    if what == "message":
        messages[1][77] ^= 1
    elif what == "tag":
        tags[1] = bytes([tags[1][0] ^ 0x80]) + tags[1][1:]
    elif what == "nonce":
        nonces[1] = bytes(12)
    elif what == "aad":
        aads[1] = b""
    elif what == "key":
        index[1] = 0
    return {"keys": keys, "messages": messages, "nonces": nonces, "tags": tags, "aads": aads,
            "key_index": index}


@pytest.mark.parametrize("what", ["message", "tag", "nonce", "aad", "key"])
@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_what_is_not_authentic_is_zeroed(what: str, strict: bool, elsewhere: bool) -> None:
    batch = tampered(what)
    out = [bytearray(b"x" * len(m)) for m in batch["messages"]] if elsewhere else None
    if strict:
        with pytest.raises(parseal.AuthError, match="1 of 3") as caught:
            parseal.open(**batch, out=out)
        verdicts = caught.value.verdicts
    else:
        verdicts = parseal.open(**batch, out=out, strict=False)
    assert verdicts == [True, False, True]
    opened = out if out is not None else batch["messages"]
    assert opened == [b"message 0" * 100, bytes(900), b"message 2" * 100]


def test_other_errors_have_no_verdicts() -> None:
    assert parseal.AuthError.verdicts == ()


@pytest.mark.parametrize("index", [1, [1, 1], np.array([1, 1]), np.uint8(1)])
def test_key_indices(index: object) -> None:
    keys = parseal.Keys("aes256gcm", [KEY, KEY[::-1]])
    messages = [bytearray(3), bytearray(3)]
    tags = parseal.seal(keys, messages, [NONCE, bytes(12)], key_index=index)
    alone = parseal.Keys("aes256gcm", KEY[::-1])
    assert parseal.open(alone, messages, [NONCE, bytes(12)], tags) == [True, True]


@pytest.mark.parametrize("change, error, text", [
    ({"keys": KEY}, TypeError, "keys: .*Keys.* is needed"),
    ({"messages": bytearray(5)}, TypeError, "messages: a list or a tuple"),
    ({"messages": [bytearray(3), 7]}, TypeError, r"messages\[1\]: an array is needed"),
    ({"messages": [bytearray(3), b"12"]}, parseal.ArgError, r"messages\[1\]: it is read-only"),
    ({"messages": [bytearray(3), np.zeros((4, 4))[:, 1]]}, parseal.ArgError,
     r"messages\[1\].strides"),
    ({"nonces": [NONCE]}, parseal.SizeError, "nonces: 1 for 2 messages"),
    ({"nonces": bytes(23)}, parseal.SizeError, "nonces: 23 bytes"),
    ({"nonces": [NONCE, bytes(24)]}, parseal.SizeError, r"nonces\[1\]: 24 bytes"),
    ({"nonces": 12}, TypeError, "nonces: an array is needed"),
    ({"aads": [b""]}, parseal.SizeError, "aads: 1 for 2 messages"),
    ({"aads": b"ab"}, TypeError, "aads: a list or a tuple"),
    ({"aads": [b"", None]}, TypeError, r"aads\[1\]: an array is needed"),
    ({"key_index": [0]}, parseal.SizeError, "key_index: 1 for 2 messages"),
    ({"key_index": [0, 1]}, parseal.SizeError, r"msgs\[1\].key: 1"),
    ({"key_index": [0, -1]}, ValueError, r"key_index\[1\]: -1"),
    ({"key_index": [0, None]}, TypeError, r"key_index\[1\]: an integer"),
    ({"key_index": [0, "1"]}, TypeError, r"key_index\[1\]: an integer"),
    ({"key_index": 1.5}, TypeError, "key_index: a sequence is needed"),
    ({"out": [bytearray(3)]}, parseal.SizeError, "out: 1 for 2 messages"),
    ({"out": [bytearray(3), bytearray(6)]}, parseal.SizeError, r"out\[1\]: 6 bytes .* of 5"),
    ({"out": [bytearray(3), bytes(5)]}, parseal.ArgError, r"out\[1\]: it is read-only"),
    ({"outs": []}, TypeError, "unexpected keyword argument 'outs'"),
])
def test_seal_refuses(change: dict[str, Any], error: type[Exception], text: str) -> None:
    messages = [bytearray(b"abc"), bytearray(b"defgh")]
    arguments = {"keys": parseal.Keys("aes256gcm", KEY), "messages": messages,
                 "nonces": [NONCE, bytes(12)]} | change
    with pytest.raises(error, match=text):
        parseal.seal(**arguments)
    assert messages == [b"abc", b"defgh"]


def test_open_refuses_tags() -> None:
    keys = parseal.Keys("aes256gcm", KEY)
    with pytest.raises(parseal.SizeError, match="tags: 0 for 1 messages"):
        parseal.open(keys, [bytearray(3)], [NONCE], [])
    with pytest.raises(parseal.SizeError, match=r"tags\[0\]: 15 bytes"):
        parseal.open(keys, [bytearray(3)], [NONCE], [bytes(15)])


def test_overlaps_are_refused() -> None:
    keys = parseal.Keys("aes256gcm", KEY)
    memory = bytearray(200)
    view = memoryview(memory)
    for messages, out in [([view[:100], view[50:150]], None), ([view[:100]], [view[1:101]]),
                          ([view[:50], view[50:100]], [view[50:100], view[:50]])]:
        with pytest.raises(parseal.AliasError):
            parseal.seal(keys, messages, [bytes([i]) * 12 for i in range(len(messages))], out=out)
    assert memory == bytes(200)
    exactly = parseal.seal(keys, [view[:100]], [NONCE], out=[view[:100]])
    assert parseal.open(keys, [view[:100]], [NONCE], exactly) == [True]


class Driverless(fake_framework.Driver):
    """A driver of memory that nobody looks at."""

    cuda = types.SimpleNamespace(cuMemFree_v2=lambda pointer: 0)
    stream = 0

    def __init__(self) -> None:
        pass

    def __call__(self, name: str, *arguments: object) -> None:
        pass


def test_arrays_of_a_device_are_refused() -> None:
    keys = parseal.Keys("aes256gcm", KEY)
    theirs = fake_framework.Capsule(Driverless(), np.zeros(8, np.uint32))
    theirs.pointer.value = 4096
    ours = bytearray(32)
    nonces = [NONCE, bytes(12)]
    for use, name in [
        (lambda: parseal.seal(keys, [ours, theirs], nonces), r"messages\[1\]"),
        (lambda: parseal.seal(keys, [ours], [NONCE], aads=[theirs]), r"aads\[0\]"),
        (lambda: parseal.open(keys, [ours], [NONCE], bytes(16), out=[theirs]), r"out\[0\]"),
        (lambda: parseal.Keys("aes256gcm", theirs), "keys"),
        (lambda: parseal.Aggregator(8).add(1, theirs), r"update\[0\]"),
        (lambda: parseal.SealedWriter(io.BytesIO(), theirs), "key"),
        (lambda: parseal.Aggregator.load(theirs), "exported"),
    ]:
        with pytest.raises(parseal.UnsupportedError, match=name + ": .*host memory"):
            use()
    with pytest.raises(parseal.SizeError, match="host memory"):
        parseal.Keys("aes256gcm", [theirs])
    assert ours == bytearray(32)


# -------------------------------------------------------------------------- threads and processes


def test_a_list_that_another_thread_changes() -> None:
    keys = parseal.Keys("aes256gcm", KEY)
    messages = [bytearray(2000) for _ in range(20)]
    nonces = [bytes([i]) * 12 for i in range(20)]
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            messages.pop()
            messages.append(bytearray(2000))
            nonces[3:5] = [bytes(12)] * 2

    thread = threading.Thread(target=change)
    thread.start()
    try:
        sealed = 0
        while sealed < 300:
            try:
                parseal.seal(keys, messages, nonces)
                sealed += 1
            except parseal.SizeError:  # one was missing just then
                time.sleep(0)
    finally:
        stop.set()
        thread.join()


def test_closing_keys_while_others_seal(
    closed_under: Callable[[Callable[[], None], Callable[[], None]], None],
) -> None:
    for _ in range(20):
        keys = parseal.Keys("aes256gcm", KEY)

        def work() -> None:
            message = bytearray(6000)
            for i in range(500):
                parseal.seal(keys, [message], [i.to_bytes(12, "big")])

        closed_under(keys.close, work)


@pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="there is no lock")
@pytest.mark.parametrize("size, released", [(4096, False), (4097, True)])
def test_large_calls_let_other_threads_run(size: int, released: bool) -> None:
    """Threads are told to give nothing up by themselves: another one runs only when a call lets
    it."""
    keys = parseal.Keys("aes256gcm", KEY)
    ready, go = threading.Event(), threading.Lock()
    ran: list[bool] = []

    def other() -> None:
        ready.set()
        with go:
            ran.append(True)

    interval = sys.getswitchinterval()
    go.acquire()
    thread = threading.Thread(target=other)
    thread.start()
    ready.wait()
    message = bytearray(size)
    sys.setswitchinterval(1000)
    try:
        go.release()
        calls = 0
        while not ran and calls < (1_000_000 if released else 1000):
            parseal.seal(keys, [message], [calls.to_bytes(12, "big")])
            calls += 1
        assert bool(ran) == released
    finally:
        sys.setswitchinterval(interval)
    thread.join()


def test_children_of_fork_seal() -> None:
    """Also in worker processes, after the parent has worked on two threads."""
    import multiprocessing

    ctx = parseal.Context("cpu", threads=2)
    keys = parseal.Keys("aes256gcm", KEY, ctx=ctx)
    big = bytearray(8 << 20)
    tag = parseal.seal(keys, [big], [NONCE])[0]

    def work(queue: Any) -> None:
        again = bytearray(8 << 20)
        own = parseal.seal(keys, [again], [NONCE])[0]
        queue.put((own == tag, again == big))

    fork = multiprocessing.get_context("fork")
    for _ in range(3):
        queue = fork.SimpleQueue()
        child = fork.Process(target=work, args=(queue,))
        child.start()
        child.join(120)
        assert child.exitcode == 0 and queue.get() == (True, True)


def test_workers_of_a_loader_open() -> None:
    """As a DataLoader has it: workers forked from a parent that has used threads, each opening
    samples with the keys that it was given before."""
    import multiprocessing

    keys = parseal.Keys("aes256gcm", KEY, ctx=parseal.Context("cpu", threads=2))
    samples = [bytearray(np.full(50_000, i, np.int32)) for i in range(8)]
    nonces = [i.to_bytes(12, "big") for i in range(8)]
    tags = parseal.seal(keys, samples, nonces)

    def work(own: int, queue: Any) -> None:
        for i in range(own, 8, 2):
            out = np.empty(50_000, np.int32)
            parseal.open(keys, [samples[i]], [nonces[i]], [tags[i]], out=[out])
            queue.put((i, int(out.min()), int(out.max())))

    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    workers = [fork.Process(target=work, args=(i, queue)) for i in range(2)]
    for worker in workers:
        worker.start()
    loaded = sorted(queue.get() for _ in range(8))
    for worker in workers:
        worker.join(120)
    assert loaded == [(i, i, i) for i in range(8)]


def test_nothing_is_kept_of_what_was_given() -> None:
    keys = parseal.Keys("aes256gcm", KEY)
    message, aad = bytearray(100), bytearray(b"aad")
    before = [sys.getrefcount(o) for o in (message, aad, keys, NONCE)]
    for _ in range(100):
        tags = parseal.seal(keys, [message], [NONCE], aads=[aad])
        parseal.open(keys, [message], [NONCE], tags, aads=[aad])
        with pytest.raises(parseal.AuthError):
            parseal.open(keys, [message], [NONCE], [bytes(16)], aads=[aad])
        with pytest.raises(TypeError):
            parseal.seal(keys, [message, None], [NONCE], aads=[aad])
    gc.collect()
    assert [sys.getrefcount(o) for o in (message, aad, keys, NONCE)] == before
    message.append(0)  # and no buffer is held
    aad.append(0)
