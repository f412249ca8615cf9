# What developers build with, and consumers never see: warnings, machine flags, ccache, sanitizers, helpers for tests.

set(CALOTYPE_MARCH "native" CACHE STRING "Value of -march for tests, examples and benchmarks; empty: the compiler's")
set(CALOTYPE_SANITIZE "" CACHE STRING "Value of -fsanitize for tests, examples and benchmarks, such as address,undefined")
option(CALOTYPE_CUDA "Compile the device code with nvcc" OFF)
set(ci_default OFF)
if("$ENV{CI}" STREQUAL "true")
  set(ci_default ON)
endif()
option(CALOTYPE_WERROR "Warnings are errors" ${ci_default})

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CALOTYPE_CCACHE ccache)
mark_as_advanced(CALOTYPE_CCACHE)
if(CALOTYPE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers need the two sloppiness settings: ccache's manual, "Precompiled headers". Clones share their results:
  # paths count relative to the clone.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;CCACHE_BASEDIR=${PROJECT_SOURCE_DIR};CCACHE_NOHASHDIR=1;${CALOTYPE_CCACHE}")
endif()

set(CMAKE_CXX_EXTENSIONS OFF)

# calotype_develop is for programs that run here, calotype_develop_common for those that run on any machine.
add_library(calotype_develop_common INTERFACE)
target_link_libraries(calotype_develop_common INTERFACE calotype)
target_compile_options(calotype_develop_common INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wold-style-cast -Wpedantic "$<$<BOOL:${CALOTYPE_WERROR}>:-Werror>")
# g++ 12 at -O3 sees loops over the last, partly filled register run past it, which their callers exclude: kept as
# warnings (docs/compilers.md).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(calotype_develop_common INTERFACE -Wno-error=aggressive-loop-optimizations -Wno-error=stringop-overflow)
endif()
# The folders' names come from a header and not from the command line, so that ccache knows a source again in another clone.
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/develop/calotype_tree.hpp" @ONLY CONTENT [[
#pragma once
#define CALOTYPE_SOURCE_DIR "@PROJECT_SOURCE_DIR@"
#define CALOTYPE_BINARY_DIR "@PROJECT_BINARY_DIR@"
]])
target_include_directories(calotype_develop_common INTERFACE "${PROJECT_BINARY_DIR}/develop")
add_library(calotype_develop INTERFACE)
target_link_libraries(calotype_develop INTERFACE calotype_develop_common)
if(CALOTYPE_MARCH)
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag("-march=${CALOTYPE_MARCH}" CALOTYPE_MARCH_${CALOTYPE_MARCH}_WORKS)
  if(CALOTYPE_MARCH_${CALOTYPE_MARCH}_WORKS)
    target_compile_options(calotype_develop INTERFACE "-march=${CALOTYPE_MARCH}")
  else()
    message(STATUS "calotype: ${CMAKE_CXX_COMPILER_ID} does not know -march=${CALOTYPE_MARCH} here; left out")
  endif()
endif()
if(CALOTYPE_SANITIZE)
  target_compile_options(calotype_develop_common INTERFACE
    "-fsanitize=${CALOTYPE_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(calotype_develop_common INTERFACE "-fsanitize=${CALOTYPE_SANITIZE}")
endif()

# Public headers, relative to include/.
file(GLOB_RECURSE calotype_headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
     "${PROJECT_SOURCE_DIR}/include/calotype/*.hpp")

# The components that a file needs, found by following its includes of <calotype/...> headers. Which component a
# header itself stands for is told by what it includes from outside.
function(calotype_components_of file result)
  string(MAKE_C_IDENTIFIER "calotype_components_of_${file}" key)
  get_property(known GLOBAL PROPERTY ${key} SET)
  if(NOT known)
    set_property(GLOBAL PROPERTY ${key} "")
    set(components "")
    file(STRINGS "${file}" includes REGEX "^ *# *include *[<\"]")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE "^[^<\"]*[<\"]([^>\"]*)[>\"].*" "\\1" name "${line}")
      if(EXISTS "${PROJECT_SOURCE_DIR}/include/${name}")
        calotype_components_of("${PROJECT_SOURCE_DIR}/include/${name}" below)
        list(APPEND components ${below})
      elseif(name STREQUAL "zip.h")
        list(APPEND components npz)
      elseif(name MATCHES "^nlohmann/")
        list(APPEND components safetensors)
      elseif(name STREQUAL "png.h")
        list(APPEND components png)
      elseif(name MATCHES "^(xtensor|xtl)/")
        list(APPEND components xtensor)
      elseif(name STREQUAL "mpi.h")
        list(APPEND components mpi)
      elseif(name MATCHES "^thrust/system/omp" OR name STREQUAL "omp.h")
        list(APPEND components thrust_omp)
      elseif(name MATCHES "^(thrust/system/)?tbb/")
        list(APPEND components thrust_tbb)
      elseif(name MATCHES "^thrust/system/cuda|^cuda|^cub/")
        list(APPEND components cuda)
      elseif(name MATCHES "^thrust/")
        list(APPEND components thrust_cpp)
      else()
        cmake_path(GET file PARENT_PATH folder)
        if(line MATCHES "\"" AND EXISTS "${folder}/${name}")
          calotype_components_of("${folder}/${name}" below)
          list(APPEND components ${below})
        endif()
      endif()
    endforeach()
    list(REMOVE_DUPLICATES components)
    set_property(GLOBAL PROPERTY ${key} "${components}")
  endif()
  get_property(components GLOBAL PROPERTY ${key})
  set(${result} "${components}" PARENT_SCOPE)
endfunction()

# Splits the components of several files into those that can be linked and those that are not available here.
function(calotype_split_components links absent)
  set(have "")
  set(lack "")
  foreach(file IN LISTS ARGN)
    calotype_components_of("${file}" components)
    foreach(component IN LISTS components)
      if(TARGET calotype::${component})
        list(APPEND have calotype::${component})
      else()
        list(APPEND lack ${component})
      endif()
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES have)
  list(REMOVE_DUPLICATES lack)
  set(${links} "${have}" PARENT_SCOPE)
  set(${absent} "${lack}" PARENT_SCOPE)
endfunction()

# calotype_add_program(<target> [ANY_MACHINE] <source>...): an executable with the developers' flags and the components it
# includes. `<target>_available` tells the caller whether it was made.
function(calotype_add_program target)
  set(flags calotype_develop)
  if("ANY_MACHINE" IN_LIST ARGN)
    set(flags calotype_develop_common)
    list(REMOVE_ITEM ARGN ANY_MACHINE)
  endif()
  calotype_split_components(links absent ${ARGN})
  list(REMOVE_ITEM absent cuda)
  if(absent)
    message(STATUS "calotype: ${target} is not built, it needs ${absent}")
    set(${target}_available FALSE PARENT_SCOPE)
    return()
  endif()
  add_executable(${target} ${ARGN})
  target_link_libraries(${target} PRIVATE ${flags} ${links})
  set(${target}_available TRUE PARENT_SCOPE)
endfunction()

# tests_<kind> builds what the CTest label <kind> runs.
function(calotype_add_to_kind kind)
  if(NOT TARGET tests_${kind})
    add_custom_target(tests_${kind})
  endif()
  if(ARGN)
    add_dependencies(tests_${kind} ${ARGN})
  endif()
endfunction()
