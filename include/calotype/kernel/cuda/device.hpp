// Memory and launches of a device, and of its stand-in on the host.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include <calotype/core/config.hpp>
#include <calotype/exec/cuda.hpp>
#include <calotype/kernel/cuda/group.hpp>

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#endif

namespace calotype::kernel {

// Where::on_device or emulated:
//   allocate<T>(n), release(p)  n objects whose bytes are zero; throws std::bad_alloc
//   upload(n, host, to), download(n, from, host)     objects; downloads wait for what was launched
//   blocks<Program>()           that run at once
//   launch(program, blocks)     program(group, block, blocks) by a group of threads for every block
//   spread(program)             program(group, 0, 1) by one group of all threads, for a single event
// A program is a value. What goes wrong on a device while it runs ends the process, as every call is noexcept.
template <class Where>
struct device {
  static_assert(sizeof(Where) == 0,
                "calotype::exec::cuda: on_device is for nvcc; other compilers have emulated");
};

template <>
struct device<exec::emulated> {
  template <class T>
  static T* allocate(std::size_t n) {
    return static_cast<T*>(std::memset(::operator new(n * sizeof(T), alignment), 0, n * sizeof(T)));
  }
  static void release(void* p) noexcept { ::operator delete(p, alignment); }
  template <class T>
  static void upload(std::size_t n, T const* host, T* to) noexcept {
    std::copy(host, host + n, to);
  }
  template <class T>
  static void download(std::size_t n, T const* from, T* host) noexcept {
    std::copy(from, from + n, host);
  }
  template <class Program>
  static int blocks() noexcept {
    return 2;
  }
  template <class Program>
  static void launch(Program const& run, int blocks) noexcept {
    for (int b = 0; b < blocks; ++b) run(emulated_group<block_group>{b % 2 == 1}, b, blocks);
  }
  template <class Program>
  static void spread(Program const& run) noexcept {
    run(emulated_group<grid_group>{true}, 0, 1);
  }

 private:
  static constexpr std::align_val_t alignment{16};
};

#if defined(__CUDACC__)

namespace detail {

inline constexpr int threads_of_block = 256;

// Two blocks on a multiprocessor: one computes while the other waits at a barrier.
template <class Program>
__global__ void __launch_bounds__(threads_of_block, 2) run_program(Program run) {
  run(block_group{}, static_cast<int>(blockIdx.x), static_cast<int>(gridDim.x));
}

template <class Program>
__global__ void __launch_bounds__(threads_of_block) spread_program(Program run) {
  run(grid_group{}, 0, 1);
}

inline void must(cudaError_t status) {
  if (status != cudaSuccess) throw std::bad_alloc();
}

}  // namespace detail

template <>
struct device<exec::on_device> {
  template <class T>
  static T* allocate(std::size_t n) {
    void* p = nullptr;
    detail::must(cudaMalloc(&p, n * sizeof(T)));
    detail::must(cudaMemset(p, 0, n * sizeof(T)));
    return static_cast<T*>(p);
  }
  static void release(void* p) noexcept { cudaFree(p); }
  template <class T>
  static void upload(std::size_t n, T const* host, T* to) noexcept {
    detail::must(cudaMemcpy(to, host, n * sizeof(T), cudaMemcpyHostToDevice));
  }
  template <class T>
  static void download(std::size_t n, T const* from, T* host) noexcept {
    detail::must(cudaMemcpy(host, from, n * sizeof(T), cudaMemcpyDeviceToHost));
  }
  template <class Program>
  static int blocks() {
    int device = 0, multiprocessors = 0, each = 0;
    detail::must(cudaGetDevice(&device));
    detail::must(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
    detail::must(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, detail::run_program<Program>,
                                                               detail::threads_of_block, 0));
    return multiprocessors * std::max(each, 1);
  }
  // One block on every multiprocessor: all are there at once, as the barrier of a grid needs.
  template <class Program>
  static void spread(Program run) noexcept {
    static int const multiprocessors = [] {
      int device = 0, n = 0;
      detail::must(cudaGetDevice(&device));
      detail::must(cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, device));
      return n;
    }();
    void* arguments[] = {&run};
    detail::must(cudaLaunchCooperativeKernel(detail::spread_program<Program>,
                                             dim3(static_cast<unsigned>(multiprocessors)),
                                             dim3(detail::threads_of_block), arguments));
  }
  template <class Program>
  static void launch(Program const& run, int blocks) noexcept {
    detail::run_program<<<static_cast<unsigned>(blocks), detail::threads_of_block>>>(run);
    detail::must(cudaGetLastError());
  }
};

#endif

// Objects in a device's memory; movable, not copyable.
template <class T, class Where>
class device_array {
 public:
  device_array() = default;
  explicit device_array(std::size_t n) : data_(device<Where>::template allocate<T>(n)) {}
  device_array(device_array&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  device_array& operator=(device_array&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~device_array() { device<Where>::release(data_); }

  T* data() const noexcept { return data_; }

 private:
  T* data_ = nullptr;
};

}  // namespace calotype::kernel
