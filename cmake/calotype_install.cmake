# One export set per component: an installed calotype offers each of them wherever its dependencies are found, however
# little the machine that installed it had.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(calotype_cmake_dir "${CMAKE_INSTALL_DATADIR}/cmake/calotype")
install(DIRECTORY include/ DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")

install(TARGETS calotype EXPORT calotypeTargets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT calotypeTargets NAMESPACE calotype:: DESTINATION "${calotype_cmake_dir}")
foreach(component IN LISTS calotype_components)
  install(TARGETS calotype_${component} EXPORT calotype_${component}_targets)
  install(EXPORT calotype_${component}_targets NAMESPACE calotype:: DESTINATION "${calotype_cmake_dir}")
endforeach()

configure_package_config_file(cmake/calotypeConfig.cmake.in "${CMAKE_CURRENT_BINARY_DIR}/calotypeConfig.cmake"
  INSTALL_DESTINATION "${calotype_cmake_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/calotypeConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/calotypeConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/calotypeConfigVersion.cmake"
              cmake/calotype_dependencies.cmake
              cmake/calotype_dispatch.cmake
              cmake/calotype_keep_apart.cmake
        DESTINATION "${calotype_cmake_dir}")
