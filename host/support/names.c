/* The names of statuses, and the version. */
#include "parseal/parseal.h"

const char *parseal_status_name(parseal_status status)
{
    switch (status) {
#define NAME(enumerator) \
    case enumerator:     \
        return #enumerator;
        NAME(PARSEAL_OK)
        NAME(PARSEAL_ERR_ARG)
        NAME(PARSEAL_ERR_SIZE)
        NAME(PARSEAL_ERR_ALIAS)
        NAME(PARSEAL_ERR_AUTH)
        NAME(PARSEAL_ERR_OVERFLOW)
        NAME(PARSEAL_ERR_NO_MEMORY)
        NAME(PARSEAL_ERR_NO_DEVICE)
        NAME(PARSEAL_ERR_SELFTEST)
        NAME(PARSEAL_ERR_UNSUPPORTED)
        NAME(PARSEAL_ERR_DEVICE)
        NAME(PARSEAL_ERR_FORMAT)
#undef NAME
    default:
        return "unknown parseal_status";
    }
}

#define TEXT(x)                      #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *parseal_version(void)
{
    return VERSION(PARSEAL_VERSION_MAJOR, PARSEAL_VERSION_MINOR, PARSEAL_VERSION_PATCH);
}
