/* A ring's elements are an MPI datatype, and their sum is an MPI operation. The operation learns
 * from an attribute of the datatype which ring it works in. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/mpi/ranks.h"

/* A type and its duplicates share the attribute. */
typedef struct {
    parseal_ctx *ctx;
    parseal_ring ring;
    size_t types;
    parseal_status failed; /* the status of the first sum that failed */
    char why[256];
} ring_attribute;

/* Guards the key's creation, and counts and failures of all attributes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int key = MPI_KEYVAL_INVALID;

static int copy_attribute(MPI_Datatype type, int keyval, void *extra, void *from, void *to,
                          int *copied)
{
    ring_attribute *attribute = from;
    (void)type, (void)keyval, (void)extra;
    pthread_mutex_lock(&lock);
    attribute->types++;
    pthread_mutex_unlock(&lock);
    *(void **)to = from;
    *copied = 1;
    return MPI_SUCCESS;
}

static int delete_attribute(MPI_Datatype type, int keyval, void *value, void *extra)
{
    ring_attribute *attribute = value;
    (void)type, (void)keyval, (void)extra;
    pthread_mutex_lock(&lock);
    const size_t left = --attribute->types;
    pthread_mutex_unlock(&lock);
    if (left == 0)
        free(attribute);
    return MPI_SUCCESS;
}

static parseal_status make_key(void)
{
    int code = MPI_SUCCESS;
    pthread_mutex_lock(&lock);
    if (key == MPI_KEYVAL_INVALID)
        code = MPI_Type_create_keyval(copy_attribute, delete_attribute, &key, NULL);
    pthread_mutex_unlock(&lock);
    return ranks_mpi(code, "MPI_Type_create_keyval");
}

static ring_attribute *attribute_of(MPI_Datatype type)
{
    ring_attribute *attribute = NULL;
    int found = 0;
    if (key == MPI_KEYVAL_INVALID ||
        MPI_Type_get_attr(type, key, &attribute, &found) != MPI_SUCCESS || !found)
        return NULL;
    return attribute;
}

static parseal_status set_attribute(MPI_Datatype type, parseal_ctx *ctx, const parseal_ring *ring)
{
    ring_attribute *attribute = calloc(1, sizeof *attribute);
    if (attribute == NULL)
        return ranks_fail(PARSEAL_ERR_NO_MEMORY, "type: out of memory");
    attribute->ctx = ctx;
    attribute->ring = *ring;
    attribute->types = 1;
    const int code = MPI_Type_set_attr(type, key, attribute);
    if (code != MPI_SUCCESS)
        free(attribute);
    return ranks_mpi(code, "MPI_Type_set_attr");
}

parseal_status ranks_check_ring(parseal_ctx *ctx, const parseal_ring *ring)
{
    if (ctx == NULL)
        return ranks_fail(PARSEAL_ERR_ARG, "ctx: NULL");
    if (ring == NULL)
        return ranks_fail(PARSEAL_ERR_ARG, "ring: NULL");
    /* A sum of no vectors of no elements checks them as any other does. */
    const parseal_vec none = parseal_host_vec(NULL, 0, 8);
    return ranks_library(parseal_vec_sum(ctx, ring, &none, NULL, 0, NULL));
}

/* The type is one of bytes, so that MPI never swaps them: elements are little-endian everywhere. */
static parseal_status make_type(MPI_Datatype *type, parseal_ctx *ctx, const parseal_ring *ring)
{
    RANKS_MPI(MPI_Type_contiguous, (int)ring->element_size, MPI_BYTE, type);
    parseal_status status = ranks_mpi(MPI_Type_commit(type), "MPI_Type_commit");
    if (status == PARSEAL_OK)
        status = set_attribute(*type, ctx, ring);
    if (status != PARSEAL_OK)
        (void)MPI_Type_free(type);
    return status;
}

parseal_status parseal_mpi_type_create(MPI_Datatype *type, parseal_ctx *ctx,
                                       const parseal_ring *ring)
{
    MPI_Datatype made;
    RANKS_TRY(ranks_check_running());
    if (type == NULL)
        return ranks_fail(PARSEAL_ERR_ARG, "type: NULL");
    RANKS_TRY(ranks_check_ring(ctx, ring));
    RANKS_TRY(make_key());
    RANKS_TRY(make_type(&made, ctx, ring));
    *type = made;
    return PARSEAL_OK;
}

parseal_status parseal_mpi_type_status(MPI_Datatype type)
{
    RANKS_TRY(ranks_check_running());
    const ring_attribute *attribute = type != MPI_DATATYPE_NULL ? attribute_of(type) : NULL;
    if (attribute == NULL)
        return ranks_fail(PARSEAL_ERR_ARG, "type: not one of parseal_mpi_type_create");
    pthread_mutex_lock(&lock);
    const parseal_status status = attribute->failed;
    if (status != PARSEAL_OK)
        (void)ranks_fail(status, "%s", attribute->why);
    pthread_mutex_unlock(&lock);
    return status;
}

/* Keeps the text with the attribute: it is this thread's, and MPI may sum in another thread. */
static void note_failure(ring_attribute *attribute, parseal_status status)
{
    pthread_mutex_lock(&lock);
    if (attribute->failed == PARSEAL_OK) {
        attribute->failed = status;
        snprintf(attribute->why, sizeof attribute->why, "%s", parseal_last_error_text());
    }
    pthread_mutex_unlock(&lock);
}

static void add_vectors(void *in, void *inout, int *n, MPI_Datatype *type)
{
    ring_attribute *attribute = attribute_of(*type);
    if (attribute == NULL) {
        (void)MPI_Comm_call_errhandler(MPI_COMM_WORLD, MPI_ERR_TYPE);
        return;
    }
    const uint32_t size = attribute->ring.element_size;
    const parseal_vec v = parseal_host_vec(in, (uint64_t)*n, size),
                      acc = parseal_host_vec(inout, (uint64_t)*n, size);
    const parseal_status status =
        parseal_vec_sum(attribute->ctx, &attribute->ring, &acc, &v, 1, NULL);
    if (status != PARSEAL_OK)
        note_failure(attribute, status);
}

parseal_status parseal_mpi_op_create(MPI_Op *op)
{
    enum { COMMUTATIVE = 1 };
    RANKS_TRY(ranks_check_running());
    if (op == NULL)
        return ranks_fail(PARSEAL_ERR_ARG, "op: NULL");
    RANKS_MPI(MPI_Op_create, add_vectors, COMMUTATIVE, op);
    return PARSEAL_OK;
}
