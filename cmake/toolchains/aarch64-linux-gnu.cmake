# Cross compilation for 64-bit ARM with Debian's g++-aarch64-linux-gnu; programs run under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

# Nothing of the host's is found but the headers of header-only packages, through links: the folder they lie in also holds
# the host's C library.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind IN ITEMS LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(ENV{PKG_CONFIG_LIBDIR} /usr/aarch64-linux-gnu/lib/pkgconfig)
set(headers "${CMAKE_BINARY_DIR}/host_headers")
file(MAKE_DIRECTORY "${headers}")
foreach(folder IN ITEMS xsimd doctest)
  if(EXISTS "/usr/include/${folder}")
    file(CREATE_LINK "/usr/include/${folder}" "${headers}/${folder}" SYMBOLIC)
  endif()
endforeach()
set(CALOTYPE_XSIMD_XSIMD_HPP_DIR "${headers}" CACHE PATH "")
set(CALOTYPE_DOCTEST_DIR "${headers}" CACHE PATH "")
