#include "host/gpu/wish.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

gpu_wish gpu_wish_of(const parseal_request *request, const char *variable)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the library changes the environment. */
    return (gpu_wish){request->device, variable, getenv(variable)};
}

bool gpu_wishes(const gpu_wish *wish)
{
    return is_set(wish->option) || is_set(wish->value);
}

/* "1" and "0:1" are indices, and never a part of a name. */
static bool is_index(const char *text)
{
    const size_t first = strspn(text, "0123456789");
    if (first == 0 || text[first] == '\0')
        return first > 0;
    const char *rest = text + first + 1;
    const size_t second = strspn(rest, "0123456789");
    return text[first] == ':' && second > 0 && rest[second] == '\0';
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* Takes a UUID as the tools of NVIDIA write it: 8-4-4-4-12 hexadecimal digits. */
static bool is_uuid(const char *text, const uint8_t *uuid)
{
    if (uuid == NULL)
        return false;
    for (size_t i = 0; i < GPU_UUID; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
            return false;
        const int high = digit_of(text[0]), low = high < 0 ? -1 : digit_of(text[1]);
        if (low < 0 || (16 * high + low) != uuid[i])
            return false;
        text += 2;
    }
    return *text == '\0';
}

static bool is_called(const char *text, const gpu_identity *d)
{
    if (!is_set(text))
        return true;
    if (is_index(text))
        return strcmp(text, d->place) == 0 || (d->count != NULL && strcmp(text, d->count) == 0);
    if (d->has_uuids && begins(text, "GPU-"))
        return is_uuid(text + 4, d->gpu);
    if (d->has_uuids && begins(text, "MIG-"))
        return is_uuid(text + 4, d->mig);
    return strstr(d->name, text) != NULL;
}

bool gpu_is_wished(const gpu_wish *wish, const gpu_identity *identity)
{
    return is_called(wish->option, identity) && is_called(wish->value, identity);
}

static parseal_status no_index(const char *argument, const char *index, size_t n)
{
    return parseal_fail(PARSEAL_ERR_NO_DEVICE, "%s: no device %s: there %s %zu, counted from 0",
                        argument, index, n == 1 ? "is" : "are", n);
}

parseal_status gpu_wish_failed(const gpu_wish *wish, size_t n)
{
    const bool option = is_set(wish->option), value = is_set(wish->value);
    if (option && value)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE,
                            "options.device: none of %zu devices is both \"%s\" and, as %s says, "
                            "\"%s\"",
                            n, wish->option, wish->variable, wish->value);
    const char *argument = option ? "options.device" : wish->variable;
    const char *text = option ? wish->option : wish->value;
    if (is_index(text))
        return no_index(argument, text, n);
    return parseal_fail(PARSEAL_ERR_NO_DEVICE, "%s: no device is called \"%s\"", argument, text);
}
