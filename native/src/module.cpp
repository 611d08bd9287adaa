// The Python module samovar_kernel: what samovar_kernel.pyi says.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "chain.hpp"

namespace nb = nanobind;

namespace samovar {
namespace {

using Row = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Ids = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Instruction = std::tuple<std::string, std::vector<double>, Ids>;
using Turn = std::tuple<const Chain*, Ids, std::size_t, double, double>;

// One for each thread, so that draws need no lock and several requests share the caches.
Workspace& workspace() {
    thread_local Workspace work;
    return work;
}

Chain make(std::size_t vocabulary, const std::vector<Instruction>& instructions) {
    std::vector<Chain::Instruction> all;
    for (const auto& [name, numbers, ids] : instructions)
        all.push_back({name, {numbers, {ids.data(), ids.data() + ids.size()}}});
    return {vocabulary, std::move(all)};
}

Moment moment_of(const Ids& history, std::size_t produced, double chance) {
    Moment moment;
    moment.history = {history.data(), history.size()};
    moment.produced = produced;
    moment.chance = chance;
    return moment;
}

void check_row(const Chain& chain, std::size_t length) {
    if (length != chain.vocabulary()) throw std::invalid_argument("the row is not as long as the vocabulary");
}

std::int64_t draw(const Chain& chain, const Row& logits, const Ids& history, std::size_t produced, double chance,
                  double share) {
    if (logits.size() != chain.vocabulary()) return NO_TOKEN;
    const nb::gil_scoped_release free;
    return chain.draw(workspace(), logits.data(), moment_of(history, produced, chance), share);
}

std::vector<std::int64_t> draw_rows(const Rows& logits, const std::vector<Turn>& turns) {
    if (logits.shape(0) != turns.size()) throw std::invalid_argument("not one chain for each row");
    for (const Turn& turn : turns) {
        if (!std::get<0>(turn)) throw std::invalid_argument("None is no chain");
        check_row(*std::get<0>(turn), logits.shape(1));
    }
    std::vector<std::int64_t> tokens;
    const nb::gil_scoped_release free;
    for (const auto& [chain, history, produced, chance, share] : turns) {
        const float* row = logits.data() + tokens.size() * logits.shape(1);
        tokens.push_back(chain->draw(workspace(), row, moment_of(history, produced, chance), share));
    }
    return tokens;
}

template <typename Number>
auto array(const std::vector<Number>& numbers) {
    auto* data = new Number[numbers.size()];
    std::copy(numbers.begin(), numbers.end(), data);
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<Number*>(p); });
    return nb::ndarray<nb::numpy, Number, nb::ndim<1>>(data, {numbers.size()}, owner);
}

// For tests: what is left of a row, before the draw.
auto left(const Chain& chain, const Row& logits, const Ids& history, std::size_t produced, double chance) {
    check_row(chain, logits.size());
    Candidates candidates(workspace(), logits.data(), logits.size());
    if (!chain.apply(candidates, moment_of(history, produced, chance)))
        throw std::invalid_argument("no token can be drawn from this row");
    std::vector<std::int64_t> tokens;
    for (std::size_t i = 0; i < candidates.size(); ++i) tokens.push_back(candidates.token(i));
    const std::vector<float> logits_left(candidates.logits(), candidates.logits() + candidates.size());
    return std::make_tuple(array(tokens), array(logits_left));
}

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const Step& step : steps()) all.emplace_back(step.name);
    return all;
}

}  // namespace
}  // namespace samovar

NB_MODULE(samovar_kernel, module) {
    using samovar::Chain;
    nb::class_<Chain>(module, "Chain")
        .def(nb::new_(&samovar::make), nb::arg("vocabulary"), nb::arg("instructions"))
        .def("draw", &samovar::draw, nb::arg("logits"), nb::arg("history"), nb::arg("produced"), nb::arg("chance"),
             nb::arg("share"))
        .def("left", &samovar::left, nb::arg("logits"), nb::arg("history"), nb::arg("produced"), nb::arg("chance"));
    module.def("draw_rows", &samovar::draw_rows, nb::arg("logits"), nb::arg("turns"));
    module.def("steps", &samovar::names);
}
