// Training by the processes of an MPI program, on one machine or on many.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <mpi.h>

#include <calotype/train/team.hpp>

namespace calotype::train {

// The processes of an MPI communicator, of which it keeps a duplicate: its messages meet no others. Make it
// after MPI_Init (MPI_Init_thread with MPI_THREAD_FUNNELED where training uses threads) and let it go before
// MPI_Finalize. An error of MPI ends the program, whatever the communicator's own way with errors; so does what
// MPI cannot count, 2^31 bytes at once: a network of 500 million parameters, a validation of 100 million
// events.
class mpi_team final : public team {
 public:
  explicit mpi_team(MPI_Comm processes = MPI_COMM_WORLD) {
    MPI_Comm_dup(processes, &processes_);
    MPI_Comm_set_errhandler(processes_, MPI_ERRORS_ARE_FATAL);
    MPI_Comm_rank(processes_, &rank_);
    MPI_Comm_size(processes_, &size_);
  }
  mpi_team(mpi_team const&) = delete;
  mpi_team& operator=(mpi_team const&) = delete;
  ~mpi_team() override { MPI_Comm_free(&processes_); }

  int rank() const noexcept override { return rank_; }
  int size() const noexcept override { return size_; }

  void send(std::span<std::byte const> message, int to) noexcept override {
    MPI_Send(message.data(), count(message.size()), MPI_BYTE, to, 0, processes_);
  }
  void receive(std::span<std::byte> message, int from) noexcept override {
    MPI_Recv(message.data(), count(message.size()), MPI_BYTE, from, 0, processes_, MPI_STATUS_IGNORE);
  }
  void broadcast(std::span<std::byte> message, int from) noexcept override {
    MPI_Bcast(message.data(), count(message.size()), MPI_BYTE, from, processes_);
  }
  void share(std::span<std::byte> whole, std::span<std::size_t const> bounds) noexcept override {
    counts_.clear();
    begins_.clear();
    for (std::size_t r = 0; r + 1 < bounds.size(); ++r) {
      begins_.push_back(count(bounds[r]));
      counts_.push_back(count(bounds[r + 1] - bounds[r]));
    }
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, whole.data(), counts_.data(), begins_.data(), MPI_BYTE,
                   processes_);
  }

 private:
  int count(std::size_t bytes) const noexcept {
    if (bytes > static_cast<std::size_t>(std::numeric_limits<int>::max())) MPI_Abort(processes_, 1);
    return static_cast<int>(bytes);
  }

  MPI_Comm processes_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  std::vector<int> counts_, begins_;
};

}  // namespace calotype::train
