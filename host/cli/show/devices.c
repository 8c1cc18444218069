/* parseal devices lists the implementations that can compute here, and those that would be
 * picked. */
#include <string.h>

#include "host/cli/progress.h"
#include "host/cli/show/impls.h"

static const char usage[] =
    "usage: parseal devices\n"
    "\n"
    "Lists every implementation that this library knows, the device it runs on and the result\n"
    "of its self-test, then what would be picked by default and why.\n"
    "\n"
    "  --help      this text\n"
    "\n"
    "PARSEAL_BACKEND and PARSEAL_CPU narrow what is picked, not what is listed.\n";

enum { COLUMNS = 6 };

static void cells(const parseal_impl *impl, const char *cell[COLUMNS])
{
    cell[0] = parseal_backend_name(impl->backend);
    cell[1] = impl_primitive_name(impl);
    cell[2] = impl->name;
    cell[3] = impl_state_name(impl->state);
    cell[4] = impl->device;
    cell[5] = impl->detail;
    for (int c = 0; c < COLUMNS; c++) {
        if (cell[c][0] == '\0')
            cell[c] = "-";
    }
}

static void widen(int width[COLUMNS], const char *cell[COLUMNS])
{
    for (int c = 0; c < COLUMNS; c++) {
        int length = (int)strlen(cell[c]);
        if (length > width[c])
            width[c] = length;
    }
}

static void print_row(const int width[COLUMNS], const char *cell[COLUMNS])
{
    for (int c = 0; c < COLUMNS - 1; c++)
        cli_print("%-*s  ", width[c], cell[c]);
    cli_print("%s\n", cell[COLUMNS - 1]);
}

static void print_table(const impl_list *list)
{
    static const char *title[COLUMNS] = {"backend",       "primitive", "implementation",
                                         "known answers", "device",    "detail"};
    const char *cell[COLUMNS];
    int width[COLUMNS] = {0};

    widen(width, title);
    for (size_t i = 0; i < list->n; i++) {
        cells(&list->rows[i], cell);
        widen(width, cell);
    }
    print_row(width, title);
    for (size_t i = 0; i < list->n; i++) {
        cells(&list->rows[i], cell);
        print_row(width, cell);
    }
}

static int print_choice(cli_failure *failure)
{
    parseal_ctx *ctx = NULL;
    parseal_info info = PARSEAL_INFO_INIT;
    progress line;
    progress_begin(&line, 0);
    progress_say(&line, "choosing; a GPU's kernels are compiled and its speed is measured once");
    parseal_status status = parseal_ctx_create(&ctx, NULL);
    progress_end(&line);
    if (status == PARSEAL_OK)
        status = parseal_ctx_info(ctx, &info);
    if (status != PARSEAL_OK) {
        parseal_ctx_destroy(ctx);
        return cli_fail_library(failure, "nothing can be picked", status);
    }

    cli_print("\nAUTO picks %s: %s", parseal_backend_name(info.backend), info.device);
    if (info.backend == PARSEAL_BACKEND_CPU)
        cli_print(", %u CPU thread%s", info.cpu_threads, info.cpu_threads == 1 ? "" : "s");
    cli_print("\n");
    for (int32_t p = 0; p < parseal_primitive_count(); p++) {
        parseal_primitive_info primitive = PARSEAL_PRIMITIVE_INFO_INIT;
        if (parseal_ctx_primitive(ctx, p, &primitive) == PARSEAL_OK)
            cli_print("  %-8s %s\n", parseal_primitive_name(p), primitive.impl);
    }
    cli_print("because: %s\n", info.reason);
    parseal_ctx_destroy(ctx);
    return CLI_OK;
}

int devices_main(int argc, char **argv, cli_failure *failure)
{
    impl_list list;
    int code = impl_list_for_command(&list, argc, argv, usage, failure);
    if (code != CLI_OK || list.rows == NULL)
        return code;
    print_table(&list);
    impl_list_destroy(&list);
    return print_choice(failure);
}
