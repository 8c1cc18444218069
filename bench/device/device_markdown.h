#ifndef PARSEAL_BENCH_DEVICE_DEVICE_MARKDOWN_H
#define PARSEAL_BENCH_DEVICE_DEVICE_MARKDOWN_H

#include <jansson.h>
#include <stdio.h>

/* Writes the report's JSON as Markdown. */
void device_markdown(FILE *file, const json_t *report);

#endif
