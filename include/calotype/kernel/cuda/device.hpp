// Memory and launches of a device, and of its stand-in on the host.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <calotype/core/config.hpp>
#include <calotype/exec/cuda.hpp>
#include <calotype/kernel/cuda/group.hpp>

#if defined(__CUDACC__)
#include <cuda_runtime.h>
#endif

namespace calotype::kernel {

// Where::on_device (the device that is current) or emulated:
//   allocate<T>(n), release(p)  n objects whose bytes are zero; throws std::bad_alloc
//   allocate_host<T>(n), release_host(p)  the same of the host's memory, for send and fetch
//   free_memory()               bytes
//   blocks<Program>()           that run at once; spread_blocks<Program>(): for spread, 0 where it cannot be
//   queue                       what a session asks of the device, one after the other; movable:
//     upload(n, host, to)       objects; the host's may change when it returns
//     download(n, from, host)   objects; waits for all that was asked before
//     send(n, host, to)         without waiting, when all that was asked before is done
//     send_beside(n, host, to)  at once, beside what the device computes; join() is what waits for all of them:
//                               it comes before the launch of what reads them
//     launch(program, blocks)   program(group, block, blocks) by a group of threads for every block
//     spread(program, blocks)   program(group, 0, 1) by one group of all threads, for a single event
//     fetch(n, from, host, mark)  without waiting; wait(mark), 0 or 1, waits for the last fetch with that mark
//     finish()                  waits for all that was asked
//   queue_of_thread()           of the calling thread, on the device that is current
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

  template <class T>
  static T* allocate_host(std::size_t n) {
    return allocate<T>(n);
  }
  static void release_host(void* p) noexcept { release(p); }
  // Little, so that tests meet batches that do not fit.
  static std::size_t free_memory() noexcept { return std::size_t{100} << 20; }

  // What need not be waited for is put off until it is, so that whoever changes memory too early is found out.
  class queue {
   public:
    template <class T>
    void upload(std::size_t n, T const* host, T* to) const {
      run_all();
      std::copy(host, host + n, to);
    }
    template <class T>
    void download(std::size_t n, T const* from, T* host) const {
      run_all();
      std::copy(from, from + n, host);
    }
    template <class T>
    void send(std::size_t n, T const* host, T* to) const {
      asked_.push_back([=] { std::copy(host, host + n, to); });
    }
    // May be done at once or as late as the join: both, so that either is found out.
    template <class T>
    void send_beside(std::size_t n, T const* host, T* to) const {
      std::copy(host, host + n, to);
      beside_.push_back([=] { std::copy(host, host + n, to); });
    }
    void join() const {
      asked_.push_back([sent = std::exchange(beside_, {})] {
        for (auto const& copy : sent) copy();
      });
    }
    template <class T>
    void fetch(std::size_t n, T const* from, T* host, int) const {
      send(n, from, host);
    }
    void wait(int) const { run_all(); }
    void finish() const { run_all(); }

    // What blocks share begins as they find it.
    template <class Program>
    void launch(Program const& run, int blocks) const {
      asked_.push_back([=] {
        std::vector<unsigned char> shared(Program::shared_size + alignof(chunk));
        void* memory = shared.data();
        std::size_t room = shared.size();
        std::align(alignof(chunk), Program::shared_size, memory, room);
        for (int b = 0; b < blocks; ++b) {
          std::fill(shared.begin(), shared.end(), static_cast<unsigned char>(0xff));
          run(emulated_group<block_group>{b % 2 == 1, memory}, b, blocks);
        }
      });
    }
    template <class Program>
    void spread(Program const& run, int) const {
      asked_.push_back([=] { run(emulated_group<grid_group>{true}, 0, 1); });
    }

   private:
    using list = std::vector<std::function<void()>>;
    void run_all() const {
      for (auto const& task : std::exchange(asked_, {})) task();
    }
    mutable list asked_, beside_;
  };

  static queue const& queue_of_thread() {
    thread_local queue const own;
    return own;
  }

 private:
  static constexpr std::align_val_t alignment{16};
};

#if defined(__CUDACC__)

namespace detail {

inline constexpr int spread_threads = 256;

template <class Program>
__global__ void __launch_bounds__(Program::threads, Program::blocks_at_once) run_program(Program run) {
  extern __shared__ chunk memory_of_block[];
  run(block_group{memory_of_block}, static_cast<int>(blockIdx.x), static_cast<int>(gridDim.x));
}

template <class Program>
__global__ void __launch_bounds__(spread_threads) spread_program(Program run) {
  run(grid_group{}, 0, 1);
}

inline void must(cudaError_t status) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or a later call would find it again
  if (status == cudaErrorMemoryAllocation) throw std::bad_alloc();
  throw std::runtime_error(std::string("calotype::exec::cuda: ") + cudaGetErrorString(status));
}

