# Where the installed files find each other: by ways from one to the other, so that an installed tree can be moved;
# by whole paths to folders that were given as such, as Nix and Guix do.

# pc_libdir, pc_includedir, pc_to_prefix: for the files of pkg-config.
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(folder IN ITEMS LIBDIR INCLUDEDIR)
  string(TOLOWER pc_${folder} variable)
  set(${variable} "\${prefix}/${CMAKE_INSTALL_${folder}}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
    set(${variable} "${CMAKE_INSTALL_${folder}}")
  endif()
endforeach()

# Libraries find each other in their own folder, in the build tree as well, and others where they were found.
# CMake need not change such a RUNPATH when it installs; where it must, it pads the one in the build tree with empty
# elements to have room, and the loader takes an empty element for the current directory.
set(origin "$ORIGIN")
if(APPLE)
  set(origin "@loader_path")
endif()
set(parseal_library_rpath
  BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH_USE_LINK_PATH ON INSTALL_RPATH ${origin})

set(parseal_program_rpath ${CMAKE_INSTALL_FULL_LIBDIR})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" AND NOT IS_ABSOLUTE "${CMAKE_INSTALL_BINDIR}")
  file(RELATIVE_PATH parseal_program_rpath ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  string(PREPEND parseal_program_rpath "${origin}/")
endif()

# install_program(TARGET NAME): programs are linked a second time, for the same reason, with the RUNPATH that they have
# where they are installed; the one in the build tree is not installed, and has that of the build tree. To be called
# when TARGET has all its libraries.
function(install_program target name)
  add_executable(${target}_installed $<TARGET_OBJECTS:${target}>)
  get_target_property(libraries ${target} LINK_LIBRARIES)
  target_link_libraries(${target}_installed PRIVATE ${libraries})
  set_target_properties(${target}_installed PROPERTIES
    LINKER_LANGUAGE C OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/installed
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH_USE_LINK_PATH ON INSTALL_RPATH "${parseal_program_rpath}")
  install(TARGETS ${target}_installed RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
