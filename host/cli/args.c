#include "host/cli/args.h"

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/bytes.h"

/* True behind a "--", where getopt would begin again each time. */
static bool only_operands;

void args_begin(void)
{
    only_operands = false;
    optind = 0; /* This resets getopt's own state, too, so that more than one argv can be read. */
    opterr = 0;
}

static int next(int argc, char **argv, const char *letters, const struct option *options,
                cli_failure *failure)
{
    int option = getopt_long(argc, argv, letters, options, NULL);
    if (option == ':') {
        cli_fail(failure, CLI_USAGE, "option '%.100s' needs a value", argv[optind - 1]);
        return ARGS_BAD;
    }
    if (option == '?') {
        /* Inside a cluster of short options, optind has not moved past it yet. */
        char letter[3] = {'-', (char)optopt, '\0'};
        bool is_letter = optopt > 0 && optopt < 256 && strchr(letters, optopt) == NULL;
        cli_fail(failure, CLI_USAGE, "unknown option '%.100s' (see parseal %s --help)",
                 is_letter ? letter : argv[optind - 1], argv[0]);
        return ARGS_BAD;
    }
    return option;
}

int args_next(int argc, char **argv, const struct option *options, cli_failure *failure)
{
    int option = next(argc, argv, "+:h", options, failure);
    if (option == ARGS_END && optind < argc) {
        cli_fail(failure, CLI_USAGE, "unexpected argument '%.100s' (see parseal %s --help)",
                 argv[optind], argv[0]);
        return ARGS_BAD;
    }
    return option;
}

int args_next_or_operand(int argc, char **argv, const struct option *options, cli_failure *failure)
{
    if (!only_operands) {
        int option = next(argc, argv, "-:ho:", options, failure);
        if (option != ARGS_END)
            return option;
        only_operands = true;
    }
    if (optind >= argc)
        return ARGS_END;
    optarg = argv[optind++];
    return ARGS_OPERAND;
}

int args_help_only(int argc, char **argv, const char *usage, bool *help, cli_failure *failure)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int option;

    *help = false;
    args_begin();
    while ((option = args_next(argc, argv, options, failure)) != ARGS_END) {
        if (option == ARGS_BAD)
            return CLI_USAGE;
        *help = true;
    }
    if (*help)
        cli_print_text(usage);
    return CLI_OK;
}

/* Takes decimal digits only: no sign, no space, nothing after them. */
static bool read_u64(const char *text, uint64_t *value)
{
    uint64_t x = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (x > (UINT64_MAX - digit) / 10)
            return false;
        x = 10 * x + digit;
    }
    *value = x;
    return true;
}

int args_u64(const char *name, const char *text, uint64_t low, uint64_t high, uint64_t *value,
             cli_failure *failure)
{
    uint64_t x;
    if (!read_u64(text, &x) || x < low || x > high)
        return cli_fail(failure, CLI_USAGE, "%s '%.100s': not an integer from %llu to %llu", name,
                        text, (unsigned long long)low, (unsigned long long)high);
    *value = x;
    return CLI_OK;
}

int args_double(const char *name, const char *text, double *value, cli_failure *failure)
{
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(x))
        return cli_fail(failure, CLI_USAGE, "%s '%.100s': not a number", name, text);
    *value = x;
    return CLI_OK;
}

int args_modulus(const char *name, const char *text, uint64_t *modulus, cli_failure *failure)
{
    uint64_t x;
    if (strncmp(text, "2^", 2) == 0) {
        if (read_u64(text + 2, &x) && x >= 1 && x <= 64) {
            *modulus = x == 64 ? 0 : UINT64_C(1) << x;
            return CLI_OK;
        }
    } else if (strcmp(text, "18446744073709551616") == 0) {
        *modulus = 0;
        return CLI_OK;
    } else if (read_u64(text, &x) && x >= 2) {
        *modulus = x;
        return CLI_OK;
    }
    return cli_fail(failure, CLI_USAGE,
                    "%s '%.100s': not a modulus (2 to 18446744073709551616, or 2^1 to 2^64)", name,
                    text);
}

int args_seed(const char *name, const char *text, uint8_t seed[32], cli_failure *failure)
{
    uint64_t x;
    size_t length = strlen(text);
    if (length == 64) {
        size_t bytes = 0;
        if (sodium_hex2bin(seed, 32, text, length, NULL, &bytes, NULL) == 0 && bytes == 32)
            return CLI_OK;
    } else if (read_u64(text, &x)) {
        memset(seed, 0, 32);
        store_le64(seed, x);
        return CLI_OK;
    }
    return cli_fail(failure, CLI_USAGE,
                    "%s '%.100s': neither 64 hexadecimal digits nor an integer below 2^64", name,
                    text);
}

int args_backend(const char *name, const char *text, int32_t *backend, cli_failure *failure)
{
    for (int32_t b = PARSEAL_BACKEND_AUTO; strcmp(parseal_backend_name(b), "unknown") != 0; b++) {
        if (strcmp(text, parseal_backend_name(b)) == 0) {
            *backend = b;
            return CLI_OK;
        }
    }
    return cli_fail(failure, CLI_USAGE, "%s '%.100s': not one of auto, cpu, opencl, cuda", name,
                    text);
}