// More than 48 kB must be asked for.
template <class Program>
void allow_shared_memory() {
  if constexpr (Program::shared_size > 0) {
    int device = 0, most = 0;
    must(cudaGetDevice(&device));
    must(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    if (Program::shared_size > static_cast<std::size_t>(most)) {
      throw std::runtime_error("calotype::exec::cuda: this network takes " +
                               std::to_string(Program::shared_size) +
                               " bytes of shared memory in this precision, and the device has " +
                               std::to_string(most) + " for a block; use exec::fp32");
    }
    must(cudaFuncSetAttribute(run_program<Program>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                              static_cast<int>(Program::shared_size)));
  }
}

// Blocks of a kernel on the current device; 0 where one does not fit.
template <class Kernel>
int blocks_at_once(Kernel* kernel, int threads, std::size_t shared, int most_on_multiprocessor) {
  int device = 0, multiprocessors = 0, each = 0;
  must(cudaGetDevice(&device));
  must(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, device));
  must(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, threads, shared));
  return multiprocessors * std::min(each, most_on_multiprocessor);
}

}  // namespace detail

template <>
struct device<exec::on_device> {
  template <class T>
  static T* allocate(std::size_t n) {
    if (n == 0) return nullptr;
    void* p = nullptr;
    detail::must(cudaMalloc(&p, n * sizeof(T)));
    cudaError_t zeroed = cudaMemset(p, 0, n * sizeof(T));
    if (zeroed == cudaSuccess) zeroed = cudaDeviceSynchronize();  // before any queue's work
    if (zeroed != cudaSuccess) cudaFree(p);
    detail::must(zeroed);
    return static_cast<T*>(p);
  }
  static void release(void* p) noexcept { cudaFree(p); }
  template <class T>
  static T* allocate_host(std::size_t n) {
    if (n == 0) return nullptr;
    void* p = nullptr;
    detail::must(cudaMallocHost(&p, n * sizeof(T)));
    return static_cast<T*>(std::memset(p, 0, n * sizeof(T)));
  }
  static void release_host(void* p) noexcept { cudaFreeHost(p); }
  static std::size_t free_memory() {
    std::size_t free = 0, all = 0;
    detail::must(cudaMemGetInfo(&free, &all));
    return free;
  }

  template <class Program>
  static int blocks() {
    detail::allow_shared_memory<Program>();
    return std::max(detail::blocks_at_once(detail::run_program<Program>, Program::threads, Program::shared_size,
                                           Program::blocks_at_once),
                    1);
  }
  // One block on every multiprocessor: all must be there at once for the barrier of a grid.
  template <class Program>
  static int spread_blocks() {
    return detail::blocks_at_once(detail::spread_program<Program>, detail::spread_threads, 0, 1);
  }

  class queue {
   public:
    queue() {
      detail::must(cudaStreamCreateWithFlags(&own_.work, cudaStreamNonBlocking));
      detail::must(cudaStreamCreateWithFlags(&own_.beside, cudaStreamNonBlocking));
      for (cudaEvent_t* e : {&own_.sent, &own_.marks[0], &own_.marks[1]}) {
        detail::must(cudaEventCreateWithFlags(e, cudaEventDisableTiming));
      }
    }
    queue(queue&& other) noexcept : own_(std::exchange(other.own_, {})) {}
    queue& operator=(queue&& other) noexcept {
      std::swap(own_, other.own_);
      return *this;
    }
    ~queue() {
      for (cudaEvent_t e : {own_.sent, own_.marks[0], own_.marks[1]}) {
        if (e != nullptr) cudaEventDestroy(e);
      }
      for (cudaStream_t s : {own_.work, own_.beside}) {
        if (s != nullptr) cudaStreamDestroy(s);
      }
    }

    template <class T>
    void send(std::size_t n, T const* host, T* to) const {
      detail::must(cudaMemcpyAsync(to, host, n * sizeof(T), cudaMemcpyHostToDevice, own_.work));
    }
    template <class T>
    void send_beside(std::size_t n, T const* host, T* to) const {
      detail::must(cudaMemcpyAsync(to, host, n * sizeof(T), cudaMemcpyHostToDevice, own_.beside));
    }
    void join() const {
      detail::must(cudaEventRecord(own_.sent, own_.beside));
      detail::must(cudaStreamWaitEvent(own_.work, own_.sent, 0));
    }
    template <class T>
    void fetch(std::size_t n, T const* from, T* host, int mark) const {
      detail::must(cudaMemcpyAsync(host, from, n * sizeof(T), cudaMemcpyDeviceToHost, own_.work));
      detail::must(cudaEventRecord(own_.marks[mark], own_.work));
    }
    void wait(int mark) const { detail::must(cudaEventSynchronize(own_.marks[mark])); }
    void finish() const { detail::must(cudaStreamSynchronize(own_.work)); }

