// The policies that run on Thrust, every system that this translation unit can use: exec::serial, exec::openmp
// (with -fopenmp), exec::tbb (oneTBB present), exec::cuda_thrust (nvcc). One system alone:
// <calotype/kernel/thrust/...>.
//
// A host compiler must be told Thrust's device system: -DTHRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_CPP, which
// the CMake components thrust_cpp, thrust_omp and thrust_tbb do. All systems work side by side.
#pragma once

#if !defined(__CUDACC__) && !defined(THRUST_DEVICE_SYSTEM)
#error "calotype: compile with -DTHRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_CPP, or link calotype::thrust_cpp"
#endif

#include <calotype/kernel/thrust/image.hpp>
#include <calotype/kernel/thrust/serial.hpp>

#if defined(_OPENMP)
#include <calotype/kernel/thrust/openmp.hpp>
#endif

#if __has_include(<tbb/tbb.h>)
#include <calotype/kernel/thrust/tbb.hpp>
#endif

#if defined(__CUDACC__)
#include <calotype/kernel/thrust/cuda.hpp>
#endif
