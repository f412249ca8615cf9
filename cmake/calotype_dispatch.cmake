# calotype_add_dispatched_model(<target> NETWORK <C++ name> HEADER <header>
#                               [THREADS single|pool] [ARITHMETIC direct|winograd] [ISAS <isa>...])
#
# Compiles a network once for every instruction set and adds the units to <target>, a program or library that uses
#
#   calotype::session<NETWORK, calotype::exec::dispatched<exec::THREADS, exec::ARITHMETIC>>
#
# and is itself compiled for any machine. HEADER defines the network; as #include "..." when the file exists beside the
# calling CMakeLists.txt, as #include <...> otherwise. ISAS: `avx2` (x86-64-v3) and `avx512` (x86-64-v4), both by
# default, on x86-64; whatever belongs to another family of CPUs is left out. The unit `baseline`, compiled as the
# target itself is (so with NEON on aarch64), is always there.
#
# All symbols of a unit are made local but one, the table of its functions. Inline functions of the library, of
# the header and of the standard library that a unit contains can therefore never be taken for those of another.
# Definitions, options, include folders and libraries of <target> are used for the units too. Needs GNU or LLVM
# binutils and ELF.
function(calotype_add_dispatched_model target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "NETWORK;HEADER;THREADS;ARITHMETIC" "ISAS")
  foreach(needed IN ITEMS NETWORK HEADER)
    if(NOT arg_${needed})
      message(FATAL_ERROR "calotype_add_dispatched_model: ${needed} is missing")
    endif()
  endforeach()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "calotype_add_dispatched_model: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_THREADS)
    set(arg_THREADS single)
  endif()
  if(NOT arg_ARITHMETIC)
    set(arg_ARITHMETIC direct)
  endif()
  if(NOT arg_THREADS MATCHES "^(single|pool)$" OR NOT arg_ARITHMETIC MATCHES "^(direct|winograd)$")
    message(FATAL_ERROR "calotype_add_dispatched_model: THREADS is single or pool, ARITHMETIC is direct or winograd")
  endif()
  if(NOT DEFINED arg_ISAS)
    set(arg_ISAS avx2 avx512)
  endif()
  foreach(isa IN LISTS arg_ISAS)
    if(NOT isa MATCHES "^(avx2|avx512)$")
      message(FATAL_ERROR "calotype_add_dispatched_model: unknown instruction set ${isa} (avx2 avx512; the baseline is always there)")
    endif()
  endforeach()

  set(flags_avx512 -march=x86-64-v4)
  set(flags_avx2 -march=x86-64-v3)
  set(isas "")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    foreach(isa IN ITEMS avx512 avx2)
      if(isa IN_LIST arg_ISAS)
        list(APPEND isas ${isa})
      endif()
    endforeach()
  endif()
  if(isas AND NOT (CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" AND CMAKE_EXECUTABLE_FORMAT STREQUAL "ELF"
                   AND CMAKE_OBJCOPY AND CMAKE_NM))
    message(FATAL_ERROR "calotype_add_dispatched_model: needs g++ or clang, ELF, objcopy and nm")
  endif()

  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${arg_HEADER}")
    set(include "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${arg_HEADER}\"")
  else()
    set(include "#include <${arg_HEADER}>")
  endif()
  string(MAKE_C_IDENTIFIER "${target}_${arg_NETWORK}_${arg_THREADS}_${arg_ARITHMETIC}" stem)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/calotype_dispatch")
  set(policy "calotype::exec::dispatched<calotype::exec::${arg_THREADS}, calotype::exec::${arg_ARITHMETIC}>")
  set(sets_namespace calotype::exec::instruction_set)
  if(arg_THREADS STREQUAL "pool")
    string(APPEND include "\n#include <calotype/exec/pool.hpp>")
  endif()

  # One file for each unit.
  set(sets "")
  set(elsewhere "")
  foreach(isa IN LISTS isas ITEMS baseline)
    string(APPEND sets ", ${sets_namespace}::${isa}")
    string(APPEND elsewhere
           "extern template struct calotype::nn::detail::unit_of<${arg_NETWORK}, ${policy}, ${sets_namespace}::${isa}>;\n")
    file(CONFIGURE OUTPUT "${folder}/${stem}_${isa}.cpp" @ONLY CONTENT
"// Made by calotype_add_dispatched_model.
@include@
#include <calotype/nn/dispatched_unit.hpp>

template struct calotype::nn::detail::unit_of<@arg_NETWORK@, @policy@, @sets_namespace@::@isa@>;
")
  endforeach()
  file(CONFIGURE OUTPUT "${folder}/${stem}.cpp" @ONLY CONTENT
"// Made by calotype_add_dispatched_model.
@include@
#include <calotype/nn/dispatched_choice.hpp>

@elsewhere@
template <>
struct calotype::nn::detail::sets_of<@arg_NETWORK@, @policy@>
    : calotype::nn::detail::unit_sets<@arg_NETWORK@, @policy@@sets@> {};
template struct calotype::nn::dispatched_model<@arg_NETWORK@, @policy@>;
")
  target_sources(${target} PRIVATE "${folder}/${stem}.cpp" "${folder}/${stem}_baseline.cpp")

  foreach(isa IN LISTS isas)
    set(unit ${stem}_${isa})
    add_library(${unit} OBJECT "${folder}/${unit}.cpp")
    set_target_properties(${unit} PROPERTIES POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION OFF)
    target_include_directories(${unit} PRIVATE "$<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>")
    target_compile_definitions(${unit} PRIVATE "$<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>")
    target_compile_options(${unit} PRIVATE "$<TARGET_PROPERTY:${target},COMPILE_OPTIONS>")
    target_link_libraries(${unit} PRIVATE "$<TARGET_PROPERTY:${target},LINK_LIBRARIES>" calotype::calotype)
    # Options of a source come last, so that these win. A unique symbol cannot be made local, and a unit that is kept for
    # the optimiser at link time could not be kept apart.
    set(options ${flags_${isa}} -fno-lto)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      list(APPEND options -fno-gnu-unique)
    else()
      list(APPEND options -fno-addrsig)
    endif()
    set_source_files_properties("${folder}/${unit}.cpp" PROPERTIES COMPILE_OPTIONS "${options}")

    set(alone "${folder}/${unit}${CMAKE_CXX_OUTPUT_EXTENSION}")
    add_custom_command(OUTPUT "${alone}"
      COMMAND "${CMAKE_COMMAND}" "-Dobject=$<TARGET_OBJECTS:${unit}>" "-Dalone=${alone}"
              "-Dobjcopy=${CMAKE_OBJCOPY}" "-Dnm=${CMAKE_NM}"
              -P "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/calotype_keep_apart.cmake"
      DEPENDS ${unit} "$<TARGET_OBJECTS:${unit}>" "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/calotype_keep_apart.cmake"
      COMMENT "Keeping ${unit} apart" VERBATIM)
    set_source_files_properties("${alone}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    target_sources(${target} PRIVATE "${alone}")
  endforeach()
endfunction()
