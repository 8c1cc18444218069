#include "host/cli/round/round_options.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

#include "host/cli/args.h"

static const char usage[] =
    "usage: parseal round [options]\n"
    "\n"
    "One whole round of federated learning with real cryptography; clients and server are\n"
    "simulated in this process, the clients one after another.\n"
    "\n"
    "  --clients N         clients, 2 to 1000000 (default 20)\n"
    "  --params FILE       the parameters: a .safetensors file, the .safetensors.index.json of a\n"
    "                      model in shards, or an .f32 file (raw little-endian float32); see "
    "below\n"
    "  --dim D             without --params: D Gaussian parameters with standard deviation 0.01\n"
    "                      (default 1000000)\n"
    "  --dropout F         share of the clients that drop out after masking, 0 <= F < 1\n"
    "                      (default 0.1; the number is rounded down)\n"
    "  --neighbours K|all  how many others each client shares a pairwise mask with\n"
    "                      (default: all up to 21 clients, else 20)\n"
    "  --graph NAME        complete: all are neighbours; harary: a circle in a random order, with\n"
    "                      the nearest for neighbours (default: complete where that is the same)\n"
    "  --threshold T       how many clients, of those that a client's secrets are shared among\n"
    "                      (its neighbours and itself), the server must hear to recover one; with\n"
    "                      fewer left the round fails (default: more than half of them, or fewer\n"
    "                      where the clients that stay in this round are fewer)\n"
    "  --clip C            magnitude that updates are clipped to before they are quantised\n"
    "                      (default: the largest magnitude in the update)\n"
    "  --bits B            bits of a quantised element, 1 to 24 (default 16)\n"
    "  --modulus M         modulus of the masked sum, 2 to 2^64, decimal or 2^K (default: the\n"
    "                      smallest power of two that the sum of all clients stays below)\n"
    "  --backend NAME      auto, cpu, opencl or cuda (default auto)\n"
    "  --threads T         CPU threads per call, at most (default: all cores it may use)\n"
    "  --seed S            repeats a run: 64 hexadecimal digits or an integer (default: random;\n"
    "                      the report names the seed)\n"
    "  --json FILE         write the figures as JSON too; - is standard output, instead of text\n"
    "  --help              this text\n"
    "\n";

static const char files[] =
    "Tensors of a .safetensors file become float32 in the order of their data: F32, F16, BF16,\n"
    "F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ and F4 exactly, F64 as the nearest float32, and a\n"
    "note counts the values that were not exact. What does not convert (integers, BOOL, C64,\n"
    "F8_E8M0, F6_E2M3, F6_E3M2) is left out, and notes name it (the first 20 tensors). A name "
    "that\n"
    "is there twice is refused.\n"
    "\n"
    "Shards are read in the order of their names. They must be files, no links, in the folder of\n"
    "the index, and each tensor must be in the shard that the index's weight_map gives, and in no\n"
    "other; a shard holds no tensor beside those.\n"
    "\n";

static const char explanation[] =
    "Each client shares its self-mask seed and its X25519 secret key among its neighbours and\n"
    "itself (Shamir), adds a different perturbation, uniform within a quarter of the parameters'\n"
    "root mean square, quantises with stochastic rounding, adds its self mask and one mask per\n"
    "neighbour (seeds agreed with X25519; of each pair one client adds and the other subtracts),\n"
    "packs the elements and seals them with AES-256-GCM under its own key. The server opens,\n"
    "unpacks and sums what arrives, all in one go (add), reconstructs from shares the self-mask\n"
    "seeds of the clients that stayed and the secret keys of those that dropped out after\n"
    "masking, strips the self masks of the former and the pairwise masks of the latter, and\n"
    "dequantises.\n"
    "\n"
    "What is simulated: the clients' secrets are derived from the one seed, and shares and public\n"
    "keys pass from hand to hand, where clients would send them sealed for each other and signed.\n"
    "\n"
    "bytes: of the float32 updates (update, quantise, dequantise), of the keystreams (mask,\n"
    "unmask), of the shares (share, reconstruct), of the ring elements (pack), of the sealed\n"
    "messages (seal, add).\n"
    "\n"
    "Exit status: 0 when the unmasked sum equals the plain sum of the quantised updates exactly;\n"
    "1 when it does not or the work failed, as below the threshold; 2 for bad usage or a bad input "
    "file.\n";

void round_options_usage(void)
{
    cli_print_text(usage);
    cli_print_text(files);
    cli_print_text(explanation);
}

