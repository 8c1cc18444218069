/* Python objects that hold one of the library's, and may be closed while calls are inside. */
#include "core.h" /* Python.h must be the first */

#include <stddef.h>
#include <unistd.h>

PyMemberDef held_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(held, weak), READONLY, NULL},
    {NULL, 0, 0, 0, NULL}};

const char held_close_doc[] =
    "close($self, /)\n--\n\nDestroys what the object holds, secrets wiped; now, or when the last "
    "call with "
    "it has returned.\nLater calls with it raise ValueError. Closing twice does nothing.";
const char held_enter_doc[] = "__enter__($self, /)\n--\n\nReturns the object itself.";
const char held_exit_doc[] = "__exit__($self, /, *exception)\n--\n\nCloses the object.";

held *held_new(PyTypeObject *type, void *object, void (*destroy)(void *), PyObject *ctx,
               bool one_at_a_time)
{
    held *h = (held *)PyType_GenericAlloc(type, 0);
    PyThread_type_lock one = NULL;
    if (h != NULL && one_at_a_time) {
        one = PyThread_allocate_lock();
        if (one == NULL) {
            Py_DECREF(h);
            PyErr_NoMemory();
            h = NULL;
        }
    }
    if (h == NULL) {
        destroy(object);
        return NULL;
    }
    atomic_init(&h->use, 0);
    atomic_init(&h->inside, 0);
    h->object = object;
    h->destroy = destroy;
    h->ctx = ctx;
    Py_XINCREF(ctx);
    h->one = one;
    h->extra = NULL;
    h->kept = NULL;
    return h;
}

static void destroy_without_python(held *h)
{
    void *object = h->object;
    h->object = NULL;
    h->destroy(object);
}

/* Destroying may wait for work on a device, whose callbacks may need Python. */
static void destroy_object(held *h)
{
    if (h->object == NULL)
        return;
    Py_BEGIN_ALLOW_THREADS
    destroy_without_python(h);
    Py_END_ALLOW_THREADS
}

/* False in a child of fork where the other is a thread of the parent, which has left the object in
 * the midst of a call and will never go. */
static bool wait_for_the_other(held *h)
{
    if (!PyThread_acquire_lock(h->one, NOWAIT_LOCK)) {
        const long other = atomic_load(&h->inside);
        if (other != 0 && other != (long)getpid())
            return false;
        Py_BEGIN_ALLOW_THREADS
        PyThread_acquire_lock(h->one, WAIT_LOCK);
        Py_END_ALLOW_THREADS
    }
    atomic_store(&h->inside, (long)getpid());
    return true;
}

void *held_try_enter(held *h)
{
    uintptr_t use = atomic_load(&h->use);
    do {
        if ((use & 1) != 0)
            return NULL;
    } while (!atomic_compare_exchange_weak(&h->use, &use, use + 2));
    return h->object;
}

void *held_enter(held *h)
{
    if (held_try_enter(h) == NULL) {
        PyErr_Format(PyExc_ValueError, "%R has been closed", (PyObject *)Py_TYPE((PyObject *)h));
        return NULL;
    }
    if (h->one != NULL && !wait_for_the_other(h)) {
        atomic_fetch_sub(&h->use, 2); /* never the last one: the other stays inside */
        PyErr_Format(PyExc_RuntimeError,
                     "%R: another thread was inside a call when this process forked",
                     (PyObject *)Py_TYPE((PyObject *)h));
        return NULL;
    }
    return h->object;
}

void held_leave(held *h)
{
    if (h->one != NULL) {
        atomic_store(&h->inside, 0);
        PyThread_release_lock(h->one);
    }
    /* The last one out of a closed object: nobody can enter it any more. */
    if (atomic_fetch_sub(&h->use, 2) == 3)
        destroy_object(h);
}

void held_leave_without_python(held *h)
{
    if (atomic_fetch_sub(&h->use, 2) == 3)
        destroy_without_python(h);
}

PyObject *held_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    held *h = (held *)self;
    if (atomic_fetch_or(&h->use, 1) == 0)
        destroy_object(h);
    Py_RETURN_NONE;
}

void held_dealloc(PyObject *self)
{
    held *h = (held *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (h->weak != NULL)
        PyObject_ClearWeakRefs(self);
    destroy_object(h);
    if (h->one != NULL)
        PyThread_free_lock(h->one);
    PyMem_Free(h->extra);
    Py_XDECREF(h->kept);
    Py_XDECREF(h->ctx);
    PyObject_Free(self);
    Py_DECREF(type);
}

PyObject *held_return_self(PyObject *self, PyObject *unused)
{
    (void)unused;
    Py_INCREF(self);
    return self;
}

PyObject *held_exit(PyObject *self, PyObject *args)
{
    (void)args;
    return held_close(self, NULL);
}

PyObject *held_get_ctx(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *ctx = ((held *)self)->ctx;
    Py_INCREF(ctx);
    return ctx;
}

held *to_held(const char *name, PyObject *value, PyTypeObject *type)
{
    if (Py_TYPE(value) == type)
        return (held *)value;
    PyErr_Format(PyExc_TypeError, "%s: %R is needed, not %R", name, (PyObject *)type,
                 (PyObject *)Py_TYPE(value));
    return NULL;
}
