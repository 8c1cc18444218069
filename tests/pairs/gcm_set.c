#include "gcm_set.h"

#include <stdlib.h>

#include "fallback/backend/candidates.h"
#include "test.h"

void gcm_set_open(gcm_set *set, const uint8_t *bytes, size_t key_len)
{
    size_t count = gcm_candidate_count;
    assert_in_range(count, 1, GCM_SET_MAX);
    set->n = 0;
    while (count-- > 0) {
        const gcm_impl *impl = gcm_candidates[count].impl;
        if (!cpu_levels[gcm_candidates[count].level].supported())
            continue;
        void *key = aligned_alloc(64, impl->aead.key_size);
        assert_non_null(key);
        impl->aead.keys_init(key, bytes, key_len, 1);
        set->impl[set->n] = impl;
        set->key[set->n++] = key;
    }
    assert_ptr_equal(set->impl[0], &gcm_portable);
}

void gcm_set_close(gcm_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        free(set->key[i]);
}
