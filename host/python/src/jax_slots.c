/* Slots: seeds in guarded memory that compiled programs of JAX know by a number.
 *
 * A handler runs in a thread without Python, perhaps long after the call that asked for it, so it
 * can hold no Python object. It enters a slot by its number and the turn in which the seeds that it
 * means were put there, and leaves it. Who puts others there waits until all have left, so none
 * finds a set destroyed, and none that comes later finds the seeds of another turn.
 */
#include "jax.h" /* Python.h must be the first */

#include <time.h>
#include <unistd.h>

enum { SLOTS = 4096 };

#define CLOSED (UINT64_C(1) << 31)
#define INSIDE (CLOSED - 1)

typedef struct {
    _Atomic uint64_t state; /* the turn << 32, CLOSED, and how many handlers are inside */
    held *seeds;            /* owned; changes while the slot is closed and nobody is inside */
    parseal_ctx *ctx;       /* of the seeds' Context, entered; or NULL */
    uint64_t number;
    pid_t pid;         /* of the process that filled it */
    atomic_bool taken; /* there is a Slot with this number */
} slot;

static slot slots[SLOTS];

static uint32_t turn_of(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

const char *jax_slot_enter(uint32_t index, uint32_t turn, jax_entered *entered)
{
    if (index >= SLOTS)
        return "no such slot";
    slot *s = &slots[index];
    uint64_t state = atomic_load(&s->state);
    do {
        if (turn != JAX_ANY_TURN && turn_of(state) != turn)
            return "the slot has other seeds by now: they were put there before this call ran, or "
                   "the slot is a constant of the program and not an argument";
        if ((state & CLOSED) != 0 || turn_of(state) == 0)
            return "its seeds are gone: it was closed, or others are being put there";
    } while (!atomic_compare_exchange_weak(&s->state, &state, state + 1));
    entered->set = held_try_enter(s->seeds);
    entered->ctx = s->ctx;
    entered->number = s->number;
    if (entered->set != NULL)
        return NULL;
    atomic_fetch_sub(&s->state, 1);
    return "the seeds in the slot have been closed";
}

void jax_slot_leave(uint32_t index)
{
    slot *s = &slots[index];
    held_leave_without_python(s->seeds);
    atomic_fetch_sub(&s->state, 1);
}

/* Closes the slot, waits until nobody is inside, and takes out what was there: NULL, or a reference
 * that is the caller's. In a child of fork the parent's threads, which may have been inside, are
 * gone and will never leave: what they used is left alone for ever. */
static PyObject *take_out(slot *s)
{
    static const struct timespec moment = {0, 20000};
    uint64_t state = atomic_fetch_or(&s->state, CLOSED);
    const bool mine = s->pid == getpid();
    if (mine && (state & INSIDE) != 0) {
        Py_BEGIN_ALLOW_THREADS
        while ((atomic_load(&s->state) & INSIDE) != 0)
            nanosleep(&moment, NULL);
        Py_END_ALLOW_THREADS
    }
    PyObject *seeds = mine || (state & INSIDE) == 0 ? (PyObject *)s->seeds : NULL;
    if (seeds != NULL && s->ctx != NULL)
        held_leave((held *)s->seeds->ctx);
    s->seeds = NULL;
    s->ctx = NULL;
    return seeds;
}

/* ----------------------------------------------------------------------------------- Python -- */

static int to_slot(PyObject *value, slot **s)
{
    uint32_t index = 0;
    if (to_u32("slot", value, &index) != 0)
        return -1;
    if (index >= SLOTS || !atomic_load(&slots[index].taken)) {
        PyErr_Format(PyExc_ValueError, "slot: there is none with the number %u", index);
        return -1;
    }
    *s = &slots[index];
    return 0;
}

static PyObject *slot_new(PyObject *module, PyObject *unused)
{
    (void)unused;
    for (uint32_t i = 0; i < SLOTS; i++) {
        bool taken = false;
        if (atomic_compare_exchange_strong(&slots[i].taken, &taken, true))
            return PyLong_FromUnsignedLong(i);
    }
    return raise_text(state_of_module(module), PARSEAL_ERR_NO_MEMORY,
                      "all %d slots of the process are in use", (int)SLOTS);
}

static PyObject *slot_put(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature parameters = SIGNATURE("_jax_slot_put", 3, 2, "slot", "seeds", "number");
    PyObject *v[3];
    slot *s;
    uint64_t number = 0;
    if (take_arguments(&parameters, args, n, names, v) != 0 || to_slot(v[0], &s) != 0 ||
        to_u64("number", v[2], &number) != 0)
        return NULL;
    held *seeds = to_held("seeds", v[1], state_of_module(module)->seeds);
    if (seeds == NULL)
        return NULL;
    PyObject *old = take_out(s);
    uint32_t turn = turn_of(atomic_load(&s->state)) + 1;
    if (turn == JAX_ANY_TURN)
        turn++;
    Py_INCREF((PyObject *)seeds);
    s->seeds = seeds;
    s->ctx = held_try_enter((held *)seeds->ctx);
    s->number = number;
    s->pid = getpid();
    atomic_store(&s->state, (uint64_t)turn << 32);
    Py_XDECREF(old);
    return PyLong_FromUnsignedLong(turn);
}

/* The turn stays, so that calls of a Slot that is gone do not find the seeds of the next one. */
static PyObject *slot_free(PyObject *module, PyObject *value)
{
    slot *s;
    (void)module;
    if (to_slot(value, &s) != 0)
        return NULL;
    PyObject *old = take_out(s);
    atomic_store(&s->taken, false);
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"_jax_slot_new", slot_new, METH_NOARGS, "_jax_slot_new()\n--\n\nThe number of a new slot."},
    FUNCTION("_jax_slot_put", slot_put, 0,
             "_jax_slot_put(slot, seeds, number=0)\n--\n\n"
             "Puts a Seeds there when no call uses the one before it. Returns the turn: 1, 2, ..."),
    {"_jax_slot_free", slot_free, METH_O,
     "_jax_slot_free(slot)\n--\n\nEmpties a slot, and lets others have it."},
    {NULL, NULL, 0, NULL}};

int add_jax_slots(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
