#include "against_torch.hpp"

#include <calotype/models/shower_paper.hpp>

namespace {

// PyTorch draws other masks.
struct cnn_without_dropout : calotype::models::shower_cnn {
  static constexpr auto layers() { return calotype::models::shower_vgg(0); }
};
struct recurrent_without_dropout : calotype::models::shower_conv_lstm {
  static constexpr auto layers() { return calotype::models::shower_recurrent(0); }
};

}  // namespace

TEST_CASE("the shower paper's networks equal PyTorch, and every policy the same bits") {
  against_torch::check<cnn_without_dropout>("shower-cnn");
  against_torch::check<calotype::models::shower_fcn>("shower-fcn");
  against_torch::check<recurrent_without_dropout>("shower-conv-lstm");
}