enum {
    OPT_CLIENTS = 256,
    OPT_PARAMS,
    OPT_DIM,
    OPT_DROPOUT,
    OPT_NEIGHBOURS,
    OPT_GRAPH,
    OPT_THRESHOLD,
    OPT_CLIP,
    OPT_BITS,
    OPT_MODULUS,
    OPT_BACKEND,
    OPT_THREADS,
    OPT_SEED,
    OPT_JSON
};

static const struct option long_options[] = {
    {"clients", required_argument, NULL, OPT_CLIENTS},
    {"params", required_argument, NULL, OPT_PARAMS},
    {"dim", required_argument, NULL, OPT_DIM},
    {"dropout", required_argument, NULL, OPT_DROPOUT},
    {"neighbours", required_argument, NULL, OPT_NEIGHBOURS},
    {"graph", required_argument, NULL, OPT_GRAPH},
    {"threshold", required_argument, NULL, OPT_THRESHOLD},
    {"clip", required_argument, NULL, OPT_CLIP},
    {"bits", required_argument, NULL, OPT_BITS},
    {"modulus", required_argument, NULL, OPT_MODULUS},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"json", required_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Values that cannot be judged before all options are known. */
typedef struct {
    bool dim, modulus, seed;
    uint64_t neighbours; /* 0: the default; UINT64_MAX: all */
} given;

static int parse_clip(const char *text, float *clip, cli_failure *failure)
{
    double x;
    int code = args_double("--clip", text, &x, failure);
    if (code != CLI_OK)
        return code;
    if (!(x > 0) || !isnormal((float)x))
        return cli_fail(failure, CLI_USAGE, "--clip '%.100s': not a positive normal float32", text);
    *clip = (float)x;
    return CLI_OK;
}

static int parse_dropout(const char *text, double *dropout, cli_failure *failure)
{
    int code = args_double("--dropout", text, dropout, failure);
    if (code == CLI_OK && !(*dropout >= 0 && *dropout < 1))
        return cli_fail(failure, CLI_USAGE, "--dropout '%.100s': not 0 <= F < 1", text);
    return code;
}

static int parse_neighbours(const char *text, uint64_t *neighbours, cli_failure *failure)
{
    if (strcmp(text, "all") == 0) {
        *neighbours = UINT64_MAX;
        return CLI_OK;
    }
    return args_u64("--neighbours", text, 1, ROUND_CLIENTS_MAX, neighbours, failure);
}

const char *round_graph_name(int32_t graph)
{
    return graph == PARSEAL_GRAPH_COMPLETE ? "complete" : "harary";
}

static int parse_graph(const char *text, int32_t *graph, cli_failure *failure)
{
    for (*graph = PARSEAL_GRAPH_COMPLETE; *graph <= PARSEAL_GRAPH_HARARY; ++*graph)
        if (strcmp(text, round_graph_name(*graph)) == 0)
            return CLI_OK;
    return cli_fail(failure, CLI_USAGE, "--graph '%.100s': not complete or harary", text);
}

static int parse_u32(const char *name, const char *text, uint32_t high, uint32_t *value,
                     cli_failure *failure)
{
    uint64_t x = 0;
    int code = args_u64(name, text, 1, high, &x, failure);
    if (code == CLI_OK)
        *value = (uint32_t)x;
    return code;
}

static int parse_option(round_options *o, given *g, int option, cli_failure *failure)
{
    switch (option) {
    case OPT_CLIENTS:
        return args_u64("--clients", optarg, 2, ROUND_CLIENTS_MAX, &o->clients, failure);
    case OPT_PARAMS:
        o->params = optarg;
        return CLI_OK;
    case OPT_DIM:
        g->dim = true;
        return args_u64("--dim", optarg, 1, UINT64_C(1) << 36, &o->dim, failure);
    case OPT_DROPOUT:
        return parse_dropout(optarg, &o->dropout, failure);
    case OPT_NEIGHBOURS:
        return parse_neighbours(optarg, &g->neighbours, failure);
    case OPT_GRAPH:
        return parse_graph(optarg, &o->graph, failure);
    case OPT_THRESHOLD:
        return parse_u32("--threshold", optarg, PARSEAL_HOLDERS_MAX, &o->threshold, failure);
    case OPT_CLIP:
        return parse_clip(optarg, &o->clip, failure);
    case OPT_BITS:
        return parse_u32("--bits", optarg, 24, &o->bits, failure);
    case OPT_MODULUS:
        g->modulus = true;
        return args_modulus("--modulus", optarg, &o->ring.modulus, failure);
    case OPT_BACKEND:
        return args_backend("--backend", optarg, &o->backend, failure);
    case OPT_THREADS:
        return parse_u32("--threads", optarg, 65536, &o->threads, failure);
    case OPT_SEED:
        g->seed = true;
        return args_seed("--seed", optarg, o->seed, failure);
    case OPT_JSON:
        o->json = optarg;
        return CLI_OK;
    case 'h':
        o->help = true;
        return CLI_OK;
    default: /* args_next has filled *failure. */
        return CLI_USAGE;
    }
}

bool round_clip_is_usable(float clip, uint32_t bits)
{
    double levels = (double)((UINT32_C(1) << bits) - 1);
    return clip > 0 && isnormal((float)(levels / (2.0 * (double)clip)));
}

static uint64_t default_modulus(uint64_t clients, uint32_t bits)
{
    uint64_t largest_sum = clients * ((UINT64_C(1) << bits) - 1);
    uint64_t modulus = 2;
    while (modulus <= largest_sum)
        modulus *= 2;
    return modulus;
}

static int finish_ring(round_options *o, const given *g, cli_failure *failure)
{
    if (!g->modulus)
        o->ring.modulus = default_modulus(o->clients, o->bits);
    bool narrow = o->ring.modulus != 0 && o->ring.modulus <= UINT64_C(1) << 32;
    o->ring.element_size = narrow ? 4 : 8;
    if (parseal_quant_check(o->clients, o->bits, &o->ring, NULL) != PARSEAL_OK)
        return cli_fail(failure, CLI_USAGE, "%s", parseal_last_error_text());
    return CLI_OK;
}

static int finish_graph(round_options *o, uint64_t degree, cli_failure *failure)
{
    const bool all = degree == UINT64_MAX ||
                     (degree == 0 && (o->clients <= 21 || o->graph == PARSEAL_GRAPH_COMPLETE));
    if (all)
        degree = o->clients - 1;
    else if (degree == 0)
        degree = 20;
    if (o->graph == 0)
        o->graph = degree == o->clients - 1 ? PARSEAL_GRAPH_COMPLETE : PARSEAL_GRAPH_HARARY;
    o->neighbours = (uint32_t)degree;

    parseal_graph *graph = NULL;
    if (parseal_graph_create(&graph, o->graph, (uint32_t)o->clients, o->neighbours, NULL) !=
        PARSEAL_OK)
        return cli_fail(failure, CLI_USAGE, "--neighbours %u: %s", o->neighbours,
                        parseal_last_error_text());
    parseal_graph_destroy(graph);
    if (o->neighbours >= PARSEAL_HOLDERS_MAX)
        return cli_fail(failure, CLI_USAGE,
                        "--neighbours %u: a secret can be shared among %u clients at most, with "
                        "the one whose it is",
                        o->neighbours, PARSEAL_HOLDERS_MAX);
    if (o->threshold > o->neighbours + 1)
        return cli_fail(failure, CLI_USAGE,
                        "--threshold %u: a client's secrets are shared among %u clients, its "
                        "neighbours and itself",
                        o->threshold, o->neighbours + 1);
    return CLI_OK;
}

static int finish(round_options *o, const given *g, cli_failure *failure)
{
    if (g->dim && o->params != NULL)
        return cli_fail(failure, CLI_USAGE, "--dim and --params exclude each other");
    if (o->clip != 0 && !round_clip_is_usable(o->clip, o->bits))
        return cli_fail(failure, CLI_USAGE,
                        "--clip %g: (2^%u - 1) / (2 * clip) is not a normal float32",
                        (double)o->clip, o->bits);
    int code = finish_graph(o, g->neighbours, failure);
    if (code == CLI_OK)
        code = finish_ring(o, g, failure);
    if (code == CLI_OK && !g->seed)
        randombytes_buf(o->seed, sizeof o->seed);
    return code;
}

int round_options_parse(round_options *options, int argc, char **argv, cli_failure *failure)
{
    round_options o = {.clients = 20, .dim = 1000000, .dropout = 0.1, .bits = 16};
    given g = {false, false, false, 0};
    int option;
    int code = CLI_OK;

    args_begin();
    while (code == CLI_OK && (option = args_next(argc, argv, long_options, failure)) != ARGS_END)
        code = parse_option(&o, &g, option, failure);
    if (code == CLI_OK && !o.help)
        code = finish(&o, &g, failure);
    if (code == CLI_OK)
        *options = o;
    sodium_memzero(o.seed, sizeof o.seed);
    return code;
}
