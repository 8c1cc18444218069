/* Memory does not grow with the number of clients: 200 of them with 1,000,000 parameters each stay
 * below 200 MB, where their updates together would take 800 MB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "command.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

static void test_ceiling(void **state)
{
    json_t *json = command_round("--clients 200 --dim 1000000 --neighbours 4");
    (void)state;
    assert_true(json_is_true(json_member(json, "result", "exact")));
    json_int_t peak = json_integer_value(json_object_get(json, "peak_memory_bytes"));
    print_message("peak memory %lld bytes\n", (long long)peak);
    assert_true(peak > 4000000 && peak < 200000000);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ceiling)};
#ifdef SANITIZED
    print_message("left out: a sanitizer's own memory would be measured\n");
    return 77;
#endif
    return cmocka_run_group_tests_name("round memory", tests, NULL, NULL);
}
