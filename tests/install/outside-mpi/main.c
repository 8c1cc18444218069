/* A sum over the ranks of one process, and the version as the other outside projects print it. */
#include <stdio.h>

#include <parseal/mpi.h>

int main(int argc, char **argv)
{
    const parseal_ring ring = {97, 8, 0};
    uint64_t x = 0;
    parseal_ctx *ctx = NULL;
    parseal_status status;
    ((uint8_t *)&x)[0] = 100;
    MPI_Init(&argc, &argv);
    status = parseal_ctx_create(&ctx, NULL);
    if (status == PARSEAL_OK)
        status = parseal_mpi_allreduce(ctx, &ring, &x, &x, 1, MPI_COMM_SELF);
    parseal_ctx_destroy(ctx);
    MPI_Finalize();
    if (status != PARSEAL_OK || ((uint8_t *)&x)[0] != 3)
        return 1;
    printf("parseal %s\n", parseal_version());
    return 0;
}
