#include "bench/cpu/contender.h"
#include "bench/cpu/parallel.h"

#include <string.h>

struct peer peers[PEERS_MAX] = {
    {"libsodium", &contender_libsodium},
#ifdef PARSEAL_BENCH_OPENSSL
    {"openssl", &contender_openssl},
#else
    {"openssl", NULL},
#endif
#ifdef PARSEAL_BENCH_IPSEC_MB
    {"ipsec-mb", &contender_ipsec_mb},
#else
    {"ipsec-mb", NULL},
#endif
    {"naive", &contender_naive},
};

size_t n_peers = PEERS_MAX - PEERS_LOADED_MAX;

void peers_add(const struct contender *contender)
{
    peers[n_peers++] = (struct peer){contender->name, contender};
}

const uint8_t mask_zeros[MASK_CHUNK];

static bool host_is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

bool work_is_aead(const struct work *w)
{
    return w->op->family == &family_aead;
}

bool work_is_plain_mask(const struct work *w)
{
    return w->op->family == &family_mask && w->op->ring.element_size == 4 &&
           w->op->ring.modulus == UINT64_C(1) << 32 && host_is_little_endian();
}

bool work_is_set(const struct work *w)
{
    return w->op->family == &family_keys || w->op->family == &family_seeds;
}

bool work_is_native_sum(const struct work *w)
{
    return w->op->family == &family_vec_sum && host_is_little_endian();
}

struct crypt_job {
    parseal_msg *msgs;
    crypt_one_fn *crypt_one;
    void *session;
};

static bool crypt_slice(void *arg, unsigned thread, size_t first, size_t end)
{
    const struct crypt_job *job = arg;
    for (size_t i = first; i < end; i++) {
        if (!job->crypt_one(job->session, thread, &job->msgs[i]))
            return false;
    }
    return true;
}

bool peer_each_message(struct work *w, crypt_one_fn *crypt_one, void *session)
{
    struct crypt_job job = {w->data.aead.msgs, crypt_one, session};
    return parallel_slices(w->op->single ? 1 : w->threads, w->n, crypt_slice, &job);
}

struct mask_job {
    struct work *w;
    keystream_fn *keystream;
    void *session;
};

static void add_words(uint32_t *acc, const uint32_t *words, size_t n, int32_t sign)
{
    uint32_t factor = (uint32_t)sign;
    for (size_t i = 0; i < n; i++)
        acc[i] += factor * words[i];
}

/* Adds all seeds to one chunk of the vector. */
static bool mask_chunk(const struct mask_job *job, unsigned thread, size_t chunk)
{
    struct work *w = job->w;
    const struct mask_data *d = &w->data.mask;
    _Alignas(64) uint32_t words[MASK_CHUNK / sizeof(uint32_t)];
    size_t offset = chunk * MASK_CHUNK;
    size_t len = w->size - offset < MASK_CHUNK ? w->size - offset : MASK_CHUNK;
    uint8_t *acc = d->acc + offset;
    for (size_t j = 0; j < w->n; j++) {
        uint8_t nonce[12] = {0};
        memcpy(nonce + 4, d->seed[j].stream_id, PARSEAL_STREAMIDBYTES);
        /* A mask that is only written needs no addition. */
        bool direct = j == 0 && !w->op->inverse && d->seed[j].sign == 1;
        if (!job->keystream(job->session, thread, &d->seed[j], nonce, (uint32_t)(offset / 64),
                            direct ? acc : (uint8_t *)words, len))
            return false;
        if (!direct)
            add_words((uint32_t *)(void *)acc, words, len / sizeof *words, d->seed[j].sign);
    }
    return true;
}

static bool mask_slice(void *arg, unsigned thread, size_t first, size_t end)
{
    for (size_t chunk = first; chunk < end; chunk++) {
        if (!mask_chunk(arg, thread, chunk))
            return false;
    }
    return true;
}

bool peer_mask(struct work *w, keystream_fn *keystream, void *session)
{
    struct mask_job job = {w, keystream, session};
    return parallel_slices(w->threads, (w->size + MASK_CHUNK - 1) / MASK_CHUNK, mask_slice, &job);
}
