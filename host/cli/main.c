/* parseal: the command. It picks the subcommand, and is the one place that prints failures. */
#include <sodium.h>
#include <string.h>

#include "host/cli/cli.h"
#include "host/cli/process.h"

typedef struct {
    const char *name;
    int (*run)(int argc, char **argv, cli_failure *failure);
} command;

static const command commands[] = {
    {"devices", devices_main}, {"selftest", selftest_main}, {"round", round_main},
    {"seal", seal_main},       {"open", open_main},         {"rekey", rekey_main},
};

static const char usage[] =
    "usage: parseal COMMAND [options]\n"
    "\n"
    "Encrypts, masks and aggregates very large parameter vectors.\n"
    "\n"
    "  devices     what can compute here, its self-test, and what would be picked and why\n"
    "  selftest    known answers for every implementation present\n"
    "  round       one whole round of federated learning with real cryptography\n"
    "  seal        encrypt a file, so that any change to it is noticed\n"
    "  open        check and decrypt a sealed file\n"
    "  rekey       a sealed file under another key, without its plaintext on the disk\n"
    "\n"
    "  --help      this text; after a command: that command's options\n"
    "  --version   the library's version\n"
    "\n"
    "PARSEAL_BACKEND (auto, cpu, opencl, cuda) and PARSEAL_CPU (the best CPU implementation to\n"
    "use) narrow what is picked.\n"
    "\n"
    "Exit status: 0 fine; 1 the work failed; 2 bad usage or a bad input file; 3 a sealed file is\n"
    "not authentic or not complete.\n";

static int dispatch(int argc, char **argv, cli_failure *failure)
{
    if (argc < 2)
        return cli_fail(failure, CLI_USAGE, "no command given (see parseal --help)");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        cli_print_text(usage);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        cli_print("parseal %s\n", parseal_version());
        return CLI_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1, failure);
    }
    return cli_fail(failure, CLI_USAGE, "'%.100s' is not a command (see parseal --help)", argv[1]);
}

int main(int argc, char **argv)
{
    if (!process_begin())
        return CLI_FAILED;
    cli_failure failure = {CLI_OK, ""};
    int code = sodium_init() < 0 ? cli_fail(&failure, CLI_FAILED, "libsodium does not start")
                                 : dispatch(argc, argv, &failure);
    /* A report that did not reach its reader is a failure like any other. */
    if (!cli_printed() && code == CLI_OK)
        code = cli_fail(&failure, CLI_FAILED, "standard output cannot be written");
    if (code != CLI_OK)
        cli_complain(&failure);
    return code;
}
