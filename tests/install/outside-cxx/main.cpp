// The same from C++: owners that destroy, containers for the bytes, errors as exceptions.
#include <parseal/dlpack.h>
#include <parseal/parseal.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

void check(parseal_status status)
{
    if (status != PARSEAL_OK)
        throw std::runtime_error(parseal_last_error_text());
}

struct Destroy {
    void operator()(parseal_ctx *ctx) const
    {
        parseal_ctx_destroy(ctx);
    }
    void operator()(parseal_keys *keys) const
    {
        parseal_keys_destroy(keys);
    }
};

std::unique_ptr<parseal_ctx, Destroy> open_cpu()
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    parseal_ctx *ctx = nullptr;
    check(parseal_ctx_create(&ctx, &options));
    return std::unique_ptr<parseal_ctx, Destroy>(ctx);
}

std::unique_ptr<parseal_keys, Destroy> make_keys(parseal_ctx *ctx)
{
    const std::array<uint8_t, PARSEAL_AES128GCM_KEYBYTES> key{{7}};
    parseal_keys *keys = nullptr;
    check(parseal_keys_create(&keys, ctx, PARSEAL_AES128GCM, key.data(), 1, NULL));
    return std::unique_ptr<parseal_keys, Destroy>(keys);
}

} // namespace

int main()
try {
    const auto ctx = open_cpu();
    const auto keys = make_keys(ctx.get());
    std::string text = "an update nobody else may read";
    std::vector<char> sealed(text.size()), opened(text.size());

    std::array<int64_t, 1> shape{{static_cast<int64_t>(text.size())}};
    DLManagedTensorVersioned managed{};
    managed.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
    managed.dl_tensor = {&text[0], {kDLCPU, 0}, 1, {kDLInt, 8, 1}, shape.data(), nullptr, 0};
    const DLTensor *tensor = nullptr;
    check(parseal_dlpack_versioned("in", &managed, PARSEAL_DLPACK_READ, &tensor));
    parseal_buf in{};
    check(parseal_dlpack_buf("in", tensor, &in));

    parseal_msg msg{};
    msg.in = reinterpret_cast<const void *>(in.handle);
    msg.out = sealed.data();
    msg.len = in.size;
    msg.nonce[0] = 1;
    check(parseal_seal(keys.get(), &msg, 1));
    msg.in = sealed.data();
    msg.out = opened.data();
    check(parseal_open(keys.get(), &msg, 1, nullptr));
    if (std::string(opened.begin(), opened.end()) != text)
        throw std::runtime_error("what was opened is not what was sealed");
    std::cout << "parseal " << parseal_version() << '\n';
    return EXIT_SUCCESS;
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
