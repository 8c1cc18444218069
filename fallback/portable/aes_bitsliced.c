/* AES, bitsliced over 64 blocks.
 *
 * The state plane[p][i] holds bit p of state byte i of 64 blocks, one block in each bit of the
 * word. Rows come first, i = 4 * row + column, so that MixColumns works on runs of four words. In
 * this shape ShiftRows is only a choice of words, there are no masks and no shifts, and every loop
 * below is a plain loop over words that a compiler turns into vector code.
 *
 * Constant time: straight-line logic; no table, no branch and no address depends on key or data.
 *
 * The S-box is the circuit of Boyar and Peralta, "A small depth-16 circuit for the AES S-box" (SEC
 * 2012). The names y, t, z are the paper's, whose bit 0 is the most significant.
 */
#include "fallback/portable/aes_bitsliced.h"

#include <sodium.h>
#include <string.h>

#include "fallback/math/bytes.h"
#include "host/support/wipe.h"

enum { GROUP_BLOCKS = 64, GROUP_BYTES = 16 * GROUP_BLOCKS };

typedef uint64_t planes[8][16];

/* Everything secret that a call leaves behind lies in one place, to be wiped at once. It is larger
 * than what wipe_stack reaches: the functions that hold it do nothing else with secrets, so that
 * what the compiler spills lies below it, and wipe that themselves. */
typedef struct {
    planes round_key[AES_ROUNDS_MAX + 1];
    planes state, rows;
    uint64_t half[2][GROUP_BLOCKS]; /* half[h][block]: little-endian half of a block */
} scratch;

#define SUB_BYTES(x0, x1, x2, x3, x4, x5, x6, x7)                                                  \
    do {                                                                                           \
        const uint64_t u0 = x7, u1 = x6, u2 = x5, u3 = x4, u4 = x3, u5 = x2, u6 = x1, u7 = x0;     \
        const uint64_t y14 = u3 ^ u5, y13 = u0 ^ u6, y9 = u0 ^ u3, y8 = u0 ^ u5, t0 = u1 ^ u2;     \
        const uint64_t y1 = t0 ^ u7, y4 = y1 ^ u3, y12 = y13 ^ y14, y2 = y1 ^ u0, y5 = y1 ^ u6;    \
        const uint64_t y3 = y5 ^ y8, t1 = u4 ^ y12, y15 = t1 ^ u5, y20 = t1 ^ u1, y6 = y15 ^ u7;   \
        const uint64_t y10 = y15 ^ t0, y11 = y20 ^ y9, y7 = u7 ^ y11, y17 = y10 ^ y11;             \
        const uint64_t y19 = y10 ^ y8, y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = u0 ^ y16;            \
        /* The inversion in GF(2^8) goes by way of GF(2^4). */                                     \
        const uint64_t t2 = y12 & y15, t4 = (y3 & y6) ^ t2, t6 = (y4 & u7) ^ t2, t7 = y13 & y16;   \
        const uint64_t t9 = (y5 & y1) ^ t7, t11 = (y2 & y7) ^ t7, t12 = y9 & y11;                  \
        const uint64_t t14 = (y14 & y17) ^ t12, t16 = (y8 & y10) ^ t12;                            \
        const uint64_t t21 = t4 ^ t14 ^ y20, t22 = t6 ^ t16 ^ y19, t23 = t9 ^ t14 ^ y21;           \
        const uint64_t t24 = t11 ^ t16 ^ y18, t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26;   \
        const uint64_t t29 = (t25 & t27) ^ t22, t30 = t23 ^ t24, t31 = t22 ^ t26;                  \
        const uint64_t t33 = (t31 & t30) ^ t24, t34 = t23 ^ t33, t35 = t27 ^ t33, t36 = t24 & t35; \
        const uint64_t t37 = t36 ^ t34, t38 = t27 ^ t36, t40 = t25 ^ (t29 & t38);                  \
        const uint64_t t41 = t40 ^ t37, t42 = t29 ^ t33, t43 = t29 ^ t40, t44 = t33 ^ t37;         \
        const uint64_t t45 = t42 ^ t41;                                                            \
        const uint64_t z0 = t44 & y15, z1 = t37 & y6, z2 = t33 & u7, z3 = t43 & y16;               \
        const uint64_t z4 = t40 & y1, z5 = t29 & y7, z6 = t42 & y11, z7 = t45 & y17;               \
        const uint64_t z8 = t41 & y10, z9 = t44 & y12, z10 = t37 & y3, z11 = t33 & y4;             \
        const uint64_t z12 = t43 & y13, z13 = t40 & y5, z14 = t29 & y2, z15 = t42 & y9;            \
        const uint64_t z16 = t45 & y14, z17 = t41 & y8;                                            \
        /* The rest goes back to the polynomial basis, and is the affine map. */                   \
        const uint64_t t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10;           \
        const uint64_t t50 = z2 ^ z12, t51 = z2 ^ z5, t52 = z7 ^ z8, t53 = z0 ^ z3, t54 = z6 ^ z7; \
        const uint64_t t55 = z16 ^ z17, t56 = z12 ^ t48, t57 = t50 ^ t53, t58 = z4 ^ t46;          \
        const uint64_t t59 = z3 ^ t54, t60 = t46 ^ t57, t61 = z14 ^ t57, t62 = t52 ^ t58;          \
        const uint64_t t63 = t49 ^ t58, t64 = z4 ^ t59, t65 = t61 ^ t62, t66 = z1 ^ t63;           \
        x7 = t59 ^ t63;                                                                            \
        x1 = t56 ^ ~t62;                                                                           \
        x0 = t48 ^ ~t60;                                                                           \
        x4 = t53 ^ t66;                                                                            \
        x3 = t51 ^ t66;                                                                            \
        x2 = t47 ^ t65;                                                                            \
        x6 = t64 ^ ~x4;                                                                            \
        x5 = t55 ^ ~(t64 ^ t65);                                                                   \
    } while (0)

