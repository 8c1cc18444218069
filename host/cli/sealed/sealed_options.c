#include "host/cli/sealed/sealed_options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/cli/args.h"
#include "host/cli/process.h"
#include "parseal/sealed.h"

static const struct {
    const char *name, *text;
} commands[] = {
    {"seal", "usage: parseal seal --key-file K FILE -o OUT [options]\n"
             "\n"
             "Encrypts FILE so that any change to it is noticed: format AES256-GCM-HKDF of Tink's\n"
             "streaming AEAD (AES256_GCM_HKDF_1MB, or _4KB with --segment 4KB), byte for byte.\n"
             "\n"},
    {"open",
     "usage: parseal open --key-file K FILE -o OUT [options]\n"
     "\n"
     "Checks and decrypts a FILE that `parseal seal` has made, or Tink. OUT appears only when all\n"
     "of FILE is there and authentic, readable by its owner alone.\n"
     "\n"
     "With -o - (and pipes and devices) each part is written once it has been verified, before\n"
     "those behind it are: when the exit status is not 0, what was written is the beginning of "
     "the\n"
     "file at most. Discard it.\n"
     "\n"},
    {"rekey",
     "usage: parseal rekey --key-file OLD --new-key-file NEW FILE -o OUT [options]\n"
     "\n"
     "Opens FILE and seals it under another key at the same time; its plaintext is never on the\n"
     "disk. OUT may be FILE.\n"
     "\n"
     "  --new-key-file K     the new key; or --new-key-env NAME, --new-key-fd N, as below\n"},
};

static const char usage[] =
    "  FILE                 what is read; - is standard input\n"
    "  -o, --output OUT     what is written; - is standard output. A file appears under its name,\n"
    "                       or replaces what is there, only when it is complete\n"
    "  --key-file K         the key: a file of 32 bytes, or of 64 hexadecimal digits or base64\n"
    "  --key-env NAME       the key as text, in this environment variable, which is removed from "
    "the\n"
    "                       environment once it has been read\n"
    "  --key-fd N           the key, from this file descriptor\n"
    "  --aad TEXT           associated data: not in the file, and needed again to open it\n"
    "  --aad-file F         the same from a file of at most 1 MiB\n"
    "  --segment 4KB|1MB    size of the segments, which must be that of sealing (default 1MB)\n"
    "  --backend NAME       auto, cpu, opencl or cuda (default auto)\n"
    "  --threads T          CPU threads, at most (default: all cores it may use)\n"
    "  --help               this text\n"
    "\n"
    "A key is made by: (umask 077; head -c 32 /dev/urandom > K)\n"
    "\n"
    "A signal that ends the command leaves nothing of OUT. Only where it is killed (SIGKILL) can "
    "a\n"
    "file OUT.parseal-HASH-N stay: where files without a name cannot be made, or in the moment in\n"
    "which an OUT is replaced. The next run with this OUT removes it. No core is dumped.\n"
    "\n"
    "Exit status: 0 when OUT is complete; 1 the work failed; 2 bad usage or a bad input file; 3\n"
    "FILE is not authentic or not complete: another key, associated data or segment size, or it\n"
    "was changed, cut off, extended or reordered. OUT is as it was unless the status is 0\n"
    "or the message says that it is in place.\n";

void sealed_options_usage(const char *command)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(command, commands[i].name) == 0)
            cli_print_text(commands[i].text);
    cli_print_text(usage);
}

enum {
    OPT_KEY_FILE = 256,
    OPT_KEY_ENV,
    OPT_KEY_FD,
    OPT_NEW_KEY_FILE,
    OPT_NEW_KEY_ENV,
    OPT_NEW_KEY_FD,
    OPT_AAD,
    OPT_AAD_FILE,
    OPT_SEGMENT,
    OPT_BACKEND,
    OPT_THREADS
};

/* The new key's options come first, so that the other commands can begin behind them. */
static const struct option long_options[] = {
    {"new-key-file", required_argument, NULL, OPT_NEW_KEY_FILE},
    {"new-key-env", required_argument, NULL, OPT_NEW_KEY_ENV},
    {"new-key-fd", required_argument, NULL, OPT_NEW_KEY_FD},
    {"key-file", required_argument, NULL, OPT_KEY_FILE},
    {"key-env", required_argument, NULL, OPT_KEY_ENV},
    {"key-fd", required_argument, NULL, OPT_KEY_FD},
    {"output", required_argument, NULL, 'o'},
    {"aad", required_argument, NULL, OPT_AAD},
    {"aad-file", required_argument, NULL, OPT_AAD_FILE},
    {"segment", required_argument, NULL, OPT_SEGMENT},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};
enum { NEW_KEY_OPTIONS = 3 };

static int parse_fd(const char *name, const char *text, int *fd, cli_failure *failure)
{
    uint64_t x = 0;
    int code = args_u64(name, text, 0, 65535, &x, failure);
    if (code != CLI_OK)
        return code;
    if (*fd >= 0)
        return cli_fail(failure, CLI_USAGE, "%s %s: %d was given before", name, text, *fd);
    /* It is checked now, as later on a file that is opened here may have the number. */
    if (!process_can_read((int)x))
        return cli_fail(failure, CLI_USAGE, "%s %s: %s", name, text, strerror(errno));
    *fd = (int)x;
    return CLI_OK;
}

