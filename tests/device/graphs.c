#include "graphs.h"

#include "host/support/dynlib.h"

struct graph_api cu;

bool find_graphs(void)
{
    static const char *const names[] = {"libcuda.so.1", NULL};
    void *library = dynlib_open(names);
    if (library == NULL)
        return false;
    dynlib_function(library, "cuStreamBeginCapture_v2", &cu.begin, sizeof cu.begin);
    dynlib_function(library, "cuStreamEndCapture", &cu.end, sizeof cu.end);
    dynlib_function(library, "cuGraphInstantiateWithFlags", &cu.instantiate, sizeof cu.instantiate);
    dynlib_function(library, "cuGraphLaunch", &cu.launch, sizeof cu.launch);
    dynlib_function(library, "cuGraphExecDestroy", &cu.exec_destroy, sizeof cu.exec_destroy);
    dynlib_function(library, "cuGraphDestroy", &cu.destroy, sizeof cu.destroy);
    return cu.begin != NULL && cu.end != NULL && cu.instantiate != NULL && cu.launch != NULL &&
           cu.exec_destroy != NULL && cu.destroy != NULL;
}

graph_exec graph_captured(void *stream)
{
    graph captured = NULL;
    graph_exec exec = NULL;
    assert_int_equal(cu.end(stream, &captured), OK);
    assert_int_equal(cu.instantiate(&exec, captured, 0), OK);
    assert_int_equal(cu.destroy(captured), OK);
    return exec;
}