void aes_sub_bytes(uint64_t x[8])
{
    SUB_BYTES(x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]);
}

/* ------------------------------------------------------------------------------ key schedule -- */

static void sub_word(uint8_t word[4])
{
    uint64_t x[8] = {0};
    for (int j = 0; j < 4; j++)
        for (int p = 0; p < 8; p++)
            x[p] |= (uint64_t)(word[j] >> p & 1) << j;
    aes_sub_bytes(x);
    for (int j = 0; j < 4; j++) {
        word[j] = 0;
        for (int p = 0; p < 8; p++)
            word[j] |= (uint8_t)((x[p] >> j & 1) << p);
    }
    sodium_memzero(x, sizeof x);
}

/* Expands a key by FIPS 197 section 5.2. */
void aes_key_init(aes_key *key, const uint8_t *bytes, size_t key_len)
{
    const size_t nk = key_len / 4;
    uint8_t *w = key->round_key[0];
    uint8_t word[4], rcon = 1;

    key->rounds = (uint32_t)nk + 6;
    memcpy(w, bytes, key_len);
    for (size_t i = nk; i < 4 * (key->rounds + 1); i++) {
        memcpy(word, w + 4 * (i - 1), 4);
        if (i % nk == 0) {
            const uint8_t rotated = word[0];
            memmove(word, word + 1, 3);
            word[3] = rotated;
            sub_word(word);
            word[0] ^= rcon;
            rcon = (uint8_t)(rcon << 1 ^ (rcon >> 7) * 0x1b);
        } else if (nk > 6 && i % nk == 4) {
            sub_word(word);
        }
        for (size_t j = 0; j < 4; j++)
            w[4 * i + j] = w[4 * (i - nk) + j] ^ word[j];
    }
    sodium_memzero(word, sizeof word);
}

/* -------------------------------------------------------------------------------- the rounds -- */

/* Returns the word for state byte `byte` of FIPS 197, which counts columns first. */
static size_t row_major(size_t byte)
{
    return 4 * (byte % 4) + byte / 4;
}

