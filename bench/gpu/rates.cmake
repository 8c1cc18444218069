# bench/gpu/rates.cu, where nvcc made the kernels: for their architectures as the program bench/gpu/rates of the build
# folder, by the target parseal_gpu_rates, which no other needs; and a test that nvcc has nothing to say about it.
if(NOT TARGET parseal_kernels_cuda)
  return()
endif()

set(rates ${PROJECT_BINARY_DIR}/bench/gpu/rates)
set(source ${PROJECT_SOURCE_DIR}/bench/gpu/rates.cu)
get_target_property(rates_for parseal_kernels_cuda PARSEAL_ARCHITECTURES)
list(GET rates_for -1 newest)
set(flags -std=c++17 -O3 -Werror all-warnings -Xcompiler -Wall,-Wextra)
set(targets "")
foreach(arch IN LISTS rates_for)
  list(APPEND targets -gencode arch=compute_${arch},code=sm_${arch})
endforeach()
# The PTX is for devices that come later.
list(APPEND targets -gencode arch=compute_${newest},code=compute_${newest})

file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/bench/gpu)
add_custom_command(OUTPUT ${rates} COMMAND ${PARSEAL_NVCC} ${flags} ${targets} -o ${rates} ${source}
  DEPENDS ${source} VERBATIM COMMENT "nvcc rates.cu")
add_custom_target(parseal_gpu_rates DEPENDS ${rates})

if(PARSEAL_BUILD_TESTS)
  parseal_test(NAME cuda.rates LABELS unit COMMAND ${PARSEAL_NVCC} ${flags} -arch=sm_${newest} -cubin
    -o ${PROJECT_BINARY_DIR}/bench/gpu/rates.cubin ${source})
endif()
