# The library: calotype::calotype and one INTERFACE target per optional component. Nothing here touches the
# including project's flags: no -march, no warnings, no global definitions.
include(calotype_dependencies)

add_library(calotype INTERFACE)
add_library(calotype::calotype ALIAS calotype)
target_compile_features(calotype INTERFACE cxx_std_20)
target_include_directories(calotype INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:include>")
target_link_libraries(calotype INTERFACE "$<TARGET_NAME_IF_EXISTS:calotype_deps::xsimd>")
find_package(Threads QUIET GLOBAL)
target_link_libraries(calotype INTERFACE "$<TARGET_NAME_IF_EXISTS:Threads::Threads>")
calotype_find_dependency(xsimd)
if(NOT TARGET calotype_deps::xsimd)
  message(STATUS "calotype: xsimd not found (Debian: ${calotype_package_xsimd}); exec::cpu will not compile")
endif()

foreach(component IN LISTS calotype_components)
  add_library(calotype_${component} INTERFACE)
  set_target_properties(calotype_${component} PROPERTIES EXPORT_NAME ${component})
  target_link_libraries(calotype_${component} INTERFACE calotype)
  foreach(dependency IN LISTS calotype_requires_${component})
    target_link_libraries(calotype_${component} INTERFACE calotype_deps::${dependency})
  endforeach()
  # The alias, the name to link, exists only where it works, so that CMake names the absent one.
  calotype_find_component(${component} missing)
  if(missing STREQUAL "")
    add_library(calotype::${component} ALIAS calotype_${component})
  elseif(PROJECT_IS_TOP_LEVEL)
    message(STATUS "calotype::${component}: not available, missing ${missing}")
  else()
    message(VERBOSE "calotype::${component}: not available, missing ${missing}")
  endif()
endforeach()

# Every host system in one translation unit: the device system must be named, or Thrust asks for CUDA's headers.
foreach(system IN ITEMS cpp omp tbb)
  target_compile_definitions(calotype_thrust_${system} INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_CPP>")
endforeach()

# CMake 3.25 silently drops CUDA_STANDARD 20, hence the explicit flag (docs/compilers.md).
target_compile_options(calotype_cuda INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;--expt-relaxed-constexpr>")
