#!/usr/bin/env python3
"""Writes host/choose/selftest/vectors.h: the answers that every implementation must know.

    python3 tests/kat/selftest_vectors.py > host/choose/selftest/vectors.h

An implementation of its own of everything the library computes, straight from the standards and the
formats' definitions, on Python integers. Only AES-GCM and AES-CTR come from a library (PyPI's `cryptography`).
"""
import hashlib
import math
import struct
import textwrap

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def pattern(n, salt):
    return bytes((i * 167 + (i >> 8) * 13 + salt * 59 + 7) & 255 for i in range(n))


def digest(data):
    return hashlib.blake2b(data, digest_size=16).digest()


# ------------------------------------------------------------------------------------- AES-GCM --

# A batch of messages of all kinds, and a message by itself that is long enough for what GPUs do to long ones alone.
MESSAGES = [0, 1, 15, 16, 17, 63, 64, 255, 513, 1024, 4109, 70003]
LONG_MESSAGE = [140003]


def aead(key_len, lengths):
    keys = [pattern(key_len, 1), pattern(key_len, 2)]
    out = b''
    for i, n in enumerate(lengths):
        out += AESGCM(keys[i % 2]).encrypt(pattern(12, 10 + i), pattern(n, 50 + i), pattern(i * 7, 90 + i))
    return digest(out)


# -------------------------------------------------------------------------------------- ChaCha20 --

def chacha20_block(key, nonce, counter):
    state = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]
    state += struct.unpack('<8I', key) + (counter,) + struct.unpack('<3I', nonce)
    x = list(state)

    def quarter(a, b, c, d):
        for p, q, r, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[p] = (x[p] + x[q]) & 0xffffffff
            x[r] ^= x[p]
            x[r] = (x[r] << by | x[r] >> (32 - by)) & 0xffffffff

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack('<16I', *((a + b) & 0xffffffff for a, b in zip(x, state)))


assert chacha20_block(bytes(range(32)), bytes.fromhex('000000090000004a00000000'), 1).hex().startswith(
    '10f1e7e4d13b5915500fdd1fa32071c4')  # RFC 8439 section 2.3.2

BLOCKS = {}


def keystream(seed, attempt, begin, size):
    key, stream, _ = seed
    block = begin // 64
    where = (key, stream, attempt, block)
    if where not in BLOCKS:
        BLOCKS[where] = chacha20_block(key, struct.pack('<I', attempt) + stream, block)
    return BLOCKS[where][begin % 64:begin % 64 + size]


def mask_element(seed, modulus, width, i):
    bits = (modulus - 1).bit_length()
    attempt = 0
    while True:
        value = int.from_bytes(keystream(seed, attempt, i * width, width), 'little') & ((1 << bits) - 1)
        if value < modulus:
            return value
        attempt += 1


SEEDS = [(pattern(32, 3), pattern(8, 4), 1), (pattern(32, 5), pattern(8, 6), -1), (pattern(32, 7), pattern(8, 8), 1)]
RINGS = [(2, 4), (1 << 20, 4), (1 << 32, 4), (4294967291, 4), ((1 << 31) + 11, 4),
         (1 << 32, 8), ((1 << 61) - 1, 8), ((1 << 63) + 29, 8), (1 << 64, 8)]
MASK_FIRST, MASK_COUNT = 1000003, 700
SUM_INPUTS, SUM_COUNT = 5, 333


def words(data, width):
    return [int.from_bytes(data[i:i + width], 'little') for i in range(0, len(data), width)]


def join(values, width):
    return b''.join(v.to_bytes(width, 'little') for v in values)


def mask(modulus, width):
    acc = words(pattern(MASK_COUNT * width, 9), width)
    return digest(join([(a + sum(s[2] * mask_element(s, modulus, width, MASK_FIRST + i) for s in SEEDS)) % modulus
                        for i, a in enumerate(acc)], width))


def vec_sum(modulus, width):
    inputs = [words(pattern(SUM_COUNT * width, 20 + j), width) for j in range(SUM_INPUTS + 1)]
    return digest(join([sum(column) % modulus for column in zip(*inputs)], width))


# ---------------------------------------------------------------------------- fcp-aes256ctr --

