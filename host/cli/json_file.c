#include "host/cli/json_file.h"

#include <stdlib.h>
#include <string.h>

#include "host/cli/output.h"

bool json_file_is_stdout(const char *path)
{
    return output_is_stdout(path);
}

int json_file_check(const char *path, cli_failure *failure)
{
    return output_check("--json", path, failure);
}

int json_file_write(const char *path, const json_t *json, cli_failure *failure)
{
    output o;
    char *text = json_dumps(json, JSON_INDENT(2));
    if (text == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for the JSON report");
    int code = output_begin(&o, path, 0666, failure);
    if (code == CLI_OK) {
        code = output_write(&o, text, strlen(text), failure);
        if (code == CLI_OK)
            code = output_write(&o, "\n", 1, failure);
        if (code == CLI_OK)
            code = output_commit(&o, failure);
        else
            output_abandon(&o);
    }
    free(text);
    return code;
}
