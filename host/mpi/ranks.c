/* Errors on one rank, and how all ranks come to know of them. */
#include "host/mpi/ranks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 512 };

static _Thread_local char last_error[TEXT];

const char *parseal_mpi_last_error_text(void)
{
    return last_error;
}

parseal_status ranks_fail(parseal_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_error, sizeof last_error, format, arguments);
    va_end(arguments);
    return status;
}

parseal_status ranks_library(parseal_status status)
{
    return status == PARSEAL_OK ? PARSEAL_OK : ranks_fail(status, "%s", parseal_last_error_text());
}

parseal_status ranks_mpi(int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING + 1] = "";
    int length;
    if (code == MPI_SUCCESS)
        return PARSEAL_OK;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        snprintf(text, sizeof text, "error %d", code);
    return ranks_fail(PARSEAL_ERR_DEVICE, "%s: %s", call, text);
}

parseal_status ranks_check_running(void)
{
    int begun = 0, ended = 0;
    RANKS_MPI(MPI_Initialized, &begun);
    RANKS_MPI(MPI_Finalized, &ended);
    if (!begun || ended)
        return ranks_fail(PARSEAL_ERR_ARG, "MPI is not running: MPI_Init %s",
                          ended ? "and MPI_Finalize were called" : "comes first");
    return PARSEAL_OK;
}

parseal_status ranks_open(ranks *r, MPI_Comm comm)
{
    int has_two_groups = 0;
    RANKS_TRY(ranks_check_running());
    if (comm == MPI_COMM_NULL)
        return ranks_fail(PARSEAL_ERR_ARG, "comm: MPI_COMM_NULL");
    RANKS_MPI(MPI_Comm_test_inter, comm, &has_two_groups);
    if (has_two_groups)
        return ranks_fail(PARSEAL_ERR_ARG, "comm: an intercommunicator");
    r->comm = comm;
    RANKS_MPI(MPI_Comm_rank, comm, &r->rank);
    RANKS_MPI(MPI_Comm_size, comm, &r->size);
    return PARSEAL_OK;
}

/* Gives every rank the failed rank's own text. */
static parseal_status share_failure(const ranks *r, int rank, parseal_status status)
{
    char text[TEXT];
    memcpy(text, last_error, sizeof text);
    RANKS_MPI(MPI_Bcast, text, TEXT, MPI_CHAR, rank, r->comm);
    text[TEXT - 1] = '\0';
    return ranks_fail(status, "rank %d: %s", rank, text);
}

static void print_field(char *text, size_t size, const ranks_field *field, uint64_t value)
{
    const uint32_t bits = (uint32_t)value;
    float number;
    memcpy(&number, &bits, sizeof number);
    if (field->is_float)
        snprintf(text, size, "%g", (double)number);
    else
        snprintf(text, size, "%" PRId64, (int64_t)value);
}

/* Every rank knows that this field differs. Finds the first rank that is not like rank 0. */
static parseal_status share_difference(const ranks *r, const ranks_field *field)
{
    uint64_t value[2] = {field->value, 0}; /* rank 0's value, and the other's */
    char text[2][32];
    int mine, first;
    RANKS_MPI(MPI_Bcast, &value[0], 1, MPI_UINT64_T, 0, r->comm);
    mine = field->value != value[0] ? r->rank : r->size;
    RANKS_MPI(MPI_Allreduce, &mine, &first, 1, MPI_INT, MPI_MIN, r->comm);
    value[1] = field->value;
    RANKS_MPI(MPI_Bcast, &value[1], 1, MPI_UINT64_T, first, r->comm);
    for (int i = 0; i < 2; i++)
        print_field(text[i], sizeof text[i], field, value[i]);
    return ranks_fail(PARSEAL_ERR_ARG, "%s: %s on rank %d, %s on rank 0", field->name, text[1],
                      first, text[0]);
}

/* One reduction to the minimum says it all. It is taken of the failures (a rank, then its status),
 * of each field, and of each field's complement, whose minimum is the complement of the maximum. */
parseal_status ranks_agree(const ranks *r, parseal_status status, const ranks_field *fields,
                           size_t n)
{
    uint64_t mine[1 + 2 * RANKS_FIELDS_MAX], least[1 + 2 * RANKS_FIELDS_MAX];
    mine[0] =
        status == PARSEAL_OK ? UINT64_MAX : (uint64_t)r->rank << 32 | (uint32_t)(-(int64_t)status);
    for (size_t i = 0; i < n; i++) {
        mine[1 + 2 * i] = fields[i].value;
        mine[2 + 2 * i] = ~fields[i].value;
    }
    RANKS_MPI(MPI_Allreduce, mine, least, (int)(1 + 2 * n), MPI_UINT64_T, MPI_MIN, r->comm);
    if (least[0] != UINT64_MAX)
        return share_failure(r, (int)(least[0] >> 32),
                             (parseal_status)(-(int64_t)(uint32_t)least[0]));
    for (size_t i = 0; i < n; i++)
        if (least[1 + 2 * i] != ~least[2 + 2 * i])
            return share_difference(r, &fields[i]);
    return PARSEAL_OK;
}
