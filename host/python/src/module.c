/* The module parseal._core. */
#include "core.h"

core_state *state_of_module(PyObject *module)
{
    return PyModule_GetState(module);
}

core_state *state_of(PyObject *object)
{
    return PyType_GetModuleState(Py_TYPE(object));
}

int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type != NULL ? PyModule_AddType(module, *type) : -1;
}

static int execute(PyObject *module)
{
    static int (*const parts[])(PyObject *) = {
        add_errors, add_arrays,  add_context, add_ring,  add_quant,  add_seeds,
        add_mask,   add_vectors, add_keys,    add_aead,  add_sealed, add_aggregator,
        add_secagg, add_pairs,   add_shares,  add_impls, add_jax};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i](module) != 0)
            return -1;
    }
    return PyModule_AddStringConstant(module, "__version__", parseal_version());
}

static PyModuleDef_Slot slots[] = {SLOT(Py_mod_exec, execute),
#ifdef Py_GIL_DISABLED
                                   {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
                                   {0, NULL}};

/* What the state holds lives as long as the process: contexts may be in use by threads that nobody
 * waits for at the end. */
static PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                 "parseal._core",
                                 "What parseal binds of its library in C.",
                                 sizeof(core_state),
                                 NULL,
                                 slots,
                                 NULL,
                                 NULL,
                                 NULL};

/* NOLINTBEGIN(readability-identifier-naming): Python looks for this name. */
PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
/* NOLINTEND(readability-identifier-naming) */
{
    return PyModuleDef_Init(&definition);
}
