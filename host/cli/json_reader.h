/* Reads a JSON text (RFC 8259) value by value, without building a tree of it: it takes no memory
 * beside the text, however hostile that is, and strings may contain U+0000. */
#ifndef PARSEAL_HOST_CLI_JSON_READER_H
#define PARSEAL_HOST_CLI_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/cli/cli.h"

/* Levels of objects and arrays within each other: what serde_json, under safetensors, takes. */
enum { JSON_READER_DEPTH = 128 };

typedef struct {
    char *text, *next, *end;
    const char *error; /* what is wrong with the text; NULL: nothing so far */
    size_t error_at;   /* byte of the text */
    unsigned depth;
    bool first; /* nothing was read yet of the object or array that is open */
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

/* Strings are decoded in place: the text changes, and must live as long as they do. */
void json_reader_start(json_reader *r, char *text, size_t size);

/* What comes next. */
json_kind json_reader_peek(json_reader *r);

/* Each is false where the value that comes next is of another kind, and after an error. A value of
 * another kind is no error and is not passed over. */
bool json_reader_enter(json_reader *r, json_kind kind); /* an object or an array */
bool json_reader_string(json_reader *r, json_text *text);
bool json_reader_count(json_reader *r, uint64_t *count); /* an integer from 0 to 2^64 - 1 */
bool json_reader_null(json_reader *r);
bool json_reader_skip(json_reader *r); /* any value */

/* Of the object entered last, the name of the next member, whose value must be read then; of the
 * array entered last, whether there is one more value. At the end, which they leave behind, and
 * after an error they are false. */
bool json_reader_member(json_reader *r, json_text *name);
bool json_reader_item(json_reader *r);

/* Whether there was no error, and nothing but blanks is left. */
bool json_reader_finish(json_reader *r);

/* CLI_USAGE: tells the error. `what` names the text ("model.safetensors: header"). */
int json_reader_fail(const json_reader *r, const char *path, const char *what,
                     cli_failure *failure);

/* As memcmp orders them, the shorter one first. */
int json_text_compare(const json_text *a, const json_text *b);
bool json_text_is(const json_text *text, const char *string);

/* The beginning of a text, for a message; a zero byte reads '?'. */
typedef struct {
    char text[104];
} json_shown;
#define JSON_SHOW(json) (json_show((json), &(json_shown){{0}}))
const char *json_show(const json_text *text, json_shown *shown);

#endif
