#include "host/cli/sealed/key.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cli/fd.h"

extern char **environ; /* POSIX declares it in no header. */

enum { TEXT_MAX = 256 };

int key_source_check(const key_source *s, cli_failure *failure)
{
    int given = (s->file != NULL) + (s->env != NULL) + (s->fd >= 0);
    if (given == 1)
        return CLI_OK;
    return cli_fail(failure, CLI_USAGE, "%s: give one of %s-file, %s-env and %s-fd",
                    given == 0 ? "no key" : "more than one key", s->prefix, s->prefix, s->prefix);
}

static bool from_text(uint8_t *key, const char *text, size_t length)
{
    static const int variants[] = {
        sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
        sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    size_t n = 0;
    if (length == 2 * (size_t)KEY_BYTES)
        return sodium_hex2bin(key, KEY_BYTES, text, length, NULL, &n, NULL) == 0 && n == KEY_BYTES;
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        if (sodium_base642bin(key, KEY_BYTES, text, length, NULL, &n, NULL, variants[i]) == 0 &&
            n == KEY_BYTES)
            return true;
    return false;
}

static size_t without_space(const char *text, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        length--;
    return length;
}

static void note_readable(const key_source *s, int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        cli_note("%s-file %.200s: others than its owner can use it (mode %03o); chmod 600 it",
                 s->prefix, s->file, (unsigned)status.st_mode & 0777);
}

static int read_file(uint8_t *key, const key_source *s, char *text, const char *name,
                     cli_failure *failure)
{
    int fd = s->file != NULL ? fd_open_to_read(s->file) : s->fd;
    ssize_t length = fd >= 0 ? fd_read_all(fd, text, TEXT_MAX) : -1;
    int reason = errno;
    if (s->file != NULL && fd >= 0) {
        note_readable(s, fd);
        close(fd);
    }
    if (length < 0)
        return cli_fail(failure, CLI_USAGE, "%s: %s", name, strerror(reason));
    if (length == KEY_BYTES) {
        memcpy(key, text, KEY_BYTES);
        return CLI_OK;
    }
    if (length < TEXT_MAX && from_text(key, text, without_space(text, (size_t)length)))
        return CLI_OK;
    return cli_fail(failure, CLI_USAGE,
                    "%s: not a key (%d bytes, or 64 hexadecimal digits, or base64)", name,
                    KEY_BYTES);
}

/* Wipes the variable's bytes and removes it. Programs that are started from here would inherit it,
 * and everyone who may read this process's environment (/proc/PID/environ) would find it. */
static void remove_from_environment(const char *name)
{
    const size_t length = strlen(name);
    for (char **entry = environ; *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            sodium_memzero(*entry + length + 1, strlen(*entry + length + 1));
    unsetenv(name);
}

static int read_env(uint8_t *key, const key_source *s, cli_failure *failure)
{
    const char *text = getenv(s->env);
    if (text == NULL)
        return cli_fail(failure, CLI_USAGE, "%s-env %.100s: there is no such variable", s->prefix,
                        s->env);
    const bool is_key = from_text(key, text, without_space(text, strlen(text)));
    remove_from_environment(s->env);
    if (is_key)
        return CLI_OK;
    return cli_fail(failure, CLI_USAGE,
                    "%s-env %.100s: not a key (64 hexadecimal digits, or base64 of %d bytes)",
                    s->prefix, s->env, KEY_BYTES);
}

int key_load(uint8_t **key, const key_source *s, cli_failure *failure)
{
    char name[300];
    int code;
    uint8_t *made = sodium_malloc(KEY_BYTES);
    char *text = sodium_malloc(TEXT_MAX);
    if (s->file != NULL)
        snprintf(name, sizeof name, "%s-file %.200s", s->prefix, s->file);
    else
        snprintf(name, sizeof name, "%s-fd %d", s->prefix, s->fd);
    if (made == NULL || text == NULL)
        code = cli_fail(failure, CLI_FAILED, "not enough memory for a key");
    else if (s->env != NULL)
        code = read_env(made, s, failure);
    else
        code = read_file(made, s, text, name, failure);
    sodium_free(text);
    if (code == CLI_OK)
        *key = made;
    else
        sodium_free(made);
    return code;
}
