/* parseal: parallel sealing of parameters.
 *
 * Encrypts, masks and aggregates very large parameter vectors. Three families of operation, each
 * giving the same bytes on every backend:
 *
 *   parseal/aead.h     batched AES-128-GCM and AES-256-GCM (NIST SP 800-38D)
 *   parseal/mask.h     ChaCha20 (RFC 8439) keystream expanded to elements of Z_m and added to a
 *                      vector; parseal/fcp.h has the masks of Google's fcp/secagg
 *   parseal/vector.h   sums mod m, quantise / dequantise, pack / unpack
 *
 * parseal/core.h has what they share: statuses, contexts, buffers and rings. This header includes
 * all four, and is the one to include.
 *
 * Upon these: parseal/aggregator.h (a server's sum), parseal/secagg.h (graphs, shares, pairwise
 * seeds), parseal/sealed.h (sealed files), and parseal/nccl.h and parseal/mpi.h (sums of many).
 * parseal/dlpack.h makes buffers and vectors of other libraries' tensors.
 *
 * WHAT HOLDS FOR EVERY FUNCTION
 *
 * Status. A function that can fail returns parseal_status: PARSEAL_OK (0), or a negative error.
 * It covers checking the arguments and enqueueing the work. An error found in the arguments has
 * changed nothing, neither outputs nor objects. parseal_last_error_text() then names the argument
 * and the value that were wrong. The library never aborts, prints or throws.
 *
 *   Errors that any function may return, and that are therefore not repeated elsewhere:
 *   PARSEAL_ERR_ARG (a NULL where an object or array is needed, an unknown enumerator, a
 *   struct_size that no release has, a field that is reserved and not 0), PARSEAL_ERR_NO_MEMORY,
 *   and PARSEAL_ERR_DEVICE (a driver call failed).
 *
 * Structs. Those that begin with struct_size may grow at the end in later releases; start from
 * their _INIT macro and set fields by name. A library takes every size from that of the struct's
 * first release to 4,096 bytes. Of a longer struct than its own it reads what it knows, and refuses
 * it where anything behind that is not 0 (PARSEAL_ERR_ARG); where it fills a struct, what lies
 * behind stays as it was. All other structs are fixed for the life of the SONAME.
 *
 * Units. `size`, `len` and `offset` are bytes; `n`, `count` and `first` are elements or items.
 *
 * Elements. Ring elements and packed vectors lie in memory little-endian whatever the host is;
 * float arrays are in the host's own byte order.
 *
 * Ownership. parseal_*_create copies what it is given; the caller may wipe its own copy at once.
 * Objects hold a reference to what they were made from, so they may be destroyed in any order.
 * Destroying one waits until the work has finished that calls have enqueued with it on streams, and
 * for no other work (with a context CUDA itself may wait for more, as it unloads kernels). Work
 * that a CUDA graph replays is seen only on the default stream and on those that wait for it:
 * destroy what a graph uses after its last replay has finished. Destroying NULL does nothing.
 *
 * Concurrency. Contexts, key sets, seed sets and plans are immutable after creation: any number of
 * threads may use one at the same time. Plans that count ("Graphs") may be used so, too; calls with
 * a seed set that counts follow each other. Destroying an object while another thread still uses
 * that same object is an error of the caller. An aggregator and a sealed stream take one call at a
 * time each. There is no global initialisation.
 *
 * Threads. A large call is shared out between the calling thread and helpers, which sleep when
 * there is nothing to do. Helpers are the process's, fewer by one than the bound of
 * options.cpu_threads, however many threads of the application call at once; they take no signals,
 * and end with the last context. A call returns when its work is done: it waits for no helper that
 * has begun nothing, so that other programs on the machine may keep cores busy, and where no thread
 * can be started the calling one does all of it. Results do not depend on the calling thread's
 * floating-point state (rounding direction, flush-to-zero, traps), which is as before when a call
 * returns.
 *
 * Stacks. A call on a CPU context takes less than 64 KiB of the calling thread's stack. On
 * a GPU its driver's need comes on top; runtimes are loaded, and kernels compiled, on a
 * thread with a stack of 8 MiB.
 *
 * Processes. After fork() the child may use and destroy the CPU contexts that the parent made, and
 * what was made from them, and make its own, whatever other threads of the parent did meanwhile. A
 * GPU's driver does not survive fork(), whoever used it first: calls on the parent's contexts are
 * PARSEAL_ERR_DEVICE in the child, destroying them does nothing but forget them, and AUTO takes the
 * CPU there. Start processes that are to use the GPU by spawn. The library may be unloaded
 * (dlclose) when its objects are destroyed.
 *
 * Faults. After a fault of some kernel of the process, whoever's (CUDA's errors 700 and 715 to
 * 719), a CUDA device's context, which frameworks share, is lost. The call that finds out says
 * which call of the driver's failed; all later ones are PARSEAL_ERR_DEVICE at once, new contexts on
 * the device included, and AUTO takes it no more. The process must be restarted. Keys in the memory
 * of a lost context can no longer be wiped by the library: that is left to the driver.
 *
 * Secrets. Keys and seeds are kept in guarded memory (libsodium's sodium_malloc): between pages
 * that nobody may touch, left out of core dumps, wiped with the set, and locked as far as
 * RLIMIT_MEMLOCK (ulimit -l) allows: a set beyond that limit is made all the same, but its pages
 * may be swapped out. What calls leave of secrets on stacks and in registers is wiped before they
 * return. Swap space and core dumps are the caller's to forbid.
 *
 * A set that takes more than 8 KiB (AES-GCM: above 10 to 20 keys; 170 seeds) has pages of its own,
 * which are read-only once it is made, and so has a key set that asks for them
 * (parseal_keys_options). Smaller sets of a context share blocks of up to 64 KiB, which costs no
 * system call; a block becomes read-only when it has no room left and another set is made, and can
 * be written again once one of its sets is destroyed. A process can have 1,000,000 such sets at a
 * time. Of sets with pages of their own it can have some 16,000, as Linux counts 4 mappings for
 * each of them and allows 65,530 (vm.max_map_count); then it is PARSEAL_ERR_NO_MEMORY. A context
 * keeps up to 1 MiB of wiped memory, and a block for each size, for the sets that come next.
 *
 * Streams. The last argument of a device-level function is the backend's native queue (CUstream,
 * cl_command_queue), on which the call's work is enqueued, or NULL: the call has then finished when
 * it returns. A CPU context takes NULL only (PARSEAL_ERR_ARG otherwise). On a GPU a call with any
 * buffer in host memory copies it there and back, and has finished too; with device buffers alone
 * and a stream it copies, allocates and waits for nothing, and may be captured in a CUDA graph.
 *
 * CUDA's handles that are no pointers mean what they mean in CUDA. NULL is the default stream,
 * which PyTorch and CuPy have as their handle 0: with a buffer on the device, the call sees all
 * work that was enqueued there before it, and on streams that the default stream waits for (those
 * not made with CU_STREAM_NON_BLOCKING). 1 (CU_STREAM_LEGACY) is the same stream, but the call
 * enqueues its work and returns; 2 (CU_STREAM_PER_THREAD) is the calling thread's own. While a
 * stream that waits for the default stream is captured, CUDA lets nobody use that: NULL with a
 * buffer on the device, and 1, are then PARSEAL_ERR_ARG, and the capture goes on. A program that
 * was compiled for per-thread default streams, whose 0 is another, gives 2. With OpenCL, which has
 * no default queue, finish the queue before a call with NULL.
 *
 * Captures. While CUDA captures a stream, in whatever mode and thread, objects and contexts may be
 * made and destroyed, and calls on host memory be made with NULL, in all threads: that is not
 * captured, and the capture goes on.
 *
 * Graphs. A replay does again what was captured, with the same nonces, seeds and streams: fatal for
 * AES-GCM, a second use of a one-time mask, the same draws of a rounding. So capturing a seal, a
 * mask or a stochastic quantisation is PARSEAL_ERR_ARG, and the capture goes on, unless what must
 * not repeat is counted on the device, by plans with a nonce_step (aead.h) and by sets of
 * parseal_seeds_create_counting (mask.h) and parseal_fcp_seeds_create_counting (fcp.h), or
 * graph_writes says that the graph itself writes it anew in each replay, which the library cannot
 * check. Plans and sets that count begin where they were told to in each process: what they have
 * used is for the caller to remember. The objects and the memory that a graph uses must live as
 * long as it is replayed.
 *
 * Aliasing. aead works in place: `in` and `out` of a message may be the same bytes, beginning and
 * length. Any other overlap between what a call writes and what it reads or writes elsewhere is
 * PARSEAL_ERR_ALIAS. Inputs may overlap each other freely.
 */
#ifndef PARSEAL_H
#define PARSEAL_H

#include "parseal/aead.h"
#include "parseal/core.h"
#include "parseal/mask.h"
#include "parseal/vector.h"

#endif