/* Puts one block into all 64 places. */
static void broadcast(planes s, const uint8_t block[16])
{
    for (size_t byte = 0; byte < 16; byte++)
        for (int p = 0; p < 8; p++)
            s[p][row_major(byte)] = 0 - (uint64_t)(block[byte] >> p & 1);
}

static void sub_bytes(planes s)
{
    for (int i = 0; i < 16; i++)
        SUB_BYTES(s[0][i], s[1][i], s[2][i], s[3][i], s[4][i], s[5][i], s[6][i], s[7][i]);
}

/* Row r moves left by r columns. */
static void shift_rows(planes to, planes from)
{
    for (int p = 0; p < 8; p++) {
        memcpy(to[p], from[p], 4 * 8);
        memcpy(to[p] + 4, from[p] + 5, 3 * 8);
        memcpy(to[p] + 7, from[p] + 4, 1 * 8);
        memcpy(to[p] + 8, from[p] + 10, 2 * 8);
        memcpy(to[p] + 10, from[p] + 8, 2 * 8);
        memcpy(to[p] + 12, from[p] + 15, 1 * 8);
        memcpy(to[p] + 13, from[p] + 12, 3 * 8);
    }
}

/* Does MixColumns and AddRoundKey: with d = a[r] ^ a[r+1], row r becomes
 * 2 d ^ a[r+1] ^ (a[r+2] ^ a[r+3]). Doubling moves bit p to p + 1, and bit 7 into bits 0, 1, 3
 * and 4. */
static void mix_columns_add_key(planes to, planes a, planes key)
{
    for (int r = 0; r < 4; r++) {
        const int r0 = 4 * r, r1 = 4 * ((r + 1) & 3), r2 = 4 * ((r + 2) & 3),
                  r3 = 4 * ((r + 3) & 3);
        for (int c = 0; c < 4; c++) {
            const uint64_t d7 = a[7][r0 + c] ^ a[7][r1 + c];
            uint64_t doubled = d7;
            for (int p = 0; p < 8; p++) {
                to[p][r0 + c] =
                    doubled ^ a[p][r1 + c] ^ a[p][r2 + c] ^ a[p][r3 + c] ^ key[p][r0 + c];
                doubled = a[p][r0 + c] ^ a[p][r1 + c];
                if (p == 0 || p == 2 || p == 3)
                    doubled ^= d7;
            }
        }
    }
}

static void add_key(planes to, planes a, planes key)
{
    for (int p = 0; p < 8; p++)
        for (int i = 0; i < 16; i++)
            to[p][i] = a[p][i] ^ key[p][i];
}

static void expand_round_keys(scratch *s, const aes_key *key)
{
    for (uint32_t r = 0; r <= key->rounds; r++)
        broadcast(s->round_key[r], key->round_key[r]);
}

static void encrypt_state(scratch *s, uint32_t rounds)
{
    add_key(s->state, s->state, s->round_key[0]);
    for (uint32_t r = 1; r < rounds; r++) {
        sub_bytes(s->state);
        shift_rows(s->rows, s->state);
        mix_columns_add_key(s->state, s->rows, s->round_key[r]);
    }
    sub_bytes(s->state);
    shift_rows(s->rows, s->state);
    add_key(s->state, s->rows, s->round_key[rounds]);
}

/* ----------------------------------------------------------------------------- bits to bytes -- */

/* Bit j of word i changes places with bit i of word j. */
static void transpose64(uint64_t x[64])
{
    uint64_t mask = UINT64_C(0x00000000ffffffff);
    for (int width = 32; width > 0; width >>= 1, mask ^= mask << width)
        for (int i = 0; i < 64; i += 2 * width)
            for (int j = i; j < i + width; j++) {
                const uint64_t swap = (x[j] >> width ^ x[j + width]) & mask;
                x[j + width] ^= swap;
                x[j] ^= swap << width;
            }
}

static void planes_to_blocks(scratch *s)
{
    for (size_t h = 0; h < 2; h++) {
        for (size_t byte = 0; byte < 8; byte++)
            for (size_t p = 0; p < 8; p++)
                s->half[h][8 * byte + p] = s->state[p][row_major(8 * h + byte)];
        transpose64(s->half[h]);
    }
}

