// The main of every test program. A case that cannot run here (no data, no device) says MESSAGE("SKIPPED:
// why"); when cases were skipped and none of the others failed, they are listed at the end, and a program that
// ran nothing else exits with 77, which CTest reports as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstring>
#include <iostream>
#include <set>
#include <string>

#include <doctest/doctest.h>

namespace {

int cases = 0;
std::set<std::string> skipped;

class skip_listener : public doctest::IReporter {
 public:
  explicit skip_listener(doctest::ContextOptions const&) {}
  void report_query(doctest::QueryData const&) override {}
  void test_run_start() override {}
  void test_run_end(doctest::TestRunStats const&) override {}
  void test_case_start(doctest::TestCaseData const& data) override {
    ++cases;
    name_ = data.m_name;
  }
  void test_case_reenter(doctest::TestCaseData const&) override {}
  void test_case_end(doctest::CurrentTestCaseStats const&) override {}
  void test_case_exception(doctest::TestCaseException const&) override {}
  void subcase_start(doctest::SubcaseSignature const&) override {}
  void subcase_end() override {}
  void log_assert(doctest::AssertData const&) override {}
  void log_message(doctest::MessageData const& data) override {
    if (std::strncmp(data.m_string.c_str(), "SKIPPED", 7) == 0) skipped.insert(name_);
  }
  void test_case_skipped(doctest::TestCaseData const&) override {}

 private:
  std::string name_;
};

REGISTER_LISTENER("skipped", 1, skip_listener);

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  int const status = context.run();
  for (auto const& name : skipped) std::cout << "SKIPPED case: " << name << '\n';
  bool const all_skipped = !skipped.empty() && static_cast<int>(skipped.size()) == cases;
  return status == 0 && all_skipped ? 77 : status;
}
