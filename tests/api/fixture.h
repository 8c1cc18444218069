/* What the error tests start from, and the bad arguments that many functions share. */
#ifndef PARSEAL_TESTS_FIXTURE_H
#define PARSEAL_TESTS_FIXTURE_H

#include "test.h"

/* A context, two AES-256-GCM keys and one seed. */
typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_seeds *seeds;
} fixture;

/* For cmocka_unit_test_setup_teardown; *state is then a fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

/* Whether the backend that is tested would use what it is given as a stream. */
bool takes_streams(void);

#define assert_stream_refused(call)                          \
    do {                                                     \
        if (!takes_streams())                                \
            assert_error((call), PARSEAL_ERR_ARG, "stream"); \
    } while (0)

/* An address that is never dereferenced, for arguments that must be refused before anyone looks. */
void *nowhere(void);

/* A call under test with one argument left open. */
typedef parseal_status (*vec_call)(void *arg, const parseal_vec *vec);
typedef parseal_status (*buf_call)(void *arg, const parseal_buf *buf);
typedef parseal_status (*ring_call)(void *arg, const parseal_ring *ring);

/* Each calls `call` with every bad variation of `good`, and those for vectors and rings with NULL;
 * `name` must be in each error text. The caller checks afterwards that its outputs are untouched.
 */
void refuse_bad_vecs(vec_call call, void *arg, const parseal_vec *good, uint32_t element_size,
                     const char *name);
void refuse_bad_bufs(buf_call call, void *arg, const parseal_buf *good, uint64_t alignment,
                     const char *name);
void refuse_bad_rings(ring_call call, void *arg);

#endif
