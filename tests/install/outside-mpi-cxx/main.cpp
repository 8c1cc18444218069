// The sum's MPI_Op made and freed from C++, and the version as the other outside projects print it.
#include <parseal/mpi.h>

#include <iostream>

int main(int argc, char **argv)
{
    MPI_Op op;
    MPI_Init(&argc, &argv);
    const int status = parseal_mpi_op_create(&op);
    if (status == MPI_SUCCESS)
        MPI_Op_free(&op);
    MPI_Finalize();
    if (status != MPI_SUCCESS)
        return 1;
    std::cout << "parseal " << parseal_version() << '\n';
    return 0;
}
