/* parseal: sums over the ranks of an MPI communicator. The library parseal_mpi, which is built with
 * PARSEAL_MPI=ON; the other one knows nothing of MPI.
 *
 * parseal_mpi_reduce and parseal_mpi_allreduce add vectors over a ring; parseal_mpi_merge makes one
 * aggregator of the ranks' partial ones. parseal_mpi_type_create and parseal_mpi_op_create give
 * what MPI's own collectives need to do the same, those that do not block included.
 *
 * Memory. All vectors lie in host memory: elements of 4 or 8 bytes, little-endian whatever the host
 * is. Ranks may run on machines of different byte order.
 *
 * Trust. What travels goes as MPI carries it, neither encrypted nor authenticated: MPI is for
 * machines that trust each other and their network.
 *
 * Collective. Every rank of the communicator calls reduce, allreduce or merge, in the same order as
 * MPI demands it of its own. Arguments that must be the same on all ranks are compared before
 * anything is moved. The status is the same on every rank: where one rank fails all of them do,
 * with that rank's status and a text that names it, and no rank waits for another in vain. A
 * failure of MPI itself (PARSEAL_ERR_DEVICE, where the communicator's error handler returns) is the
 * exception: nothing can be agreed on then.
 *
 * Errors that any function may return: PARSEAL_ERR_ARG (MPI is not running; a NULL), and
 * PARSEAL_ERR_NO_MEMORY, PARSEAL_ERR_DEVICE.
 *
 * Concurrency. That of MPI: between MPI_Init and MPI_Finalize, from several threads only under
 * MPI_THREAD_MULTIPLE, and one call at a time on one communicator.
 */
#ifndef PARSEAL_MPI_H
#define PARSEAL_MPI_H

#include <mpi.h>

#include "parseal/aggregator.h"
#include "parseal/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* parseal_mpi_last_error_text returns one line about the last failure of this library in the
 * calling thread, as parseal_last_error_text does for the other. "" before the first. */
PARSEAL_API const char *parseal_mpi_last_error_text(void);

/* ----------------------------------------------------------------------- for MPI's own calls -- */

/* parseal_mpi_type_create stores in *type a committed datatype of one element of the ring, to be
 * freed with MPI_Type_free. Duplicates (MPI_Type_dup) are the same; types derived from it in other
 * ways are not for the operation below. ctx does the sums: MPI hands them over in host memory,
 * where a CPU context is the best one. It must live as long as the type.
 *
 * Errors: PARSEAL_ERR_ARG (not a ring). */
PARSEAL_API parseal_status parseal_mpi_type_create(MPI_Datatype *type, parseal_ctx *ctx,
                                                   const parseal_ring *ring);

/* parseal_mpi_op_create stores in *op the sum mod m, to be freed with MPI_Op_free: commutative, and
 * for types of parseal_mpi_type_create of whatever ring. Vectors that it is used on must be aligned
 * to their elements. Where only one rank takes part MPI copies, and nothing is reduced mod m.
 *
 * An MPI_Op has no way to say that it failed: ask parseal_mpi_type_status before you use what it
 * has computed. With a type that is not a ring's it calls the error handler of MPI_COMM_WORLD with
 * MPI_ERR_TYPE, which by default ends the program. */
PARSEAL_API parseal_status parseal_mpi_op_create(MPI_Op *op);

/* parseal_mpi_type_status returns the first failure of a sum of this type on this rank. */
PARSEAL_API parseal_status parseal_mpi_type_status(MPI_Datatype type);

/* ------------------------------------------------------------------------------- collectives -- */

/* The root of calls whose result all ranks get. */
#define PARSEAL_MPI_ALL (-1)

/* parseal_mpi_reduce: out[i] = (sum over ranks of in[i]) mod m, for n elements, at rank root; `out`
 * of other ranks is not looked at. parseal_mpi_allreduce: at every rank; vectors above 256 KiB are
 * reduced and scattered, then gathered, so that each rank adds only its share.
 *
 * in and out are aligned to an element, and may be the same vector. n, which may be above 2^31,
 * ring and root are the same on every rank. One call of MPI sums 64 MiB at most, which bounds what
 * MPI keeps in memory. After an error found in the arguments nothing has changed; after others what
 * is in `out` is undefined.
 *
 * Errors: PARSEAL_ERR_ARG (not a ring, or not one of the ranks; alignment; an intercommunicator;
 * ranks differ), PARSEAL_ERR_SIZE (the vector's size overflows), PARSEAL_ERR_ALIAS. */
PARSEAL_API parseal_status parseal_mpi_reduce(parseal_ctx *ctx, const parseal_ring *ring,
                                              const void *in, void *out, uint64_t n, int32_t root,
                                              MPI_Comm comm);
PARSEAL_API parseal_status parseal_mpi_allreduce(parseal_ctx *ctx, const parseal_ring *ring,
                                                 const void *in, void *out, uint64_t n,
                                                 MPI_Comm comm);

/* parseal_mpi_merge makes an aggregator of all ranks' partial ones: their sums added, their clients
 * united. It is stored in *merged at rank root, in ctx, which may be another context than that of
 * `partial`; at the other ranks merged is not looked at and ctx is only used for sums. With root
 * PARSEAL_MPI_ALL every rank gets one.
 *
 * The partial aggregators stay as they are, on success and on failure: on any failure nothing has
 * changed anywhere, and *merged is stored nowhere. Shapes and clients are compared before any sum
 * moves. In host memory a rank takes what its export takes, and where it gets the result twice
 * that.
 *
 * Errors: PARSEAL_ERR_ARG (ring, dim, bits or quantisation differ: the text names the field and a
 * rank; a client that two ranks have counted: it names the client and the ranks; root), and those
 * of parseal_aggregator_export and parseal_aggregator_import. */
PARSEAL_API parseal_status parseal_mpi_merge(parseal_aggregator **merged, parseal_ctx *ctx,
                                             const parseal_aggregator *partial, int32_t root,
                                             MPI_Comm comm);

#ifdef __cplusplus
}
#endif

#endif
