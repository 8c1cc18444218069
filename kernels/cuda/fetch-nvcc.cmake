# fetch_nvcc(TO WHY): NVIDIA's nvcc from PyPI, in the one version of nvcc-packages.txt, as TO/${fetch_nvcc_program}. pip
# is what fetches it, so that a user's mirror, proxy and cache are used; it also checks the files' hashes. The folder TO
# is there either whole or not at all, and made anew where it is of another nvcc-packages.txt. WHY gets the reason why
# there is no nvcc in it, or "".
set(fetch_nvcc_packages ${CMAKE_CURRENT_LIST_DIR}/nvcc-packages.txt)
set(fetch_nvcc_program nvidia/cu13/bin/nvcc)

function(fetch_nvcc to why)
  set(${why} "" PARENT_SCOPE)
  if(EXISTS ${to}/${fetch_nvcc_program})
    execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${fetch_nvcc_packages} ${to}/nvcc-packages.txt
      RESULT_VARIABLE is_other OUTPUT_QUIET ERROR_QUIET)
    if(NOT is_other)
      return()
    endif()
  endif()
  find_program(python python3 NO_CACHE)
  set(failed TRUE)
  if(python)
    execute_process(COMMAND ${python} -m pip --version RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  endif()
  if(failed)
    set(${why} "there is no nvcc, and no pip (python3 -m pip) that would fetch it" PARENT_SCOPE)
    return()
  endif()

  file(STRINGS ${fetch_nvcc_packages} version REGEX "^nvidia-cuda-nvcc==")
  string(REGEX REPLACE ".*==([0-9.]+).*" "\\1" version "${version}")
  message(NOTICE "-- Fetching nvcc ${version}: 4 packages of NVIDIA's from PyPI, 125 MB, 320 MB when unpacked, into\n"
    "--   ${to}\n"
    "-- They are under the licence of NVIDIA's CUDA Toolkit: License.txt of each package there. They compile\n"
    "-- parseal's kernels, and no other part of the build needs them: -DPARSEAL_CUDA=OFF does without.")
  file(REMOVE_RECURSE ${to} ${to}.part)
  file(MAKE_DIRECTORY ${to}.part)
  execute_process(COMMAND ${python} -m pip download --quiet --disable-pip-version-check --no-deps
      --only-binary :all: --require-hashes --retries 2 --requirement ${fetch_nvcc_packages} --dest ${to}.part/packages
    TIMEOUT 1200 RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
  file(GLOB packages ${to}.part/packages/*.whl)
  if(NOT failed)
    foreach(package IN LISTS packages)
      if(NOT failed)
        execute_process(COMMAND ${CMAKE_COMMAND} -E tar xf ${package} WORKING_DIRECTORY ${to}.part
          RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
      endif()
    endforeach()
    if(NOT failed AND NOT EXISTS ${to}.part/${fetch_nvcc_program})
      set(failed TRUE)
      set(said "the packages have no ${fetch_nvcc_program}")
    endif()
  endif()
  if(failed)
    file(REMOVE_RECURSE ${to}.part)
    string(REGEX MATCH "WARNING: [^\n]*" warning "${said}") # the first is why PyPI was not reached
    string(REGEX MATCHALL "ERROR: [^\n]*" errors "${said}")
    if(warning)
      list(PREPEND errors "${warning}")
    endif()
    if(NOT errors)
      set(errors "${said}")
    endif()
    list(JOIN errors "\n" errors)
    message(NOTICE "${errors}")
    if(warning)
      set(${why} "there is no nvcc, and pip could not fetch it from PyPI" PARENT_SCOPE)
    else()
      set(${why} "there is no nvcc, and what pip found is not what nvcc-packages.txt names" PARENT_SCOPE)
    endif()
    return()
  endif()
  file(REMOVE_RECURSE ${to}.part/packages)
  file(COPY ${fetch_nvcc_packages} DESTINATION ${to}.part)
  file(RENAME ${to}.part ${to})
endfunction()
