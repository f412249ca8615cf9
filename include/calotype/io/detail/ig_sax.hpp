// The tables of an .ig event from its JSON, one token at a time.
#pragma once

#include <cstddef>
#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <calotype/io/ig_table.hpp>

namespace calotype::io::detail {

// Handler for nlohmann's SAX interface: one table per entry of Types, filled from Collections.
// `Want(collection, column)` says which columns keep their values. Nesting depth: 1 the root, 2 Types or
// Collections, 3 a collection, 4 a row (or a column's description), 5 a vector.
template <class Want>
class ig_sax final : public nlohmann::json_sax<nlohmann::json> {
 public:
  using json_type = nlohmann::json;

  ig_sax(Want const& want, std::vector<ig_table>& tables) : want_(want), tables_(tables) { tables_.clear(); }

  // What is wrong with the event, as the end of a sentence that begins with "the event"; empty if nothing is.
  std::string const& problem() const noexcept { return problem_; }

  bool null() override { return number(std::numeric_limits<double>::quiet_NaN()); }
  bool boolean(bool) override { return number(std::numeric_limits<double>::quiet_NaN()); }
  bool number_integer(json_type::number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(json_type::number_unsigned_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_float(json_type::number_float_t value, json_type::string_t const&) override {
    return number(value);
  }
  bool binary(json_type::binary_t&) override { return unexpected(); }

  bool string(json_type::string_t& text) override {
    if (section_ == section::types) return describe(text);
    if (section_ != section::collections) return true;
    auto* const column = depth_ == 4 ? next_column() : nullptr;
    if (column == nullptr) return unexpected();
    if (!column->wanted) return true;
    if (!column->is_text())
      return fail("holds a text in its column " + column->name + ", which is " + column->type);
    column->texts.push_back(std::move(text));
    return true;
  }

  bool start_object(std::size_t) override {
    ++depth_;
    return section_ == section::other || depth_ <= 2 || unexpected();
  }
  bool end_object() override {
    if (--depth_ == 1) section_ = section::none;
    return true;
  }

  bool key(json_type::string_t& name) override {
    if (depth_ == 1) {
      section_ = name == "Types"         ? section::types
                 : name == "Collections" ? section::collections
                                         : section::other;
      table_ = nullptr;
      vector_ = nullptr;
      if (section_ == section::types && std::exchange(has_types_, true)) return refuse("holds Types twice");
      if (section_ == section::collections && std::exchange(has_collections_, true))
        return refuse("holds Collections twice");
    } else if (section_ == section::types) {
      if (find(name) != nullptr) return refuse("describes the collection " + name + " twice");
      tables_.push_back({name});
      filled_.push_back(false);
    } else if (section_ == section::collections) {
      table_ = find(name);
      if (table_ == nullptr)
        return refuse("holds a collection " + name + " that Types does not describe before it");
      auto filled = filled_[static_cast<std::size_t>(table_ - tables_.data())];
      if (filled) return refuse("holds the collection " + name + " twice");
      filled = true;
    }
    return true;
  }

  bool start_array(std::size_t) override {
    ++depth_;
    part_ = 0;
    if (section_ == section::other) return true;
    if (section_ == section::types) return depth_ == 3 || depth_ == 4 || unexpected();
    if (section_ != section::collections || depth_ < 3 || depth_ > 5) return unexpected();
    if (depth_ == 4) {
      ++table_->rows;
      column_ = 0;
    } else if (depth_ == 5) {
      vector_ = next_column();
      if (vector_ == nullptr) return unexpected();
      if (vector_->wanted && !vector_->is_vector()) {
        return fail("holds a vector in its column " + vector_->name + ", which is " + vector_->type);
      }
    }
    return true;
  }
  bool end_array() override {
    auto const depth = depth_--;
    if (section_ == section::types && depth == 4)
      return part_ == 2 || refuse("describes a column without its type");
    if (section_ != section::collections) return true;
    if (depth == 5) {
      return !vector_->wanted || part_ == 3 || fail("holds a vector of " + std::to_string(part_) + " numbers");
    }
    if (depth == 4 && column_ != table_->columns.size()) {
      return fail("has " + std::to_string(column_) + " values where Types lists " +
                  std::to_string(table_->columns.size()));
    }
    return true;
  }

  bool parse_error(std::size_t, std::string const&, json_type::exception const& reason) override {
    std::string const place = section_ == section::types         ? " in Types"
                              : section_ != section::collections ? ""
                              : table_ == nullptr                ? " in Collections"
                                                                 : " near " + row();
    if (reason.id / 100 == 4) {  // its out_of_range, told without run-time type information
      return refuse("holds a number too large for a computer" + place);
    }
    return refuse("is not written in JSON or its known dialects" + place);
  }

  bool finished() { return has_collections_ || refuse("has no Collections"); }

 private:
  enum class section { none, types, collections, other };

  bool number(double value) {
    if (section_ == section::other) return true;
    if (section_ != section::collections || table_ == nullptr) return unexpected();
    if (depth_ == 5) {
      if (vector_->wanted) vector_->numbers.push_back(value);
      ++part_;
      return true;
    }
    auto* const column = depth_ == 4 ? next_column() : nullptr;
    if (column == nullptr) return unexpected();
    if (!column->wanted) return true;
    if (column->is_text() || column->is_vector()) {
      return fail("holds a number in its column " + column->name + ", which is " + column->type);
    }
    column->numbers.push_back(value);
    return true;
  }

  // Name, then type of a column.
  bool describe(std::string& text) {
    if (depth_ != 4 || part_ > 1) return unexpected();
    auto& table = tables_.back();
    if (part_++ == 0) {
      table.columns.push_back({std::move(text), {}});
    } else {
      auto& column = table.columns.back();
      column.type = std::move(text);
      column.wanted = want_(std::string_view(table.name), std::string_view(column.name));
    }
    return true;
  }

  ig_table* find(std::string_view name) noexcept {
    for (auto& table : tables_) {
      if (table.name == name) return &table;
    }
    return nullptr;
  }
  // The column the next value of the row belongs to, or null beyond the last.
  ig_column* next_column() noexcept {
    return column_ < table_->columns.size() ? &table_->columns[column_++] : nullptr;
  }

  std::string row() const { return table_->name + ", row " + std::to_string(table_->rows); }
  bool fail(std::string const& what) { return refuse(what + " (" + row() + ")"); }
  bool unexpected() {
    if (section_ == section::collections && table_ != nullptr && depth_ >= 4) {
      return fail("has more values than Types lists columns, or values of an unknown form");
    }
    return refuse("does not have the form of an .ig event");
  }
  bool refuse(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
    return false;
  }

  Want const& want_;
  std::vector<ig_table>& tables_;
  std::vector<bool> filled_{};
  section section_ = section::none;
  ig_table* table_ = nullptr;    // the collection being filled
  ig_column* vector_ = nullptr;  // the vector being filled
  int depth_ = 0;
  std::size_t column_ = 0;  // of the next value in the row
  std::size_t part_ = 0;    // of a vector or a column's description
  bool has_types_ = false;
  bool has_collections_ = false;
  std::string problem_{};
};

// Fills `tables`; the answer is empty or the end of a sentence that begins with "the event".
template <class Want>
std::string parse_ig(std::string const& json, Want const& want, std::vector<ig_table>& tables) {
  ig_sax<Want> handler(want, tables);
  // Through the interface, as in safetensors.hpp.
  if (nlohmann::json::sax_parse(json, static_cast<nlohmann::json_sax<nlohmann::json>*>(&handler))) {
    handler.finished();
  }
  return handler.problem();
}

}  // namespace calotype::io::detail