FCP_RINGS = [(2, 4), (1 << 20, 4), (1 << 32, 4), (532021, 4), ((1 << 31) + 11, 4), (4294967291, 4),
             (1 << 40, 8), (1 << 62, 8), ((1 << 47) + 5, 8), ((1 << 61) - 1, 8), ((1 << 61) + 1, 8)]
FCP_FIRST, FCP_COUNT = 1003, 700


def fcp_elements(key, modulus, count):
    bits = (modulus - 1).bit_length()
    size = (bits + 7) // 8
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(size * (3 * count + 500)))
    values = []
    for i in range(0, len(stream), size):
        value = int.from_bytes(stream[i:i + size], 'big') & ((1 << bits) - 1)
        if value >= (1 << bits) - modulus:
            values.append(value if value < modulus else value - modulus)
    return values[:count]


def fcp(modulus, width):
    masks = [(sign, fcp_elements(key, modulus, FCP_FIRST + FCP_COUNT)[FCP_FIRST:]) for key, _, sign in SEEDS]
    acc = words(pattern(FCP_COUNT * width, 9), width)
    return digest(join([(a + sum(sign * m[i] for sign, m in masks)) % modulus for i, a in enumerate(acc)], width))


# ------------------------------------------------------------------------------- quantisation --

def f32(x):
    return struct.unpack('<f', struct.pack('<f', x))[0]


def to_float(raw, kind):
    if kind == 'FLOAT32':
        return struct.unpack('<f', raw)[0]
    if kind == 'BFLOAT16':
        return struct.unpack('<f', b'\0\0' + raw)[0]
    return struct.unpack('<e', raw)[0]


QUANT_COUNT, QUANT_FIRST = 515, 77
QUANTS = [('FLOAT32', 1, 'NEAREST', 4), ('FLOAT32', 16, 'STOCHASTIC', 4), ('FLOAT32', 24, 'STOCHASTIC', 8),
          ('BFLOAT16', 8, 'STOCHASTIC', 4), ('FLOAT16', 12, 'NEAREST', 4), ('FLOAT16', 16, 'STOCHASTIC', 8)]
CLIP = 1.5


def quant_input(kind):
    """Raw patterns: every exponent, NaN and infinities included; for float32 half of them near the clip."""
    width = 4 if kind == 'FLOAT32' else 2
    raw = bytearray(pattern(QUANT_COUNT * width, 30))
    if kind == 'FLOAT32':
        for i in range(0, QUANT_COUNT, 2):
            raw[4 * i + 3] = 0x3f | raw[4 * i + 3] & 0x80
    return bytes(raw)


def quantize(kind, bits, rounding, width):
    raw = quant_input(kind)
    size = len(raw) // QUANT_COUNT
    top, c = (1 << bits) - 1, f32(CLIP)
    s = f32(top / (2 * c))
    out, nonfinite = [], 0
    for i in range(QUANT_COUNT):
        x = to_float(raw[size * i:size * i + size], kind)
        if not math.isfinite(x):
            x, nonfinite = 0.0, nonfinite + 1
        x = min(max(x, -c), c)
        u = min(f32(f32(x + c) * s), float(top))
        k = math.floor(u)
        f = u - k
        if rounding == 'NEAREST':
            k += f >= 0.5
        else:
            k += math.floor(f * 2**32) > mask_element(SEEDS[0], 1 << 32, 4, QUANT_FIRST + i)
        out.append(min(k, top))
    return digest(join(out, width)), nonfinite


DEQUANT_COUNT, DEQUANT_CLIENTS = 130, 3


def dequantize():
    sums = words(pattern(DEQUANT_COUNT * 4, 40), 4)
    bits = 16
    top = (1 << bits) - 1
    values = [s % (DEQUANT_CLIENTS * top + 1) for s in sums]
    return values, [f32(v * (2 * CLIP / top) / DEQUANT_CLIENTS - CLIP) for v in values]


# ---------------------------------------------------------------------------------------- pack --

PACKS = [(1, 4), (7, 4), (13, 4), (16, 4), (32, 4), (21, 8), (33, 8), (63, 8), (64, 8)]
PACK_COUNT = 211


