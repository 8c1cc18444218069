/* parseal.secagg.Graph: who masks with whom, and what a sum needs. */
#include "core.h" /* Python.h must be the first */

#include <string.h>

#include "parseal/secagg.h"

/* ------------------------------------------------------------------------------------ graph -- */

static void destroy_graph(void *graph)
{
    parseal_graph_destroy(graph);
}

static PyObject *new_graph(PyObject *class, int32_t kind, uint32_t n, uint32_t k,
                           const uint8_t *seed)
{
    parseal_graph *graph = NULL;
    core_state *state = PyType_GetModuleState((PyTypeObject *)class);
    parseal_status status;
    CALL(status, n, parseal_graph_create(&graph, kind, n, k, seed));
    if (done(state, status) != 0)
        return NULL;
    return (PyObject *)held_new(state->graph, graph, destroy_graph, NULL, false);
}

static PyObject *complete(PyObject *class, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    static const signature s = SIGNATURE("complete", 1, 1, "n");
    PyObject *v[1];
    uint32_t n = 0;
    if (take_arguments(&s, args, count, names, v) != 0 || need_u32("n", v[0], &n) != 0)
        return NULL;
    return new_graph(class, PARSEAL_GRAPH_COMPLETE, n, 0, NULL);
}

static PyObject *harary(PyObject *class, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    static const signature s = SIGNATURE("harary", 3, 2, "n", "k", "seed");
    PyObject *v[3];
    core_state *state = PyType_GetModuleState((PyTypeObject *)class);
    uint32_t n = 0, k = 0;
    uint8_t seed[PARSEAL_SEEDBYTES];
    if (take_arguments(&s, args, count, names, v) != 0 || need_u32("n", v[0], &n) != 0 ||
        need_u32("k", v[1], &k) != 0)
        return NULL;
    if (given(v[2]) == NULL)
        return new_graph(class, PARSEAL_GRAPH_HARARY, n, k, NULL);
    if (bytes_copy(state, "seed", v[2], seed, sizeof seed) != 0)
        return NULL;
    PyObject *made = new_graph(class, PARSEAL_GRAPH_HARARY, n, k, seed);
    wipe(seed, sizeof seed);
    return made;
}

static Py_ssize_t graph_length(PyObject *self)
{
    const parseal_graph *graph = held_enter((held *)self);
    if (graph == NULL)
        return -1;
    const uint32_t n = parseal_graph_clients(graph);
    held_leave((held *)self);
    return (Py_ssize_t)n;
}

static PyObject *graph_degree(PyObject *self, void *unused)
{
    (void)unused;
    const parseal_graph *graph = held_enter((held *)self);
    if (graph == NULL)
        return NULL;
    const uint32_t degree = parseal_graph_degree(graph);
    held_leave((held *)self);
    return PyLong_FromUnsignedLong(degree);
}

