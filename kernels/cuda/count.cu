/* What no two runs may use twice, counted on the device: a graph replays its kernels, and so takes
 * the next numbers each time.
 *
 *   aead_count     A thread takes a message and the number of the message's run, r. Where r is
 *                  below `runs` the nonce is the first one, whose last 8 bytes have grown by r step
 *                  as a big-endian number; else it is zeros, and the message's state says that it
 *                  must not be sealed.
 *   aead_counted   A thread takes a message and hands its tag and its verdict to the caller, or
 *                  zeros and the refusal.
 *   seeds_count    One block takes a set: its seeds' stream ids become the number of the call.
 *   fcp_count      A thread takes a key of a set of fcp, whose call has its number in the session's
 *                  id, and derives the AES key for it; fcp_expand makes the round keys.
 *   count_wipe     A thread takes a word, which becomes 0 where the call had no number of its own.
 *   seeds_end      One thread ends a set's call.
 *
 * A number of runs is counted, not what is added up in it: 2^64 runs never come to an end, so that
 * nothing wraps. Runs of a plan may overlap, as each message's run takes its number at once. Calls
 * of a set may not, as they share its list: one that begins while another is under way leaves the
 * list alone, and is wiped.
 *
 * Constant time: the keys that fcp_count hashes are no address and decide no branch; nothing else
 * here is secret.
 */
#include "kernels/cuda/aead_memory.h"
#include "kernels/cuda/atomic.h"
#include "kernels/cuda/sha256.h"

enum { THREADS = 256, COUNTED = 8, ITEM_NO_NONCE = 3 };

FN u64 first_thread(void)
{
    return (u64)block_id() * THREADS + thread_id();
}

FN u64 all_threads(void)
{
    return (u64)block_count() * THREADS;
}

/* -------------------------------------------------------------------------------------- aead -- */

FN u64 load_be64(const u8 *p)
{
    u64 x = 0;
    NO_UNROLL
    for (u32 i = 0; i < COUNTED; i++)
        x = x << 8 | p[i];
    return x;
}

FN void store_be64(u8 *p, u64 x)
{
    NO_UNROLL
    for (u32 i = COUNTED; i > 0; i--) {
        p[i - 1] = (u8)x;
        x >>= 8;
    }
}

KERNEL(THREADS, 1)
aead_count(const u8 *firsts, u64 *done, u32 n, u32 nonce_size, u64 step, u64 runs, u8 *nonces,
           i32 *states)
{
    const u32 prefix = nonce_size - COUNTED;
    for (u64 i = first_thread(); i < n; i += all_threads()) {
        const u64 run = atomic_next64(done + i);
        const u32 is_left = run < runs;
        const u8 *first = firsts + nonce_size * i;
        u8 *nonce = nonces + nonce_size * i;
        NO_UNROLL
        for (u32 k = 0; k < prefix; k++)
            nonce[k] = is_left ? first[k] : 0;
        store_be64(nonce + prefix, is_left ? load_be64(first + prefix) + run * step : 0);
        states[i] = is_left ? (i32)ITEM_OK : (i32)ITEM_NO_NONCE;
    }
}

KERNEL(THREADS, 1)
aead_counted(const i32 *states, const u32 *made, u32 n, u8 *tags, i32 *verdicts)
{
    for (u64 i = first_thread(); i < n; i += all_threads()) {
        const uint4 zero = {0, 0, 0, 0};
        store_whole(tags + BLOCK * i, states[i] == ITEM_OK ? load_words(made + 4 * i) : zero);
        verdicts[i] = states[i];
    }
}

/* ------------------------------------------------------------------------------------- seeds -- */

/* A set's state: how many calls have had a number, whether the last of them found none left, its
 * number, and the calls under way. */
enum { DONE = 0, IS_OVER = 1, NUMBER = 2, UNDER_WAY = 3 };

/* With NUMBER_READ the number is the caller's and taken as it is, with NUMBER_WRITTEN the caller is
 * told. */
enum { NUMBER_UNUSED = 0, NUMBER_WRITTEN = 1, NUMBER_READ = 2 };

/* Calls under way are counted in the lower half of a word. One that begins while another is under
 * way, and reads the set's list, sets the flag, which stays until none is: whatever the two do to
 * the list meanwhile, both are wiped, unless the first has been finished before. */
#define OVERLAP ((u64)1 << 32)

