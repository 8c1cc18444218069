# The target `reference`: the public headers as HTML, in reference/html of the build folder. Doxygen's warnings are errors.
find_program(PARSEAL_DOXYGEN doxygen)
mark_as_advanced(PARSEAL_DOXYGEN)
configure_file(${CMAKE_CURRENT_LIST_DIR}/Doxyfile.in ${PROJECT_BINARY_DIR}/reference/Doxyfile @ONLY)
if(PARSEAL_DOXYGEN)
  add_custom_target(reference COMMAND ${PARSEAL_DOXYGEN} ${PROJECT_BINARY_DIR}/reference/Doxyfile
    COMMENT "reference/html/index.html" VERBATIM)
else()
  add_custom_target(reference COMMAND ${CMAKE_COMMAND} -E echo "Doxygen was not found: no reference" VERBATIM)
endif()
