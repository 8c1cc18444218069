/* From a kernel's name to its function, whatever its parameters. */
#ifndef PARSEAL_TESTS_LAUNCHER_H
#define PARSEAL_TESTS_LAUNCHER_H

#include <cstddef>
#include <functional>
#include <tuple>
#include <utility>

namespace emulated
{

using thread_body = std::function<void()>;

struct kernel {
    const char *name;
    thread_body (*bind)(const kernel &of, void **args);
};

/* Each file of kernels registers its own, which emulator_launch then finds. */
struct registration {
    registration(const kernel *list, size_t n);
};

/* nullptr where there is none. */
const kernel *find_kernel(const char *name);

/* The arguments have been bound to the body before. */
bool launch(const kernel &what, unsigned blocks, unsigned threads, unsigned dynamic_shared,
            const thread_body &body);

template <class... Parameters, size_t... i>
thread_body bind_to(void (*function)(Parameters...), void **args, std::index_sequence<i...>)
{
    const std::tuple<std::remove_const_t<Parameters>...> values(
        *static_cast<const Parameters *>(args[i])...);
    return [=] { std::apply(function, values); };
}

template <class... Parameters> thread_body bind_all(void (*function)(Parameters...), void **args)
{
    return bind_to(function, args, std::index_sequence_for<Parameters...>{});
}

template <auto function> thread_body bind(const kernel &, void **args)
{
    return bind_all(function, args);
}

} // namespace emulated

#endif
