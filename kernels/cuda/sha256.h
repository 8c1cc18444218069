/* SHA-256, FIPS 180-4 section 6.2, of a message whose bytes are asked for one by one. Constant
 * time: only the number of a byte is an address. */
#ifndef PARSEAL_KERNELS_CUDA_SHA256_H
#define PARSEAL_KERNELS_CUDA_SHA256_H

#include "kernels/cuda/device.h"

enum { SHA256_BLOCK = 64, SHA256_ROUNDS = 64 };

/* The index is the same in all lanes. */
CONSTANT u32 sha256_constants[SHA256_ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

FN u32 sha256_rotate(u32 x, u32 n)
{
    return x >> n | x << (32 - n);
}

/* Adds one block to the hash. The words move on by one with each round, so that no register has an
 * index. */
FN void sha256_block(u32 hash[8], u32 w[16])
{
    u32 a = hash[0], b = hash[1], c = hash[2], d = hash[3];
    u32 e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    NO_UNROLL
    for (u32 r = 0; r < SHA256_ROUNDS; r++) {
        const u32 s0 = sha256_rotate(w[1], 7) ^ sha256_rotate(w[1], 18) ^ w[1] >> 3;
        const u32 s1 = sha256_rotate(w[14], 17) ^ sha256_rotate(w[14], 19) ^ w[14] >> 10;
        const u32 next = w[0] + s0 + w[9] + s1;
        const u32 of_e = sha256_rotate(e, 6) ^ sha256_rotate(e, 11) ^ sha256_rotate(e, 25);
        const u32 of_a = sha256_rotate(a, 2) ^ sha256_rotate(a, 13) ^ sha256_rotate(a, 22);
        const u32 t1 = h + of_e + ((e & f) ^ (~e & g)) + sha256_constants[r] + w[0];
        const u32 t2 = of_a + ((a & b) ^ (a & c) ^ (b & c));
        UNROLL
        for (u32 k = 0; k < 15; k++)
            w[k] = w[k + 1];
        w[15] = next;
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    hash[0] += a;
    hash[1] += b;
    hash[2] += c;
    hash[3] += d;
    hash[4] += e;
    hash[5] += f;
    hash[6] += g;
    hash[7] += h;
}

/* Returns byte i of the message and its padding, whose last 8 bytes are its length in bits. */
template <class Message> FN u32 sha256_padded(const Message &message, u64 size, u64 end, u64 i)
{
    if (i < size)
        return message_byte(message, i);
    if (i == size)
        return 0x80;
    return i < end - 8 ? 0 : (u32)(8 * size >> 8 * (end - 1 - i)) & 0xff;
}

/* hash = SHA-256 of the message's `size` bytes; message_byte(message, i) is the i-th. */
template <class Message> FN void sha256(u32 hash[8], const Message &message, u64 size)
{
    const u64 end = (size + 8) / SHA256_BLOCK * SHA256_BLOCK + SHA256_BLOCK;
    hash[0] = 0x6a09e667;
    hash[1] = 0xbb67ae85;
    hash[2] = 0x3c6ef372;
    hash[3] = 0xa54ff53a;
    hash[4] = 0x510e527f;
    hash[5] = 0x9b05688c;
    hash[6] = 0x1f83d9ab;
    hash[7] = 0x5be0cd19;
    NO_UNROLL
    for (u64 at = 0; at < end; at += SHA256_BLOCK) {
        u32 w[16];
        UNROLL
        for (u32 k = 0; k < 16; k++)
            w[k] = 0;
        NO_UNROLL
        for (u32 i = 0; i < SHA256_BLOCK; i++) { /* Bytes come in from the end. */
            UNROLL
            for (u32 k = 0; k < 15; k++)
                w[k] = w[k] << 8 | w[k + 1] >> 24;
            w[15] = w[15] << 8 | sha256_padded(message, size, end, at + i);
        }
        sha256_block(hash, w);
    }
}

#endif