#define NOINLINE __attribute__((noinline))

static void wipe(scratch *s)
{
    sodium_memzero(s, sizeof *s);
    wipe_stack();
}

static NOINLINE void encrypt_block(scratch *s, const aes_key *key, const uint8_t in[16],
                                   uint8_t out[16])
{
    expand_round_keys(s, key);
    broadcast(s->state, in);
    encrypt_state(s, key->rounds);
    planes_to_blocks(s);
    store_le64(out, s->half[0][0]);
    store_le64(out + 8, s->half[1][0]);
}

void aes_encrypt_block(const aes_key *key, const uint8_t in[16], uint8_t out[16])
{
    scratch s;
    encrypt_block(&s, key, in, out);
    wipe(&s);
}

/* ------------------------------------------------------------------------------ counter mode -- */

/* Makes 64 counter blocks nonce || BE32(counter + j), by a ripple-carry adder over the planes. */
static void set_counters(planes s, const uint8_t nonce[12], uint32_t counter)
{
    static const uint64_t bit_of_j[6] = {
        UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_C(0xcccccccccccccccc), UINT64_C(0xf0f0f0f0f0f0f0f0),
        UINT64_C(0xff00ff00ff00ff00), UINT64_C(0xffff0000ffff0000), UINT64_C(0xffffffff00000000)};
    uint8_t block[16] = {0};
    uint64_t carry = 0;

    memcpy(block, nonce, 12);
    store_be32(block + 12, counter);
    broadcast(s, block);
    for (size_t bit = 0; bit < 32; bit++) {
        uint64_t *word = &s[bit % 8][row_major(15 - bit / 8)];
        const uint64_t a = *word, b = bit < 6 ? bit_of_j[bit] : 0;
        *word = a ^ b ^ carry;
        carry = (a & b) | (carry & (a ^ b));
    }
}

/* out = in ^ the keystream of blocks [skip, 64), as far as len reaches. */
static void xor_blocks(const scratch *s, size_t skip, const uint8_t *in, uint8_t *out, size_t len)
{
    size_t done = 0;
    for (size_t j = skip; j < GROUP_BLOCKS && len - done >= 16; j++, done += 16) {
        const uint64_t lo = load_le64(in + done) ^ s->half[0][j];
        const uint64_t hi = load_le64(in + done + 8) ^ s->half[1][j];
        store_le64(out + done, lo);
        store_le64(out + done + 8, hi);
    }
    for (size_t i = 0; done + i < len && skip + done / 16 < GROUP_BLOCKS; i++) {
        const uint64_t half = s->half[i / 8][skip + done / 16];
        out[done + i] = (uint8_t)(in[done + i] ^ half >> (8 * (i % 8)));
    }
}

static NOINLINE void xor_keystream(scratch *s, const aes_key *key, const uint8_t nonce[12],
                                   uint32_t counter, uint8_t *first, const uint8_t *in,
                                   uint8_t *out, size_t len)
{
    expand_round_keys(s, key);
    for (size_t skip = first != NULL; len > 0 || first != NULL; skip = 0) {
        size_t chunk = GROUP_BYTES - 16 * skip;
        if (chunk > len)
            chunk = len;
        set_counters(s->state, nonce, counter);
        encrypt_state(s, key->rounds);
        planes_to_blocks(s);
        if (first != NULL) {
            store_le64(first, s->half[0][0]);
            store_le64(first + 8, s->half[1][0]);
            first = NULL;
        }
        if (chunk > 0) {
            xor_blocks(s, skip, in, out, chunk);
            in += chunk;
            out += chunk;
        }
        len -= chunk;
        counter += GROUP_BLOCKS;
    }
}

void aes_ctr(const aes_key *key, const uint8_t nonce[12], uint32_t counter, uint8_t *first,
             const uint8_t *in, uint8_t *out, size_t len)
{
    scratch s;
    if (len == 0 && first == NULL)
        return;
    xor_keystream(&s, key, nonce, counter, first, in, out, len);
    wipe(&s);
}