static PyObject *list_of_u32(const uint32_t *numbers, size_t n)
{
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyObject *number = PyLong_FromUnsignedLong(numbers[i]);
        if (number == NULL || PyList_SetItem(list, (Py_ssize_t)i, number) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *neighbours_of(core_state *state, const parseal_graph *graph, uint32_t i)
{
    const uint32_t degree = parseal_graph_degree(graph);
    uint32_t *neighbours = PyMem_Calloc(degree, sizeof *neighbours);
    if (neighbours == NULL)
        return PyErr_NoMemory();
    PyObject *list = NULL;
    if (done(state, parseal_graph_neighbours(graph, i, neighbours)) == 0)
        list = list_of_u32(neighbours, degree);
    PyMem_Free(neighbours);
    return list;
}

static PyObject *neighbours(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("neighbours", 1, 1, "i");
    PyObject *v[1];
    uint32_t i = 0;
    if (take_arguments(&s, args, n, names, v) != 0 || need_u32("i", v[0], &i) != 0)
        return NULL;
    const parseal_graph *graph = held_enter((held *)self);
    if (graph == NULL)
        return NULL;
    PyObject *list = neighbours_of(state_of(self), graph, i);
    held_leave((held *)self);
    return list;
}

/* ------------------------------------------------------------------------------------ needs -- */

static PyStructSequence_Field need_fields[] = {
    {"client", "Whose mask it is, or whose vector is in the sum."},
    {"peer", "client itself: its self mask; else the neighbour that dropped out."},
    {"sign", "+1 or -1: how the server adds the mask to the sum."},
    {NULL, NULL}};

static PyStructSequence_Desc need_description = {
    "parseal.secagg.Need", "A mask that takes a sum's masks off: see Graph.needs.", need_fields, 3};

typedef struct {
    uint32_t *ids;
    size_t n;
} clients;

static int take_clients(const char *name, PyObject *value, clients *c)
{
    PyObject *tuple;
    *c = (clients){NULL, 0};
    if (to_tuple(name, value, &tuple) != 0)
        return -1;
    if (tuple == NULL) {
        PyErr_Format(PyExc_TypeError, "%s: a sequence is needed, not None", name);
        return -1;
    }
    c->n = (size_t)PyTuple_Size(tuple);
    c->ids = PyMem_Calloc(c->n + 1, sizeof *c->ids);
    int status = c->ids != NULL ? 0 : (PyErr_NoMemory(), -1);
    for (size_t i = 0; i < c->n && status == 0; i++) {
        char item[48];
        PyOS_snprintf(item, sizeof item, "%s[%llu]", name, (unsigned long long)i);
        status = need_u32(item, PyTuple_GetItem(tuple, (Py_ssize_t)i), &c->ids[i]);
    }
    Py_DECREF(tuple);
    if (status != 0)
        PyMem_Free(c->ids);
    return status;
}

static PyObject *row_of(const core_state *state, const parseal_need *need)
{
    PyObject *row = PyStructSequence_New(state->need);
    const long long values[] = {need->client, need->peer, need->sign};
    for (Py_ssize_t i = 0; row != NULL && i < 3; i++) {
        PyObject *value = PyLong_FromLongLong(values[i]);
        if (value == NULL) {
            Py_DECREF(row);
            return NULL;
        }
        PyStructSequence_SetItem(row, i, value);
    }
    return row;
}

static PyObject *list_of_needs(const core_state *state, const parseal_need *rows, size_t n)
{
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyObject *row = row_of(state, &rows[i]);
        if (row == NULL || PyList_SetItem(list, (Py_ssize_t)i, row) != 0)
            Py_CLEAR(list);
    }
    return list;
}

/* They are counted first. */
static PyObject *needs_of(core_state *state, const parseal_graph *graph, const clients *survivors,
                          const clients *dropped)
{
    size_t n = 0;
    if (done(state, parseal_graph_needs(graph, survivors->ids, survivors->n, dropped->ids,
                                        dropped->n, NULL, 0, &n)) != 0)
        return NULL;
    parseal_need *rows = PyMem_Calloc(n + 1, sizeof *rows);
    if (rows == NULL)
        return PyErr_NoMemory();
    PyObject *list = NULL;
    if (done(state, parseal_graph_needs(graph, survivors->ids, survivors->n, dropped->ids,
                                        dropped->n, rows, n + 1, &n)) == 0)
        list = list_of_needs(state, rows, n);
    PyMem_Free(rows);
    return list;
}

static PyObject *needs(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("needs", 2, 2, "survivors", "dropped");
    PyObject *v[2];
    clients survivors, dropped;
    if (take_arguments(&s, args, n, names, v) != 0 ||
        take_clients("survivors", v[0], &survivors) != 0)
        return NULL;
    PyObject *list = NULL;
    if (take_clients("dropped", v[1], &dropped) == 0) {
        const parseal_graph *graph = held_enter((held *)self);
        if (graph != NULL) {
            list = needs_of(state_of(self), graph, &survivors, &dropped);
            held_leave((held *)self);
        }
        PyMem_Free(dropped.ids);
    }
    PyMem_Free(survivors.ids);
    return list;
}

static PyMethodDef methods[] = {
    FUNCTION(
        "complete", complete, METH_CLASS,
        "complete($type, n)\n--\n\nEveryone masks with everyone. Raises SizeError (n is not in "
        "2 .. 2**30)."),
    FUNCTION("harary", harary, METH_CLASS,
             "harary($type, n, k, seed=None)\n--\n\n"
             "k neighbours each, on a circle: connected while fewer than k are missing (k from 2 "
             "on).\n\nseed: 32 bytes, from which the order on the circle is drawn, the same "
             "everywhere; None: the\nclients' own order. Raises SizeError (n, k, or both odd)."),
    FUNCTION("neighbours", neighbours, 0,
             "neighbours($self, i)\n--\n\nlist[int]: the neighbours of client i, ascending. Raises "
             "SizeError."),
    FUNCTION(
        "needs", needs, 0,
        "needs($self, survivors, dropped)\n--\n\n"
        "list[Need]: the masks that take all masks off the sum of the survivors' vectors.\n\n"
        "survivors: clients whose vectors are in the sum. dropped: clients with whom survivors "
        "have\nadded pair masks, but whose vectors are not in it.\n\n"
        "Where need.peer is need.client it is the self mask of that client, whose seed it has "
        "shared;\nelse that of the pair with need.peer, who dropped out and has shared its "
        "secret key.\n\nRaises SizeError, ArgError (an id occurs twice)."),
    HELD_METHODS,
    {NULL, NULL, 0, NULL}};

static PyGetSetDef getters[] = {
    {"degree", graph_degree, NULL, "How many neighbours each client has.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static const char doc[] =
    "Who masks with whom: clients 0 .. len() - 1, each with `degree` neighbours. Made by complete\n"
    "and harary; immutable.";

static PyType_Slot slots[] = {SLOT(Py_tp_dealloc, held_dealloc), SLOT(Py_tp_methods, methods),
                              SLOT(Py_tp_getset, getters),       SLOT(Py_tp_doc, doc),
                              SLOT(Py_sq_length, graph_length),  {0, NULL}};

static PyType_Spec spec = {"parseal.secagg.Graph", sizeof(held), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

int add_secagg(PyObject *module)
{
    core_state *state = state_of_module(module);
    state->need = PyStructSequence_NewType(&need_description);
    if (state->need == NULL || PyModule_AddType(module, state->need) != 0 ||
        add_type(module, &spec, &state->graph) != 0)
        return -1;
    return 0;
}
