// Memory and launches of a device, and of its stand-in on the host.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include <calotype/core/config.hpp>
#include <calotype/exec/cuda.hpp>
#include <calotype/kernel/cuda/group.hpp>

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#endif

namespace calotype::kernel {

// Where::on_device (the device that is current) or emulated:
//   allocate<T>(n), release(p)  n objects whose bytes are zero; throws std::bad_alloc
//   blocks<Program>()           that run at once; spread_blocks<Program>(): for spread, 0 where it cannot be
//   queue                       what a session asks of the device, one after the other; movable:
//     upload(n, host, to)       objects; the host's may change when it returns
//     download(n, from, host)   objects; waits for all that was asked before
//     launch(program, blocks)   program(group, block, blocks) by a group of threads for every block
//     spread(program, blocks)   program(group, 0, 1) by one group of all threads, for a single event
// A program is a value. What is wrong with a device (there is none, it is lost, it knows no such kernel) is a
// std::runtime_error with CUDA's words; from a session's calls, which are noexcept, it ends the process.
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
  template <class Program>
  static int blocks() noexcept {
    return 2;
  }
  template <class Program>
  static int spread_blocks() noexcept {
    return 1;
  }

  struct queue {
    template <class T>
    void upload(std::size_t n, T const* host, T* to) const noexcept {
      std::copy(host, host + n, to);
    }
    template <class T>
    void download(std::size_t n, T const* from, T* host) const noexcept {
      std::copy(from, from + n, host);
    }
    template <class Program>
    void launch(Program const& run, int blocks) const noexcept {
      for (int b = 0; b < blocks; ++b) run(emulated_group<block_group>{b % 2 == 1}, b, blocks);
    }
    template <class Program>
    void spread(Program const& run, int) const noexcept {
      run(emulated_group<grid_group>{true}, 0, 1);
    }
  };

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
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or a later call would find it again
  if (status == cudaErrorMemoryAllocation) throw std::bad_alloc();
  throw std::runtime_error(std::string("calotype::exec::cuda: ") + cudaGetErrorString(status));
}

// Blocks of a kernel on the current device; 0 where one does not fit.
template <class Kernel>
int blocks_at_once(Kernel* kernel, int most_on_multiprocessor) {
  int device = 0, multiprocessors = 0, each = 0;
  must(cudaGetDevice(&device));
  must(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
  must(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, threads_of_block, 0));
  return multiprocessors * std::min(each, most_on_multiprocessor);
}

}  // namespace detail

template <>
struct device<exec::on_device> {
  template <class T>
  static T* allocate(std::size_t n) {
    void* p = nullptr;
    detail::must(cudaMalloc(&p, n * sizeof(T)));
    cudaError_t zeroed = cudaMemset(p, 0, n * sizeof(T));
    if (zeroed == cudaSuccess) zeroed = cudaDeviceSynchronize();  // before any queue's work
    if (zeroed != cudaSuccess) cudaFree(p);
    detail::must(zeroed);
    return static_cast<T*>(p);
  }
  static void release(void* p) noexcept { cudaFree(p); }

  template <class Program>
  static int blocks() {
    return std::max(detail::blocks_at_once(detail::run_program<Program>, 2), 1);
  }
  // One block on every multiprocessor: all must be there at once for the barrier of a grid.
  template <class Program>
  static int spread_blocks() {
    return detail::blocks_at_once(detail::spread_program<Program>, 1);
  }

  class queue {
   public:
    queue() { detail::must(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
    queue(queue&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
    queue& operator=(queue&& other) noexcept {
      std::swap(stream_, other.stream_);
      return *this;
    }
    ~queue() {
      if (stream_ != nullptr) cudaStreamDestroy(stream_);
    }

    template <class T>
    void upload(std::size_t n, T const* host, T* to) const {
      detail::must(cudaMemcpyAsync(to, host, n * sizeof(T), cudaMemcpyHostToDevice, stream_));
      detail::must(cudaStreamSynchronize(stream_));
    }
    template <class T>
    void download(std::size_t n, T const* from, T* host) const {
      detail::must(cudaMemcpyAsync(host, from, n * sizeof(T), cudaMemcpyDeviceToHost, stream_));
      detail::must(cudaStreamSynchronize(stream_));
    }
    template <class Program>
    void launch(Program run, int blocks) const {
      void* arguments[] = {&run};
      detail::must(cudaLaunchKernel(detail::run_program<Program>, dim3(static_cast<unsigned>(blocks)),
                                    dim3(detail::threads_of_block), arguments, 0, stream_));
    }
    template <class Program>
    void spread(Program run, int blocks) const {
      void* arguments[] = {&run};
      detail::must(cudaLaunchCooperativeKernel(detail::spread_program<Program>,
                                               dim3(static_cast<unsigned>(blocks)),
                                               dim3(detail::threads_of_block), arguments, 0, stream_));
    }
    cudaStream_t stream() const noexcept { return stream_; }

   private:
    cudaStream_t stream_ = nullptr;
  };
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
  ~device_array() {
    if (data_ != nullptr) device<Where>::release(data_);
  }

  T* data() const noexcept { return data_; }

 private:
  T* data_ = nullptr;
};

}  // namespace calotype::kernel
