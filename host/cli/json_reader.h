/* Reads a JSON text (RFC 8259) value by value, without building a tree of it: it takes no memory
 * beside the text, however hostile that is, and strings may contain U+0000. */
#ifndef PARSEAL_HOST_CLI_JSON_READER_H
#define PARSEAL_HOST_CLI_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/cli/cli.h"

/* The levels of nested objects and arrays that serde_json, under safetensors, takes. */
enum { JSON_READER_DEPTH = 128 };

typedef struct {
    char *text, *next, *end;
    const char *error; /* the first fault of the text; NULL: none so far */
    size_t error_at;   /* the fault's byte in the text */
    unsigned depth;
    bool first; /* no value was read yet from the object or array that is open */
} json_reader;

/* A string of the document, decoded: UTF-8, which may contain zero bytes. */
typedef struct {
    const char *bytes;
    size_t size;
} json_text;

typedef enum {
    JSON_READ_NONE, /* an error */
    JSON_READ_OBJECT,
    JSON_READ_ARRAY,
    JSON_READ_STRING,
    JSON_READ_NUMBER,
    JSON_READ_WORD /* true, false or null */
} json_kind;

/* Starts at the beginning of the text. Strings are decoded in place: the text changes, and must
 * live as long as they do. */
void json_reader_start(json_reader *r, char *text, size_t size);

/* Returns the kind of the next value. */
json_kind json_reader_peek(json_reader *r);

/* Each of these returns false after an error, and where the next value is of another kind. That is
 * no error, and the value is not passed over. */
bool json_reader_enter(json_reader *r, json_kind kind); /* an object or an array */
bool json_reader_string(json_reader *r, json_text *text);
bool json_reader_count(json_reader *r, uint64_t *count); /* an integer from 0 to 2^64 - 1 */
bool json_reader_null(json_reader *r);
bool json_reader_skip(json_reader *r); /* any value */

/* Read the name of the next member of the object entered last, whose value must be read next, and
 * find out whether the array entered last has one more value. They return false after an error, and
 * at the end, which they pass. */
bool json_reader_member(json_reader *r, json_text *name);
bool json_reader_item(json_reader *r);

/* Returns true when there was no error, and only blanks are left. */
bool json_reader_finish(json_reader *r);

/* Fails with CLI_USAGE and the error. `what` names the text ("model.safetensors: header"). */
int json_reader_fail(const json_reader *r, const char *path, const char *what,
                     cli_failure *failure);

/* Compares like memcmp, with the shorter text first. */
int json_text_compare(const json_text *a, const json_text *b);
bool json_text_is(const json_text *text, const char *string);

/* The beginning of a text, for a message. A zero byte becomes '?'. */
typedef struct {
    char text[104];
} json_shown;
#define JSON_SHOW(json) (json_show((json), &(json_shown){{0}}))
const char *json_show(const json_text *text, json_shown *shown);

#endif
