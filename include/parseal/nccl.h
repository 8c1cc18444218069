/* parseal: sums over the GPUs of an NCCL communicator, without a way through host memory.
 *
 * libnccl.so.2 is looked for when the first of these functions is called; the library is built
 * without it, and this header without its. Contexts are of the backend CUDA.
 *
 * NCCL adds words of 4 or 8 bytes, not elements of a ring. So that nothing overflows, elements of 4
 * bytes are summed in 8 where they need it, and reduced mod m once, at the end. Elements of 8 bytes
 * whose sum over all ranks may pass 2^64 (a modulus that is no power of two, and above 2^64 /
 * ranks) are gathered from all ranks and added mod m: as many times the data travel as there are
 * ranks.
 *
 * What travels goes as NCCL carries it, neither encrypted nor authenticated.
 *
 * An aggregator's sum comes to the device's memory by parseal_aggregator_sum; who has been counted
 * is for the caller to compare, or for parseal_mpi_merge.
 */
#ifndef PARSEAL_NCCL_H
#define PARSEAL_NCCL_H

#include "parseal/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* parseal_nccl_workspace_size stores in *size the bytes of device memory that an allreduce of n
 * elements over `comm`, an ncclComm_t, works best with: 0 where it needs none, 8 MiB for each rank
 * at most.
 *
 * Errors: PARSEAL_ERR_ARG (not a ring), PARSEAL_ERR_NO_DEVICE (no NCCL), PARSEAL_ERR_DEVICE (NCCL's
 * own). */
PARSEAL_API parseal_status parseal_nccl_workspace_size(const parseal_ring *ring, uint64_t n,
                                                       void *comm, uint64_t *size);

/* parseal_nccl_allreduce: acc[i] = (sum over ranks of acc[i]) mod m, in memory of the context's
 * device, which is the one that `comm` (an ncclComm_t) has on this rank and is current, as for any
 * call of NCCL's. Everything is enqueued on `stream` (a CUstream, not NULL), and nothing waited
 * for.
 *
 * Every rank calls it, with the same ring, acc->n and workspace->size: NCCL cannot compare them,
 * and waits for ever where they differ or where one rank's call has failed. workspace may be
 * smaller than parseal_nccl_workspace_size says, which takes more steps: 8 bytes for each rank are
 * the least where it is not 0. It is aligned to 8 bytes, and its contents need not be kept.
 *
 * Errors: PARSEAL_ERR_ARG (not a ring; no stream; alignment), PARSEAL_ERR_SIZE (acc's length; the
 * workspace), PARSEAL_ERR_ALIAS (acc overlaps the workspace), PARSEAL_ERR_UNSUPPORTED (a context of
 * another backend; memory that is not the device's), PARSEAL_ERR_NO_DEVICE (no NCCL): nothing has
 * been enqueued then. PARSEAL_ERR_DEVICE (a call of NCCL's or of the driver's): acc is lost. */
PARSEAL_API parseal_status parseal_nccl_allreduce(parseal_ctx *ctx, const parseal_ring *ring,
                                                  const parseal_vec *acc,
                                                  const parseal_buf *workspace, void *comm,
                                                  void *stream);

#ifdef __cplusplus
}
#endif

#endif