static int parse_segment(const char *text, uint32_t *size, cli_failure *failure)
{
    if (strcmp(text, "4KB") == 0)
        *size = PARSEAL_SEALED_4KB;
    else if (strcmp(text, "1MB") == 0)
        *size = PARSEAL_SEALED_1MB;
    else
        return cli_fail(failure, CLI_USAGE, "--segment '%.100s': neither 4KB nor 1MB", text);
    return CLI_OK;
}

/* Refuses a second input or output, as one of the two would be forgotten. */
static int set_once(const char **place, const char *what, cli_failure *failure)
{
    if (*place != NULL)
        return cli_fail(failure, CLI_USAGE, "%s '%.100s': '%.100s' was given before", what, optarg,
                        *place);
    *place = optarg;
    return CLI_OK;
}

static int parse_option(sealed_options *o, int option, cli_failure *failure)
{
    uint64_t x = 0;
    int code = CLI_OK;
    switch (option) {
    case ARGS_OPERAND:
        return set_once(&o->in, "file", failure);
    case 'o':
        return set_once(&o->out, "--output", failure);
    case OPT_KEY_FILE:
        return set_once(&o->key.file, "--key-file", failure);
    case OPT_KEY_ENV:
        return set_once(&o->key.env, "--key-env", failure);
    case OPT_KEY_FD:
        return parse_fd("--key-fd", optarg, &o->key.fd, failure);
    case OPT_NEW_KEY_FILE:
        return set_once(&o->new_key.file, "--new-key-file", failure);
    case OPT_NEW_KEY_ENV:
        return set_once(&o->new_key.env, "--new-key-env", failure);
    case OPT_NEW_KEY_FD:
        return parse_fd("--new-key-fd", optarg, &o->new_key.fd, failure);
    case OPT_AAD:
        return set_once(&o->aad_text, "--aad", failure);
    case OPT_AAD_FILE:
        return set_once(&o->aad_file, "--aad-file", failure);
    case OPT_SEGMENT:
        return parse_segment(optarg, &o->segment_size, failure);
    case OPT_BACKEND:
        return args_backend("--backend", optarg, &o->backend, failure);
    case OPT_THREADS:
        code = args_u64("--threads", optarg, 1, 65536, &x, failure);
        o->threads = (uint32_t)x;
        return code;
    case 'h':
        o->help = true;
        return CLI_OK;
    default: /* args_next_or_operand has filled *failure. */
        return CLI_USAGE;
    }
}

static int finish(const sealed_options *o, bool rekeys, cli_failure *failure)
{
    const bool from_stdin = o->in != NULL && strcmp(o->in, "-") == 0;
    int code = CLI_OK;
    if (o->in == NULL)
        return cli_fail(failure, CLI_USAGE, "no file to read (- is standard input)");
    if (o->out == NULL)
        return cli_fail(failure, CLI_USAGE, "no -o OUT (- is standard output)");
    if (o->aad_text != NULL && o->aad_file != NULL)
        return cli_fail(failure, CLI_USAGE, "--aad and --aad-file exclude each other");
    code = key_source_check(&o->key, failure);
    if (code == CLI_OK && rekeys)
        code = key_source_check(&o->new_key, failure);
    if (code == CLI_OK && from_stdin &&
        (o->key.fd == STDIN_FILENO || (rekeys && o->new_key.fd == STDIN_FILENO)))
        return cli_fail(failure, CLI_USAGE, "standard input cannot be both a key and the file");
    if (code == CLI_OK && rekeys && o->key.fd >= 0 && o->key.fd == o->new_key.fd)
        return cli_fail(failure, CLI_USAGE, "--key-fd and --new-key-fd: both are %d", o->key.fd);
    if (code == CLI_OK && rekeys && o->key.env != NULL && o->new_key.env != NULL &&
        strcmp(o->key.env, o->new_key.env) == 0)
        return cli_fail(failure, CLI_USAGE, "--key-env and --new-key-env: both are %.100s",
                        o->key.env);
    return code;
}

int sealed_options_parse(sealed_options *options, int argc, char **argv, cli_failure *failure)
{
    sealed_options o = {.key = {"--key", NULL, NULL, -1},
                        .new_key = {"--new-key", NULL, NULL, -1},
                        .segment_size = PARSEAL_SEALED_1MB};
    const bool rekeys = strcmp(argv[0], "rekey") == 0;
    const struct option *accepted = rekeys ? long_options : long_options + NEW_KEY_OPTIONS;
    int code = CLI_OK, option;
    args_begin();
    while (code == CLI_OK &&
           (option = args_next_or_operand(argc, argv, accepted, failure)) != ARGS_END)
        code = parse_option(&o, option, failure);
    if (code == CLI_OK && !o.help)
        code = finish(&o, rekeys, failure);
    *options = o;
    return code;
}
