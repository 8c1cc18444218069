#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static char *read_all(FILE *file)
{
    long size;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    text[size] = '\0';
    fclose(file);
    return text;
}

static int run(char *const argv[], FILE *out, FILE *err)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (dup2(fileno(out), STDOUT_FILENO) < 0 || dup2(fileno(err), STDERR_FILENO) < 0)
            _exit(126);
        execv(argv[0], argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void run_and_read(char *const argv[], command_result *result)
{
    FILE *out = tmpfile(), *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    result->code = run(argv, out, err);
    result->out = read_all(out);
    result->err = read_all(err);
}

command_result command_run_with(const char *args, const char *const more[])
{
    char command[] = PARSEAL_COMMAND;
    char *words = strdup(args);
    char *argv[COMMAND_ARGS_MAX + 2] = {command};
    size_t n = 1;
    command_result result;

    assert_non_null(words);
    for (char *rest, *word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(n <= COMMAND_ARGS_MAX);
        argv[n++] = word;
    }
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        assert_true(n <= COMMAND_ARGS_MAX);
        argv[n++] = (char *)(uintptr_t)more[i]; /* execv does not write to it */
    }
    run_and_read(argv, &result);
    free(words);
    return result;
}

const char *command_path(bool named)
{
    return named ? PARSEAL_COMMAND_NAMED : PARSEAL_COMMAND;
}

command_result command_shell(const char *script, const char *in)
{
    static const char set_up[] =
        "PARSEAL='" PARSEAL_COMMAND "'; NAMED='" PARSEAL_COMMAND_NAMED "'; cd \"$0\" || exit; ";
    const size_t size = sizeof set_up + strlen(script);
    char shell[] = "/bin/sh", flag[] = "-c";
    char *text = malloc(size), *folder = strdup(in);
    command_result result;
    assert_non_null(text);
    assert_non_null(folder);
    snprintf(text, size, "%s%s", set_up, script);
    char *argv[] = {shell, flag, text, folder, NULL};
    run_and_read(argv, &result);
    free(folder);
    free(text);
    return result;
}

command_result command_run(const char *args)
{
    return command_run_with(args, NULL);
}

void command_free(command_result *result)
{
    free(result->out);
    free(result->err);
}

void assert_refused(command_result *result, int code, const char *text)
{
    const char *newline = strchr(result->err, '\n');
    if (result->code != code || strstr(result->err, text) == NULL)
        print_error("exit %d (not %d), stderr: %s", result->code, code, result->err);
    assert_int_equal(result->code, code);
    assert_int_equal(strncmp(result->err, "parseal: ", 9), 0);
    assert_non_null(strstr(result->err, text));
    assert_non_null(newline);
    assert_string_equal(newline, "\n");
    assert_string_equal(result->out, "");
    command_free(result);
}

json_t *command_round(const char *args)
{
    char line[512];
    json_error_t error;
    assert_true((size_t)snprintf(line, sizeof line, "round %s --json -", args) < sizeof line);
    command_result result = command_run(line);
    if (result.code != 0)
        print_error("%s: exit %d: %s\n", line, result.code, result.err);
    assert_int_equal(result.code, 0);
    json_t *json = json_loads(result.out, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(json);
    command_free(&result);
    return json;
}

json_t *json_member(const json_t *json, const char *object, const char *member)
{
    json_t *value = json_object_get(json_object_get(json, object), member);
    if (value == NULL)
        print_error("no %s.%s\n", object, member);
    assert_non_null(value);
    return value;
}