def pack(bits, width):
    elements = words(pattern(PACK_COUNT * width, 60), width)
    stream = sum((e & ((1 << bits) - 1)) << (i * bits) for i, e in enumerate(elements))
    return digest(stream.to_bytes((PACK_COUNT * bits + 7) // 8, 'little'))


# -------------------------------------------------------------------------------------- output --

def c_bytes(data):
    return '{' + ', '.join(f'0x{b:02x}' for b in data) + '}'


def row(text):
    """Prints a row of a table, on several lines where it is wider than the project's C."""
    print('\n'.join(textwrap.wrap(text, 100, initial_indent='    ', subsequent_indent='     ', break_on_hyphens=False)))


def ring_rows(name, function, rings=RINGS):
    print(f'static const ring_answer {name}[] = {{')
    for modulus, width in rings:
        row(f'{{UINT64_C({modulus % 2**64}), {width}, {c_bytes(function(modulus, width))}}},')
    print('};\n')


print('''/* Made by tests/kat/selftest_vectors.py, which says what each answer is. Not edited by hand. */
#ifndef PARSEAL_HOST_CHOOSE_SELFTEST_VECTORS_H
#define PARSEAL_HOST_CHOOSE_SELFTEST_VECTORS_H

#include "parseal/parseal.h"

/* clang-format off */
typedef struct {
    uint64_t modulus;
    uint32_t element_size;
    uint8_t digest[16];
} ring_answer;

typedef struct {
    int32_t alg;
    const size_t *lengths;
    size_t n;
    uint8_t digest[16];
} aead_answer;

typedef struct {
    int32_t float_type;
    uint32_t bits;
    int32_t rounding;
    uint32_t element_size;
    uint64_t nonfinite;
    uint8_t digest[16];
} quant_answer;

typedef struct {
    uint32_t bits, element_size;
    uint8_t digest[16];
} pack_answer;
''')
print(f'static const size_t aead_lengths[] = {{{", ".join(map(str, MESSAGES))}}};')
print(f'static const size_t aead_long_length[] = {{{LONG_MESSAGE[0]}}};\n')
print('static const aead_answer aead_answers[] = {')
for alg, key_len in ('PARSEAL_AES128GCM', 16), ('PARSEAL_AES256GCM', 32):
    for name, lengths in ('aead_lengths', MESSAGES), ('aead_long_length', LONG_MESSAGE):
        row(f'{{{alg}, {name}, {len(lengths)}, {c_bytes(aead(key_len, lengths))}}},')
print('};\n')
print(f'enum {{ MASK_FIRST = {MASK_FIRST}, MASK_COUNT = {MASK_COUNT}, SUM_INPUTS = {SUM_INPUTS}, SUM_COUNT = {SUM_COUNT},\n'
      f'       FCP_FIRST = {FCP_FIRST}, FCP_COUNT = {FCP_COUNT},\n'
      f'       QUANT_COUNT = {QUANT_COUNT}, QUANT_FIRST = {QUANT_FIRST}, DEQUANT_COUNT = {DEQUANT_COUNT},\n'
      f'       DEQUANT_CLIENTS = {DEQUANT_CLIENTS}, PACK_COUNT = {PACK_COUNT} }};\n')
ring_rows('mask_answers', mask)
ring_rows('sum_answers', vec_sum)
ring_rows('fcp_answers', fcp, FCP_RINGS)
print('static const quant_answer quant_answers[] = {')
for kind, bits, rounding, width in QUANTS:
    d, nonfinite = quantize(kind, bits, rounding, width)
    row(f'{{PARSEAL_{kind}, {bits}, PARSEAL_ROUND_{rounding}, {width}, {nonfinite}, {c_bytes(d)}}},')
print('};\n')
values, means = dequantize()
print('static const uint32_t dequant_sums[DEQUANT_COUNT] = {')
for i in range(0, DEQUANT_COUNT, 8):
    row(' '.join(f'{v},' for v in values[i:i + 8]))
print('};\nstatic const float dequant_means[DEQUANT_COUNT] = {')
for i in range(0, DEQUANT_COUNT, 4):
    row(' '.join(f'{m.hex()}f,' for m in means[i:i + 4]))
print('};\n')
print('static const pack_answer pack_answers[] = {')
for bits, width in PACKS:
    row(f'{{{bits}, {width}, {c_bytes(pack(bits, width))}}},')
print('};\n/* clang-format on */\n\n#endif')