    template <class T>
    void upload(std::size_t n, T const* host, T* to) const {
      if (n == 0) return;
      detail::must(cudaMemcpyAsync(to, host, n * sizeof(T), cudaMemcpyHostToDevice, own_.work));
      detail::must(cudaStreamSynchronize(own_.work));
    }
    template <class T>
    void download(std::size_t n, T const* from, T* host) const {
      detail::must(cudaMemcpyAsync(host, from, n * sizeof(T), cudaMemcpyDeviceToHost, own_.work));
      detail::must(cudaStreamSynchronize(own_.work));
    }
    template <class Program>
    void launch(Program run, int blocks) const {
      void* arguments[] = {&run};
      detail::allow_shared_memory<Program>();
      detail::must(cudaLaunchKernel(detail::run_program<Program>, dim3(static_cast<unsigned>(blocks)),
                                    dim3(static_cast<unsigned>(Program::threads)), arguments,
                                    Program::shared_size, own_.work));
    }
    template <class Program>
    void spread(Program run, int blocks) const {
      void* arguments[] = {&run};
      detail::must(cudaLaunchCooperativeKernel(detail::spread_program<Program>,
                                               dim3(static_cast<unsigned>(blocks)),
                                               dim3(detail::spread_threads), arguments, 0, own_.work));
    }
    cudaStream_t stream() const noexcept { return own_.work; }

   private:
    struct {
      cudaStream_t work = nullptr, beside = nullptr;
      cudaEvent_t sent = nullptr, marks[2] = {};
    } own_;
  };

  static queue const& queue_of_thread() {
    thread_local std::map<int, queue> own;
    int current = 0;
    detail::must(cudaGetDevice(&current));
    return own[current];
  }
};

#endif

// Objects in a device's memory, or in the host's where a device fetches from; movable, not copyable.
template <class T, class Where, bool OnHost = false>
class device_array {
 public:
  device_array() = default;
  explicit device_array(std::size_t n) {
    if constexpr (OnHost) {
      data_ = device<Where>::template allocate_host<T>(n);
    } else {
      data_ = device<Where>::template allocate<T>(n);
    }
  }
  device_array(device_array&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  device_array& operator=(device_array&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  ~device_array() {
    if (data_ == nullptr) return;
    if constexpr (OnHost) {
      device<Where>::release_host(data_);
    } else {
      device<Where>::release(data_);
    }
  }

  T* data() const noexcept { return data_; }

 private:
  T* data_ = nullptr;
};

template <class T, class Where>
using host_array = device_array<T, Where, true>;

// Floats that know how many they are.
template <class Where>
class device_buffer {
 public:
  device_buffer() = default;
  explicit device_buffer(std::size_t n) : numbers_(n), size_(n) {}
  float* data() const noexcept { return numbers_.data(); }
  std::size_t size() const noexcept { return size_; }

 private:
  device_array<float, Where> numbers_;
  std::size_t size_ = 0;
};

// A program: f(0) ... f(n - 1).
template <class Function>
struct for_all {
  static constexpr std::size_t shared_size = 0;
  static constexpr int threads = 256, blocks_at_once = 8;
  static constexpr int span = threads;

  Function f;
  int n;

  template <class Group>
  CALOTYPE_HD void operator()(Group const& g, int block, int blocks) const {
    for (int first = block * span; first < n; first += blocks * span) {
      g.each(n - first < span ? n - first : span, from{f, first});
    }
  }

 private:
  struct from {
    Function f;
    int first;
    CALOTYPE_HD void operator()(int i) const { f(first + i); }
  };
};

// f(0) ... f(n - 1), by the queue of the calling thread.
template <class Where, class Function>
void launch_for_all(std::size_t n, Function f) {
  using program = for_all<Function>;
  int const spans = (static_cast<int>(n) + program::span - 1) / program::span;
  int const blocks = std::min(spans, device<Where>::template blocks<program>());
  if (blocks > 0) device<Where>::queue_of_thread().launch(program{f, static_cast<int>(n)}, blocks);
}

}  // namespace calotype::kernel
