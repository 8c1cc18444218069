/* Masks mod an m that many candidates are not below, on vectors of 32-bit lanes: a part of
 * mask_template.h, which includes it.
 *
 * A block of 64 bytes has to be made for every attempt that one of its elements needs. Where half
 * of all candidates are rejected, that is 5.4 times for 16 elements and 4.4 for 8, on average; but
 * the slowest of the 512 elements of a whole unit needs 10. So whole units make the first attempts
 * only, those that most blocks need. After these single blocks wait in a queue, with the attempt
 * that each needs next, and the kernel takes as many of them at a time as it has lanes, wherever in
 * the chunk they lie. Where fewer wait than there are lanes, each gets several attempts at once.
 *
 * Constant time but for one thing: which blocks wait decides what is computed next, and at which
 * place of the chunk it is put. That follows from which candidates were at or above m; these are
 * thrown away, and are independent of the ones used.
 */

/* A chunk's elements, and their sum over the seeds, are in the order of memory and stay in the
 * first-level cache. A longer chunk wastes fewer lanes at its end, and takes more of the stack. */
enum {
    CHUNK_BLOCKS = 256,
    CHUNK_BYTES = 64 * CHUNK_BLOCKS,
    BLOCK_VECTORS = 64 / sizeof(lanes),
    CHUNK_VECTORS = CHUNK_BLOCKS * BLOCK_VECTORS
};

/* The blocks that wait, of which there are never more than the chunk has. `first` and `end` count
 * on, and are taken mod CHUNK_BLOCKS. */
typedef struct {
    uint32_t place[CHUNK_BLOCKS], attempt[CHUNK_BLOCKS];
    uint32_t first, end;
} queue;

typedef struct {
    lanes element[CHUNK_VECTORS], sum[CHUNK_VECTORS];
    lanes x[VECTORS], other[VECTORS];
    queue waiting;
} chunk;

/* What is the same for all seeds: the ring, the first block's counter, how many blocks there are,
 * and how many attempts whole units make. */
typedef struct {
    unit begin;
    uint32_t blocks, whole_attempts;
} extent;

/* Returns the share of the candidates that are rejected, in units of 2^-32. */
static uint64_t rejected_share(const ring *r)
{
    const uint32_t bits = ring_bits(r);
    const uint64_t rejected = r->low_bits - r->modulus + 1;
    return bits <= 32 ? rejected << (32 - bits) : rejected >> (bits - 32);
}

/* Returns true where the queue is worth its cost: where a unit of 512 elements needs a second
 * attempt more often than one time in eight. */
static bool rejects_many(const ring *r)
{
    return !r->power_of_two && rejected_share(r) >> 20 != 0;
}

/* An attempt is for whole units while a block has 5 / 2 elements left, on average. Nine blocks of
 * ten need it then; with fewer left the queue is as fast. */
static uint32_t attempts_of_whole_units(const ring *r, uint32_t element_size)
{
    const uint64_t share = rejected_share(r);
    uint64_t left = (UINT64_C(64) / element_size) << 32;
    uint32_t t = 0;
    do {
        left = (left >> 32) * share + ((left & UINT32_MAX) * share >> 32);
        t++;
    } while (left >= UINT64_C(10) << 30);
    return t;
}

INLINE lanes modulus_of(const unit *u, bool narrow)
{
    return narrow ? lanes_set32((uint32_t)u->r->modulus) : lanes_set64(u->r->modulus);
}

/* Makes the first attempts of a unit. The last of them comes first, so that each of the others
 * replaces what it has accepted, whatever that was. */
INLINE void begin_unit(chunk *c, const mask_seed *seed, const unit *u, uint32_t attempts,
                       bool narrow, lanes *to)
{
    const lanes m = modulus_of(u, narrow), low_bits = low_bits_of(u);
    words_of(c->x, seed, u, attempts - 1);
    for (uint32_t t = attempts - 1; t-- > 0;) {
        words_of(c->other, seed, u, t);
        for (int i = 0; i < VECTORS; i++)
            c->x[i] = accepted_or(lanes_and(c->other[i], low_bits), c->x[i], m, narrow);
    }
    store_blocks((uint8_t *)to, c->x, !narrow, true, low_bits);
}

static NOINLINE void begin_unit32(chunk *c, const mask_seed *seed, const unit *u, uint32_t attempts,
                                  lanes *to)
{
    begin_unit(c, seed, u, attempts, true, to);
}

static NOINLINE void begin_unit64(chunk *c, const mask_seed *seed, const unit *u, uint32_t attempts,
                                  lanes *to)
{
    begin_unit(c, seed, u, attempts, false, to);
}

/* Lets a block wait for an attempt if one of its elements needs it. There is no branch, since it
 * would be taken at random. */
INLINE void wait_if_rejected(queue *q, const lanes *block, lanes m, bool narrow, uint32_t place,
                             uint32_t attempt)
{
    q->place[q->end % CHUNK_BLOCKS] = place;
    q->attempt[q->end % CHUNK_BLOCKS] = attempt;
    q->end += any_rejected(block, BLOCK_VECTORS, m, narrow);
}

/* Blocks that have left the queue: lane `each` i + t is for block i, and its attempt t from the
 * one on that it has waited for. */
typedef struct {
    block_numbers place, attempt;
} batch;

