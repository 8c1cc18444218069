#include <math.h>
#include <sodium.h>

#include "host/cli/round/report.h"

/* An object under construction. A member that could not be added for want of memory makes the whole
 * NULL in the end. */
typedef struct {
    json_t *object;
    bool complete;
} builder;

static builder begin(void)
{
    builder b = {json_object(), true};
    return b;
}

static void put(builder *b, const char *key, json_t *value)
{
    b->complete = json_object_set_new(b->object, key, value) == 0 && b->complete;
}

static void put_count(builder *b, const char *key, uint64_t value)
{
    put(b, key, json_integer((json_int_t)value));
}

/* Puts null for infinities, which JSON lacks. */
static void put_real(builder *b, const char *key, double value)
{
    put(b, key, isfinite(value) ? json_real(value) : json_null());
}

/* Puts null for a text that is no UTF-8, as a file's name may be, since JSON's texts must be. */
static void put_text(builder *b, const char *key, const char *value)
{
    json_t *text = json_string(value);
    put(b, key, text != NULL ? text : json_null());
}

static void put_hex(builder *b, const char *key, const uint8_t bytes[32])
{
    char text[2 * 32 + 1];
    put_text(b, key, sodium_bin2hex(text, sizeof text, bytes, 32));
}

static json_t *finish(builder *b)
{
    if (!b->complete) {
        json_decref(b->object);
        return NULL;
    }
    return b->object;
}

static json_t *settings(const round_report *report)
{
    const fl_round *r = report->round;
    const cohort *all = &r->cohort;
    const char *file = report->options->params;
    char modulus[REPORT_MODULUS_MAX];
    builder b = begin();

    put_text(&b, "params", file != NULL ? params_file_name(file) : "gaussian");
    put_count(&b, "dim", r->params.n);
    put_real(&b, "rms", r->params.rms);
    put_real(&b, "max_abs", (double)r->params.max_abs);
    put_count(&b, "nonfinite", r->params.nonfinite);
    put_count(&b, "nonfinite_quantised", r->nonfinite);
    put_count(&b, "clients", all->n);
    put_text(&b, "graph", round_graph_name(report->options->graph));
    put_count(&b, "neighbours", all->degree);
    put_count(&b, "holders", cohort_holders(all));
    put_count(&b, "threshold", all->threshold);
    put_count(&b, "dropped", all->n - all->survivors);
    put_count(&b, "survivors", all->survivors);
    put_real(&b, "clip", (double)r->quant.clip);
    put_count(&b, "bits", r->quant.bits);
    report_modulus(r->ring.modulus, modulus);
    put_text(&b, "modulus", modulus);
    put_count(&b, "element_size", r->ring.element_size);
    put_count(&b, "wire_bits", r->wire_bits);
    put_count(&b, "message_bytes", r->wire_size);
    put_hex(&b, "seed", report->options->seed);
    return finish(&b);
}

static json_t *backend(const fl_round *r)
{
    const parseal_info *info = &r->info;
    builder b = begin(), impl = begin();
    for (int32_t p = 0; p < parseal_primitive_count(); p++) {
        parseal_primitive_info primitive = PARSEAL_PRIMITIVE_INFO_INIT;
        if (parseal_ctx_primitive(r->ctx, p, &primitive) == PARSEAL_OK)
            put_text(&impl, parseal_primitive_name(p), primitive.impl);
    }
    put_text(&b, "name", parseal_backend_name(info->backend));
    put_text(&b, "device", info->device);
    put_count(&b, "cpu_threads", info->cpu_threads);
    put_text(&b, "reason", info->reason);
    put(&b, "impl", finish(&impl));
    return finish(&b);
}

/* Makes the object of a stage. Where no bytes are counted, bytes_of, bytes and gbps are null. */
static json_t *stage(const stages *s, stage_id id)
{
    const stage_label *label = &stage_labels[id];
    builder b = begin();
    put_text(&b, "side", label->side);
    put_text(&b, "stage", label->name);
    put_real(&b, "seconds", s->seconds[id]);
    if (s->device != NULL)
        put_real(&b, "kernel_seconds", s->kernel_seconds[id]);
    else
        put(&b, "kernel_seconds", json_null());
    if (label->bytes[0] != '\0') {
        put_text(&b, "bytes_of", label->bytes);
        put_count(&b, "bytes", s->bytes[id]);
        put_real(&b, "gbps", stage_rate(s, id));
    } else {
        put(&b, "bytes_of", json_null());
        put(&b, "bytes", json_null());
        put(&b, "gbps", json_null());
    }
    return finish(&b);
}

static json_t *stage_list(const stages *s)
{
    json_t *list = json_array();
    for (stage_id id = 0; id < STAGES; id++) {
        if (json_array_append_new(list, stage(s, id)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *result(const round_report *report)
{
    const verdict *v = &report->verdict;
    builder b = begin();
    put(&b, "exact", json_boolean(v->differing == 0));
    put_count(&b, "differing", v->differing);
    put_real(&b, "max_error", v->max_error);
    put_real(&b, "step", fl_round_step(report->round));
    put_hex(&b, "sum_blake2b256", v->digest);
    return finish(&b);
}

json_t *report_json(const round_report *report)
{
    const fl_round *r = report->round;
    builder b = begin();
    put_text(&b, "command", "round");
    put_text(&b, "version", parseal_version());
    put(&b, "settings", settings(report));
    put(&b, "backend", backend(r));
    put(&b, "stages", stage_list(&r->stages));
    put_real(&b, "total_seconds", stages_seconds(&r->stages));
    put_real(&b, "wall_seconds", report->wall_seconds);
    put_count(&b, "peak_memory_bytes", report->peak_bytes);
    put(&b, "result", result(report));
    return finish(&b);
}
