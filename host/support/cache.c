/* A file has the key, a hash of the stored bytes, and these bytes. Its folder is parseal/ in
 * XDG_CACHE_HOME, or in ~/.cache (XDG Base Directory Specification). */
#include "host/support/cache.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HASH = 32, HEAD = CACHE_KEY + HASH, PATH_SIZE = 1024 };

/* The library never stores larger files. */
static const size_t size_max = (size_t)64 << 20;

static bool fits(int printed, size_t size)
{
    return printed > 0 && (size_t)printed < size;
}

/* Writes the path of the cache's folder. The specification says to ignore relative paths. */
static bool folder_path(char *path, size_t size)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the library changes the environment. */
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/')
        return fits(snprintf(path, size, "%s/parseal", cache), size);
    if (home != NULL && home[0] == '/')
        return fits(snprintf(path, size, "%s/.cache/parseal", home), size);
    return false;
}

static bool file_path(char *path, size_t size, const char *kind, const uint8_t key[CACHE_KEY])
{
    char folder[PATH_SIZE], name[2 * CACHE_KEY + 1];
    sodium_bin2hex(name, sizeof name, key, CACHE_KEY);
    return folder_path(folder, sizeof folder) &&
           fits(snprintf(path, size, "%s/%s-%.32s", folder, kind, name), size);
}

static bool make_folder(void)
{
    char path[PATH_SIZE];
    if (!folder_path(path, sizeof path))
        return false;
    /* On a new account the folder above it is missing, too. */
    char *last = strrchr(path, '/');
    *last = '\0';
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    *last = '/';
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static void hash(uint8_t out[HASH], const uint8_t *bytes, size_t size)
{
    (void)crypto_generichash(out, HASH, bytes, size, NULL, 0);
}

/* Returns the file's bytes after its head, or NULL unless they were stored under the key. */
static uint8_t *read_checked(FILE *file, const uint8_t key[CACHE_KEY], size_t *size)
{
    uint8_t head[HEAD], actual[HASH];
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= HEAD ||
        (uint64_t)info.st_size > size_max || fread(head, 1, HEAD, file) != HEAD)
        return NULL;
    *size = (size_t)info.st_size - HEAD;
    uint8_t *bytes = malloc(*size);
    if (bytes == NULL)
        return NULL;
    if (fread(bytes, 1, *size, file) == *size) {
        hash(actual, bytes, *size);
        if (memcmp(head, key, CACHE_KEY) == 0 && memcmp(head + CACHE_KEY, actual, HASH) == 0)
            return bytes;
    }
    free(bytes);
    return NULL;
}

uint8_t *cache_load(const char *kind, const uint8_t key[CACHE_KEY], size_t *size)
{
    char path[PATH_SIZE + 64];
    FILE *file = file_path(path, sizeof path, kind, key) ? fopen(path, "rb") : NULL;
    if (file == NULL)
        return NULL;
    uint8_t *bytes = read_checked(file, key, size);
    fclose(file);
    return bytes;
}

static bool write_all(int fd, const uint8_t key[CACHE_KEY], const uint8_t *bytes, size_t size)
{
    uint8_t head[HEAD];
    memcpy(head, key, CACHE_KEY);
    hash(head + CACHE_KEY, bytes, size);
    FILE *file = fdopen(fd, "wb");
    if (file == NULL) {
        close(fd);
        return false;
    }
    const bool fine = fwrite(head, 1, HEAD, file) == HEAD && fwrite(bytes, 1, size, file) == size;
    return fclose(file) == 0 && fine;
}

void cache_store(const char *kind, const uint8_t key[CACHE_KEY], const uint8_t *bytes, size_t size)
{
    char path[PATH_SIZE + 64], draft[PATH_SIZE + 80];
    if (size == 0 || size > size_max - HEAD || !make_folder() ||
        !file_path(path, sizeof path, kind, key) ||
        !fits(snprintf(draft, sizeof draft, "%s.XXXXXX", path), sizeof draft))
        return;
    const int fd = mkstemp(draft);
    if (fd < 0)
        return;
    if (!write_all(fd, key, bytes, size) || rename(draft, path) != 0)
        (void)unlink(draft);
}
