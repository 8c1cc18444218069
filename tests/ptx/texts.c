#include "texts.h"

#include "check.h"
#include "emu/emulator.h"
#include "interpreter.h"

int try_text(const char *text, uint32_t blocks, uint32_t threads, uint32_t shared, void *at)
{
    if (interpreter_read("text", text) != 0)
        return -1;
    return emulator_launch("one", blocks, threads, shared, (void *[]){&at});
}

void run_text(const char *text, uint32_t blocks, uint32_t threads, uint32_t shared, void *at)
{
    if (try_text(text, blocks, threads, shared, at) != 0)
        fail_msg("%s\n%s", emulator_error(), text);
}
