// Every strict policy that this translation unit can run, but for the scalar reference they are compared with.
#pragma once

#include <tuple>

#include <calotype/kernel/cpu.hpp>
#include <calotype/kernel/thrust.hpp>

using strict_policies = std::tuple<calotype::exec::cpu<calotype::exec::portable>,
#if defined(__AVX512F__)
                                   calotype::exec::cpu<xsimd::avx512f>,
#endif
#if defined(__AVX2__) && defined(__FMA__)
                                   calotype::exec::cpu<xsimd::fma3<xsimd::avx2>>,
#endif
#if defined(_OPENMP)
                                   calotype::exec::openmp,
#endif
#if __has_include(<tbb/tbb.h>)
                                   calotype::exec::tbb,
#endif
                                   calotype::exec::serial>;
