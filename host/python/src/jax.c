/* The handlers as parseal.jax registers them. */
#include "jax.h"

static int put_handler(PyObject *list, const jax_row *row)
{
    PyObject *capsule = PyCapsule_New((void *)(uintptr_t)row->handler, NULL, NULL);
    if (capsule == NULL)
        return -1;
    PyObject *made = Py_BuildValue("(ssN)", row->target->name,
                                   row->target->kind == PARSEAL_BUF_HOST ? "cpu" : "CUDA", capsule);
    const int status = made != NULL ? PyList_Append(list, made) : -1;
    Py_XDECREF(made);
    return status;
}

static int put_handlers(PyObject *list, const jax_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (put_handler(list, &rows[i]) != 0)
            return -1;
    }
    return 0;
}

static PyObject *handlers(PyObject *module, PyObject *unused)
{
    (void)unused;
    if (jax_begin_contexts(state_of_module(module)) != 0)
        return NULL;
    PyObject *list = PyList_New(0);
    if (list != NULL && (put_handlers(list, jax_mask_rows, jax_mask_rows_n) != 0 ||
                         put_handlers(list, jax_vector_rows, jax_vector_rows_n) != 0))
        Py_CLEAR(list);
    return list;
}

static PyMethodDef functions[] = {{"_jax_handlers", handlers, METH_NOARGS,
                                   "_jax_handlers()\n--\n\nThe handlers for XLA: (name of the "
                                   "target, platform, capsule) of each."},
                                  {NULL, NULL, 0, NULL}};

int add_jax(PyObject *module)
{
    return PyModule_AddFunctions(module, functions) == 0 ? add_jax_slots(module) : -1;
}
