/* The AES-256 counter mode of format `fcp-aes256ctr` on registers of AES blocks: block i of the
 * keystream is E(0^96 || BE32(first + i)). It is for every instruction set that has AES rounds; the
 * including file defines `block`, `blocks` and their operations (x86/blocks512.h, ...).
 *
 * CHUNK_REGISTERS registers of counters go through the rounds side by side, which hides the latency
 * of a round. Constant time: AES instructions, no table, no branch on key or keystream.
 */
#include "fallback/impl.h"

enum { CHUNK_REGISTERS = 8, CHUNK_BLOCKS = CHUNK_REGISTERS * BLOCKS_COUNT, ROUNDS = 14 };

typedef struct {
    block round_key[ROUNDS + 1];
} fcp_key;

#define KEY_SIZE ((sizeof(fcp_key) + 63) / 64 * 64)

static void key_init(void *key, const uint8_t bytes[32])
{
    block_expand_key256(((fcp_key *)key)->round_key, bytes);
}

/* The counters are kept byte-reversed, so that dword 0 of a block counts. */
static void keystream(const void *key, uint32_t first, uint8_t *to, size_t n)
{
    const block *round_key = ((const fcp_key *)key)->round_key;
    const blocks step = blocks_broadcast(block_set(0, BLOCKS_COUNT)), zero = blocks_zero();
    blocks counters = blocks_add32(blocks_broadcast(block_set(0, first)), blocks_block_numbers());
    for (size_t done = 0; done < n; done += CHUNK_BLOCKS, to += 16 * CHUNK_BLOCKS) {
        blocks x[CHUNK_REGISTERS], previous = blocks_broadcast(round_key[0]);
        for (int v = 0; v < CHUNK_REGISTERS; v++) {
            x[v] = blocks_aes_begin(blocks_reverse(counters), previous);
            counters = blocks_add32(counters, step);
        }
        for (int r = 1; r < ROUNDS; r++) {
            const blocks next = blocks_broadcast(round_key[r]);
            for (int v = 0; v < CHUNK_REGISTERS; v++)
                x[v] = blocks_aes_round(x[v], previous, next);
            previous = next;
        }
        const blocks last = blocks_broadcast(round_key[ROUNDS]);
        for (int v = 0; v < CHUNK_REGISTERS; v++)
            blocks_store(to + v * BLOCKS_BYTES, blocks_aes_last(x[v], previous, last, zero));
    }
}