FN u64 after_begin(u64 calls)
{
    return calls == 0 ? 1 : (calls + 1) | OVERLAP;
}

FN u64 after_end(u64 calls)
{
    return (u32)(calls - 1) == 0 ? 0 : calls - 1;
}

/* Begins a call, and returns whether no other one is under way. */
FN u32 begin_call(u64 *calls)
{
    u64 seen = 0, found = atomic_replace64(calls, seen, after_begin(seen));
    while (found != seen) {
        seen = found;
        found = atomic_replace64(calls, seen, after_begin(seen));
    }
    return seen == 0;
}

FN void end_call(u64 *calls)
{
    u64 seen = 1, found = atomic_replace64(calls, seen, after_end(seen));
    while (found != seen) {
        seen = found;
        found = atomic_replace64(calls, seen, after_end(seen));
    }
}

/* Takes the next number of the set, and returns it. */
FN u64 take_number(u64 *state, u64 first, u64 step, u64 runs, const u64 *number, u32 use)
{
    const u64 done = state[DONE], none = ~(u64)0;
    const u32 is_over = use != NUMBER_READ && done >= runs;
    const u64 counted = is_over ? none : first + done * step;
    const u64 now = use == NUMBER_READ ? *number : counted;
    state[DONE] = done + !is_over;
    state[IS_OVER] = is_over;
    state[NUMBER] = now;
    return now;
}

KERNEL(THREADS, 1)
seeds_count(u64 *state, mask_seed *seeds, u32 n, u64 first, u64 step, u64 runs, u64 *number,
            u32 use)
{
    SHARED(u32, taken, 3);
    if (thread_id() == 0) {
        const u32 alone = begin_call(state + UNDER_WAY);
        const u64 now = alone ? take_number(state, first, step, runs, number, use) : ~(u64)0;
        if (use == NUMBER_WRITTEN)
            *number = now;
        taken[0] = alone;
        taken[1] = (u32)now;
        taken[2] = (u32)(now >> 32);
    }
    block_sync();
    const u32 alone = taken[0], low = taken[1], high = taken[2];
    NO_UNROLL
    for (u64 j = thread_id(); alone && j < n; j += THREADS) {
        seeds[j].stream_id[0] = low;
        seeds[j].stream_id[1] = high;
    }
}

KERNEL(THREADS, 1) count_wipe(const u64 *state, u32 *words, u64 count)
{
    if (state[IS_OVER] == 0 && (state[UNDER_WAY] & OVERLAP) == 0)
        return;
    NO_UNROLL
    for (u64 i = first_thread(); i < count; i += all_threads())
        words[i] = 0;
}

KERNEL(LANES, 1) seeds_end(u64 *state)
{
    if (thread_id() == 0)
        end_call(state + UNDER_WAY);
}

/* --------------------------------------------------------------------------------------- fcp -- */

/* What fcp hashes to a key: the modulus's bits, a client's key, and a tail that is the same for all
 * of them, in which the call's number takes 8 bytes. */
enum { FCP_RAW = 48, FCP_RAW_LENGTH = 32 };

struct fcp_message {
    const u8 *raw, *tail;
    u32 bits, key_size;
    u64 number_at, number;
};

FN u32 message_byte(const fcp_message &m, u64 i)
{
    if (i < 4)
        return m.bits >> 8 * (3 - (u32)i) & 0xff;
    if (i < 4 + m.key_size)
        return m.raw[i - 4];
    const u64 of_tail = i - 4 - m.key_size, of_number = of_tail - m.number_at;
    return of_number < COUNTED ? (u32)(m.number >> 8 * (COUNTED - 1 - of_number)) & 0xff
                               : m.tail[of_tail];
}

KERNEL(THREADS, 1)
fcp_count(const u64 *state, const u8 *raws, fcp_key *keys, u32 n, u32 bits, const u8 *tail,
          u64 tail_size, u64 number_at)
{
    for (u64 j = first_thread(); j < n; j += all_threads()) {
        const u8 *raw = raws + FCP_RAW * j;
        const u32 key_size = raw[FCP_RAW_LENGTH];
        const fcp_message message = {raw, tail, bits, key_size, number_at, state[NUMBER]};
        u32 hash[8];
        sha256(hash, message, 4 + key_size + tail_size);
        UNROLL
        for (u32 k = 0; k < 8; k++)
            keys[j].round_key[k / 4][k % 4] = ghash_swap_bytes(hash[k]);
    }
}
