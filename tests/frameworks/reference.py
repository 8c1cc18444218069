"""Slow and obvious references in NumPy, independent of the library."""

import numpy as np
import numpy.typing as npt

WORDS = npt.NDArray[np.uint32]


def _quarter_round(x: list[WORDS], a: int, b: int, c: int, d: int) -> None:
    def rotate(v: WORDS, n: int) -> WORDS:
        return (v << np.uint32(n)) | (v >> np.uint32(32 - n))

    x[a] = x[a] + x[b]
    x[d] = rotate(x[d] ^ x[a], 16)
    x[c] = x[c] + x[d]
    x[b] = rotate(x[b] ^ x[c], 12)
    x[a] = x[a] + x[b]
    x[d] = rotate(x[d] ^ x[a], 8)
    x[c] = x[c] + x[d]
    x[b] = rotate(x[b] ^ x[c], 7)


def chacha20(key: bytes, nonce: bytes, n_bytes: int) -> bytes:
    """The first n_bytes of the keystream of RFC 8439, block counter from 0."""
    blocks = -(-n_bytes // 64)
    words = np.frombuffer(b"expand 32-byte k" + key + bytes(4) + nonce, "<u4")
    start = [np.full(blocks, word, np.uint32) for word in words]
    start[12] = np.arange(blocks, dtype=np.uint32)
    x = list(start)
    for _ in range(10):
        for column in range(4):
            _quarter_round(x, column, 4 + column, 8 + column, 12 + column)
        for i in range(4):
            _quarter_round(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    out = np.stack([a + b for a, b in zip(x, start)], axis=1)
    return out.astype("<u4").tobytes()[:n_bytes]


def mask(key: bytes, stream: int, modulus: int, n: int) -> list[int]:
    """PRG(seed)[0 .. n - 1] as parseal/mask.h has it: for elements of 4 bytes up to 2**32, else 8."""
    width = 4 if modulus <= 1 << 32 else 8
    keep = (1 << (modulus - 1).bit_length()) - 1
    elements: list[int | None] = [None] * n
    attempt = 0
    while None in elements:
        nonce = attempt.to_bytes(4, "little") + stream.to_bytes(8, "little")
        stream_bytes = chacha20(key, nonce, n * width)
        for i, element in enumerate(elements):
            value = int.from_bytes(stream_bytes[i * width : (i + 1) * width], "little") & keep
            if element is None and value < modulus:
                elements[i] = value
        attempt += 1
    return [element for element in elements if element is not None]


def masked(acc: list[int], seeds: list[tuple[bytes, int, int]], modulus: int) -> list[int]:
    """acc with the masks of (key, stream, sign) added, mod modulus."""
    total = list(acc)
    for key, stream, sign in seeds:
        total = [a + sign * m for a, m in zip(total, mask(key, stream, modulus, len(acc)))]
    return [value % modulus for value in total]