/* Makes the attempts of n blocks. Those that need still more join the queue's end. */
INLINE void serve(chunk *c, const mask_seed *seed, const extent *e, bool narrow, const batch *b,
                  uint32_t n, uint32_t each)
{
    const lanes m = modulus_of(&e->begin, narrow), low_bits = low_bits_of(&e->begin);
    block_numbers counter;
    for (int set = 0; set < SETS; set++)
        counter.vector[set] = lanes_add32(b->place.vector[set], lanes_set32(e->begin.counter));
    chacha20_anywhere(c->other, seed, &b->attempt, &counter);
    store_blocks((uint8_t *)c->x, c->other, false, false, low_bits);
    for (uint32_t lane = 0; lane < n * each; lane += each) {
        const uint32_t place = b->place.block[lane];
        lanes *to = c->element + place * BLOCK_VECTORS, block[BLOCK_VECTORS];
        for (int i = 0; i < BLOCK_VECTORS; i++) {
            block[i] = to[i];
            for (uint32_t t = 0; t < each; t++)
                block[i] = accepted_or(
                    block[i], lanes_and(c->x[(lane + t) * BLOCK_VECTORS + (uint32_t)i], low_bits),
                    m, narrow);
            to[i] = block[i];
        }
        wait_if_rejected(&c->waiting, block, m, narrow, place, b->attempt.block[lane] + each);
    }
}

/* Takes UNIT_BLOCKS blocks from the queue. They are loaded whole (template/chacha20.h says why),
 * and do not go over the ring's end, as as many have been taken each time before. */
INLINE batch take_full(queue *q)
{
    batch b;
    memcpy(&b.place, q->place + q->first % CHUNK_BLOCKS, sizeof b.place);
    memcpy(&b.attempt, q->attempt + q->first % CHUNK_BLOCKS, sizeof b.attempt);
    q->first += UNIT_BLOCKS;
    return b;
}

/* Takes n blocks, fewer than UNIT_BLOCKS. */
INLINE batch take_rest(queue *q, uint32_t n, uint32_t each)
{
    batch b = {0};
    for (uint32_t i = 0, lane = 0; i < n; i++, q->first++)
        for (uint32_t t = 0; t < each; t++, lane++) {
            b.place.block[lane] = q->place[q->first % CHUNK_BLOCKS];
            b.attempt.block[lane] = q->attempt[q->first % CHUNK_BLOCKS] + t;
        }
    return b;
}

INLINE void serve_all(chunk *c, const mask_seed *seed, const extent *e, bool narrow)
{
    queue *q = &c->waiting;
    q->first = q->end = 0;
    for (uint32_t i = 0; i < e->blocks; i++)
        wait_if_rejected(q, c->element + i * BLOCK_VECTORS, modulus_of(&e->begin, narrow), narrow,
                         i, e->whole_attempts);
    while (q->end - q->first >= UNIT_BLOCKS) {
        const batch b = take_full(q);
        serve(c, seed, e, narrow, &b, UNIT_BLOCKS, 1);
    }
    while (q->end != q->first) {
        const uint32_t n = q->end - q->first, each = UNIT_BLOCKS / n;
        const batch b = take_rest(q, n, each);
        serve(c, seed, e, narrow, &b, n, each);
    }
}

static NOINLINE void serve_waiting32(chunk *c, const mask_seed *seed, const extent *e)
{
    serve_all(c, seed, e, true);
}

static NOINLINE void serve_waiting64(chunk *c, const mask_seed *seed, const extent *e)
{
    serve_all(c, seed, e, false);
}

/* Adds one seed's mask to the chunk's sum. */
static void add_rejecting_seed(chunk *c, const mask_seed *seed, const extent *e)
{
    const uint64_t modulus = e->begin.r->modulus;
    const int vectors = (int)(e->blocks * BLOCK_VECTORS);
    const bool narrow = e->begin.element_size == 4;
    unit u = e->begin;
    for (uint32_t i = 0; i < e->blocks; i += UNIT_BLOCKS, u.counter += UNIT_BLOCKS)
        (narrow ? begin_unit32 : begin_unit64)(c, seed, &u, e->whole_attempts,
                                               c->element + i * BLOCK_VECTORS);
    if (narrow) {
        serve_waiting32(c, seed, e);
        add_modular32(c->sum, c->element, vectors, (uint32_t)modulus, seed->sign < 0);
    } else {
        serve_waiting64(c, seed, e);
        add_modular64(c->sum, c->element, vectors, modulus, seed->sign < 0);
    }
}

/* apply, with red made. The chunk begins at the first element's block, as whole units are not
 * needed. */
static NOINLINE void apply_rejecting(const mask_seed *seeds, size_t n_seeds, const reduction *red,
                                     uint32_t element_size, void *acc, uint64_t first, size_t count,
                                     mask_output output)
{
    const uint32_t whole_attempts = attempts_of_whole_units(&red->r, element_size);
    uint64_t at = first * element_size;
    size_t left = count * element_size;
    uint8_t *p = acc;
    chunk c;

    while (left > 0) {
        const size_t from = (size_t)(at % 64);
        const size_t size = left < CHUNK_BYTES - from ? left : CHUNK_BYTES - from;
        const extent e = {{&red->r, element_size, (uint32_t)(at / 64)},
                          (uint32_t)((from + size + 63) / 64),
                          whole_attempts};
        memset(c.sum, 0, sizeof c.sum);
        for (size_t j = 0; j < n_seeds; j++)
            add_rejecting_seed(&c, &seeds[j], &e);
        put_sum(red, element_size, p, (const uint8_t *)c.sum + from, size, output);
        p += size;
        at += size;
        left -= size;
    }
    sodium_memzero(&c, sizeof c);
}
