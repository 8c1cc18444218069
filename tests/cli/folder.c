#include "folder.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "host/cli/bytes.h"

enum { PATH_SIZE = 512 };

static char folder[256];

int folder_create(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(folder, sizeof folder, "%s/parseal-test-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

/* Calls each (may be NULL) on every file and counts them. */
static size_t visit(int (*each)(const char *path))
{
    char path[PATH_SIZE];
    size_t n = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        n++;
        if (each != NULL &&
            (size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < sizeof path)
            each(path);
    }
    closedir(dir);
    return n;
}

int folder_remove(void **state)
{
    (void)state;
    visit(unlink);
    return rmdir(folder);
}

size_t folder_count(void)
{
    return visit(NULL);
}

const char *folder_path(const char *name)
{
    static char paths[4][PATH_SIZE];
    static size_t next;
    char *path = paths[next++ % 4];
    assert_true((size_t)snprintf(path, PATH_SIZE, "%s/%s", folder, name) < PATH_SIZE);
    return path;
}

const char *folder_write(const char *name, const void *bytes, size_t size)
{
    const char *path = folder_path(name);
    unlink(path); /* some file systems flush one that is cut and written anew */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

const char *folder_write_safetensors(const char *name, const char *header, const void *data,
                                     size_t data_size)
{
    size_t length = strlen(header);
    uint8_t *bytes = malloc(8 + length + data_size);
    assert_non_null(bytes);
    store_le64(bytes, length);
    memcpy(bytes + 8, header, length);
    if (data_size != 0)
        memcpy(bytes + 8 + length, data, data_size);
    const char *path = folder_write(name, bytes, 8 + length + data_size);
    free(bytes);
    return path;
}
