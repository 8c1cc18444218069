#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

json_t *vectors_load(const char *dir, const char *file)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", dir, file);
    if (length < 0 || (size_t)length >= sizeof path || access(path, F_OK) != 0)
        return NULL;
    json_error_t error;
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (root == NULL) {
        fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
        exit(1);
    }
    return root;
}

const char *member_string(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    if (!json_is_string(member))
        fail_msg("no string \"%s\" in a test vector", name);
    return json_string_value(member);
}

json_int_t member_int(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    if (!json_is_integer(member))
        fail_msg("no integer \"%s\" in a test vector", name);
    return json_integer_value(member);
}

const json_t *member_array(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    if (!json_is_array(member))
        fail_msg("no array \"%s\" in a test vector", name);
    return member;
}
