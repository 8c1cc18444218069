#include "host/support/algorithms.h"

#include <inttypes.h>
#include <stdio.h>

#include "host/support/check.h"
#include "host/support/sizes.h"

static const parseal_algorithm algorithms[] = {
    {PARSEAL_AES128GCM, "aes-128-gcm", PARSEAL_AES128GCM_KEYBYTES, PARSEAL_AES128GCM_NONCEBYTES,
     PARSEAL_TAGBYTES, PARSEAL_MESSAGEBYTES_MAX, "2^36 - 32 (SP 800-38D section 5.2.1.1)"},
    {PARSEAL_AES256GCM, "aes-256-gcm", PARSEAL_AES256GCM_KEYBYTES, PARSEAL_AES256GCM_NONCEBYTES,
     PARSEAL_TAGBYTES, PARSEAL_MESSAGEBYTES_MAX, "2^36 - 32 (SP 800-38D section 5.2.1.1)"},
};

const parseal_algorithm *algorithm_find(int32_t id)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (algorithms[i].id == id)
            return &algorithms[i];
    return NULL;
}

parseal_status check_algorithm(const char *name, int32_t id, const parseal_algorithm **algorithm)
{
    *algorithm = algorithm_find(id);
    if (*algorithm != NULL)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG,
                        "%s: %" PRId32 " is neither PARSEAL_AES128GCM nor PARSEAL_AES256GCM", name,
                        id);
}

parseal_status parseal_alg_info(int32_t alg, parseal_alg *info)
{
    const parseal_algorithm *algorithm;
    parseal_alg found = PARSEAL_ALG_INIT;
    TRY(check_algorithm("alg", alg, &algorithm));
    TRY(check_struct_size("info", info, PARSEAL_ALG_SIZE_0));
    snprintf(found.name, sizeof found.name, "%s", algorithm->name);
    found.key_size = algorithm->key_size;
    found.nonce_size = algorithm->nonce_size;
    found.tag_size = algorithm->tag_size;
    found.message_max = algorithm->message_max;
    copy_struct_out(info, &found, sizeof found);
    return PARSEAL_OK;
}
