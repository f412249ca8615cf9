// Every macro of the library. Macros add annotations, never change a declaration or a layout.
#pragma once

#define CALOTYPE_VERSION_MAJOR 0
#define CALOTYPE_VERSION_MINOR 1
#define CALOTYPE_VERSION_PATCH 0

// Callable from host and device code; empty where no device compiler is at work.
#if defined(__CUDACC__)
#define CALOTYPE_HD __host__ __device__
#else
#define CALOTYPE_HD
#endif

// Inner kernels only: code compiled for one instruction set must never be merged by the linker with another's.
#if defined(__GNUC__)
#define CALOTYPE_INLINE [[gnu::always_inline]] inline
#else
#define CALOTYPE_INLINE inline
#endif

// A constant of the class Holder inside a function: Holder::value on the host; on the device, which cannot
// refer to static members of class type, calotype::detail::device_constant<Holder>, made by Holder::make() and
// kept in the module's memory.
#if defined(__CUDA_ARCH__)
#define CALOTYPE_CONSTANT(name, ...) \
  constexpr auto const& name = ::calotype::detail::device_constant<__VA_ARGS__>
#else
#define CALOTYPE_CONSTANT(name, ...) constexpr auto const& name = __VA_ARGS__::value
#endif

// Before a loop over the registers of a kernel: a constant number of passes, all written out.
#if defined(__clang__) || defined(__CUDACC__)
#define CALOTYPE_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define CALOTYPE_UNROLL _Pragma("GCC unroll 64")
#else
#define CALOTYPE_UNROLL
#endif

// The same in a device's kernel. Nothing on the host: the emulation keeps a warp's registers in arrays and
// gains nothing by it, and clang warns of every loop that it then leaves as it is.
#if defined(__CUDACC__)
#define CALOTYPE_DEVICE_UNROLL _Pragma("unroll")
#else
#define CALOTYPE_DEVICE_UNROLL
#endif

// The policies promise bits; -ffast-math takes that promise away, so they refuse it where they are defined.
#if defined(__FAST_MATH__)
#define CALOTYPE_FAST_MATH 1
#else
#define CALOTYPE_FAST_MATH 0
#endif

namespace calotype {

inline constexpr int version_major = CALOTYPE_VERSION_MAJOR;
inline constexpr int version_minor = CALOTYPE_VERSION_MINOR;
inline constexpr int version_patch = CALOTYPE_VERSION_PATCH;

#if defined(__CUDACC__)
namespace detail {
template <class Holder>
static __device__ constexpr auto device_constant = Holder::make();
}  // namespace detail
#endif

}  // namespace calotype
