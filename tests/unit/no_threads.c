#include "no_threads.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_bool refusing;
static atomic_uint refused;

int __real_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *arg)
{
    if (!refusing)
        return __real_pthread_create(id, attributes, run, arg);
    refused++;
    return EAGAIN;
}

void no_threads(bool refuse)
{
    refusing = refuse;
}

unsigned threads_refused(void)
{
    return refused;
}
