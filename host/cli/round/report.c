#include "host/cli/round/report.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

void report_modulus(uint64_t modulus, char text[REPORT_MODULUS_MAX])
{
    if (modulus == 0)
        snprintf(text, REPORT_MODULUS_MAX, "18446744073709551616");
    else
        snprintf(text, REPORT_MODULUS_MAX, "%" PRIu64, modulus);
}

static void print_modulus(uint64_t modulus)
{
    char text[REPORT_MODULUS_MAX];
    unsigned k = 0;
    if ((modulus & (modulus - 1)) == 0) { /* It is a power of two, and 0 is 2^64. */
        for (uint64_t m = modulus - 1; m != 0; m >>= 1)
            k++;
        cli_print("2^%u", k);
    } else {
        report_modulus(modulus, text);
        cli_print("%s", text);
    }
}

static void print_params(const round_report *report)
{
    const fl_round *r = report->round;
    const params *p = &r->params;
    if (report->options->params != NULL)
        cli_print("parameters  %" PRIu64 " from %s", p->n,
                  params_file_name(report->options->params));
    else
        cli_print("parameters  %" PRIu64 " Gaussian", p->n);
    cli_print(", root mean square %.4g, largest %.4g\n", p->rms, (double)p->max_abs);
    if (p->nonfinite != 0 || r->nonfinite != 0)
        cli_print("            %" PRIu64 " of them not finite; %" PRIu64
                  " values counted as 0 over all clients\n",
                  p->nonfinite, r->nonfinite);
}

static void print_settings(const round_report *report)
{
    const fl_round *r = report->round;
    const cohort *all = &r->cohort;
    float largest = r->params.max_abs + r->amplitude;

    cli_print("clients     %" PRIu64 ", %" PRIu32 " neighbours each (%s graph); %" PRIu64
              " dropped out after masking, %" PRIu64 " stayed\n",
              all->n, all->degree, round_graph_name(report->options->graph),
              all->n - all->survivors, all->survivors);
    cli_print("secrets     each shared among %" PRIu32 " clients, any %" PRIu32
              " of which recover it\n",
              cohort_holders(all), all->threshold);
    print_params(report);
    cli_print("quantised   to %u bits, clip %.6g%s\n", r->quant.bits, (double)r->quant.clip,
              r->quant.clip < largest ? " (below the largest magnitude: larger values are clipped)"
                                      : "");
    cli_print("ring        modulus ");
    print_modulus(r->ring.modulus);
    cli_print(", %u-byte elements, %u bits each in a message of %" PRIu64 " bytes\n",
              r->ring.element_size, r->wire_bits, r->wire_size);
}

static void print_backend(const fl_round *r)
{
    const parseal_info *info = &r->info;
    cli_print("backend     %s: %s", parseal_backend_name(info->backend), info->device);
    if (info->backend == PARSEAL_BACKEND_CPU)
        cli_print(", %u CPU thread%s", info->cpu_threads, info->cpu_threads == 1 ? "" : "s");
    cli_print(";");
    for (int32_t p = 0; p < parseal_primitive_count(); p++) {
        parseal_primitive_info primitive = PARSEAL_PRIMITIVE_INFO_INIT;
        if (parseal_ctx_primitive(r->ctx, p, &primitive) == PARSEAL_OK)
            cli_print("%s %s %s", p == 0 ? "" : ",", parseal_primitive_name(p), primitive.impl);
    }
    cli_print("\n");
}

static void print_stages(const stages *s)
{
    const bool kernels = s->device != NULL;
    cli_print("\n%-6s  %-11s  %10s  %s%15s  %8s  %s\n", "side", "stage", "seconds",
              kernels ? "in kernels  " : "", "bytes", "GB/s", "bytes of");
    for (stage_id id = 0; id < STAGES; id++) {
        const stage_label *label = &stage_labels[id];
        cli_print("%-6s  %-11s  %10.4f  ", label->side, label->name, s->seconds[id]);
        if (kernels)
            cli_print("%10.4f  ", s->kernel_seconds[id]);
        if (label->bytes[0] != '\0')
            cli_print("%15" PRIu64 "  %8.3f  %s\n", s->bytes[id], stage_rate(s, id), label->bytes);
        else
            cli_print("%15s  %8s\n", "-", "-");
    }
}

static void print_verdict(const round_report *report)
{
    const verdict *v = &report->verdict;
    const fl_round *r = report->round;
    char digest[2 * CHECKER_DIGESTBYTES + 1];

    if (v->differing == 0)
        cli_print("exact: the unmasked sum equals the plain sum of the %" PRIu64
                  " quantised updates in all %" PRIu64 " elements\n",
                  r->cohort.survivors, r->params.n);
    else
        cli_print("NOT EXACT: the unmasked sum differs from the plain sum in %" PRIu64
                  " of %" PRIu64 " elements\n",
                  v->differing, r->params.n);
    cli_print("largest error against the float mean %.4g (quantisation step %.4g)\n", v->max_error,
              fl_round_step(r));
    cli_print("BLAKE2b-256 of the sum %s\n",
              sodium_bin2hex(digest, sizeof digest, v->digest, sizeof v->digest));
}

void report_print(const round_report *report)
{
    char seed[2 * sizeof report->options->seed + 1];

    print_settings(report);
    print_backend(report->round);
    cli_print("seed        %s\n", sodium_bin2hex(seed, sizeof seed, report->options->seed,
                                                 sizeof report->options->seed));
    print_stages(&report->round->stages);
    cli_print("%-6s  %-11s  %10.4f\n", "total", "", stages_seconds(&report->round->stages));
    cli_print("\n%.4f s on the clock with loading and checking; peak memory %.1f MB\n",
              report->wall_seconds, 1e-6 * (double)report->peak_bytes);
    print_verdict(report);
}
