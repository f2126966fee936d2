// The search of Cascade for Python: shapes and ranges of one search are checked here.
#include "cascade.hpp"

#include <stdexcept>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "bitmap.hpp"
#include "butterfly.hpp"

namespace nb = nanobind;

namespace haris {
namespace {

template <typename T, int N>
using Array = nb::ndarray<T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
using Numbers = Array<const std::int32_t, 1>;
using Masks = Array<const Word, 2>;
using Bitmaps = Array<Word, 4>;           // (3, frames, passes, words): bits, starts, odd
using Marks = Array<Word, 3>;             // (frames, passes, words of marks)
using Live = Array<std::int32_t, 2>;        // (frames, passes)
using Standing = Array<std::int32_t, 2>;    // (3, frames): opened, working, n_nodes
using Nodes = Array<std::uint32_t, 3>;      // (2, frames, capacity): begins, ends

// Views of the arrays of one search. Raises ValueError where their shapes do not belong together.
struct Views {
    CascadePlan plan;
    CascadeSearch search;

    Views(const Numbers& levels, const Numbers& rows, const Masks& masks, const Bitmaps& bitmaps, const Marks& marks,
          const Live& live, const Standing& standing, const Nodes& nodes) {
        const Size n_frames = bitmaps.shape(1), n_passes = bitmaps.shape(2), n_words = bitmaps.shape(3);
        const bool fits = bitmaps.shape(0) == 3 && n_passes > 0 && n_words > 0 && levels.size() == n_passes &&
                          rows.size() == n_passes + 1 && masks.shape(1) == n_words && live.shape(0) == n_frames &&
                          live.shape(1) == n_passes && marks.shape(0) == n_frames && marks.shape(1) == n_passes &&
                          marks.shape(2) == CascadeSearch::mark_words(n_words) && standing.shape(0) == 3 &&
                          standing.shape(1) == n_frames && nodes.shape(0) == 2 && nodes.shape(1) == n_frames;
        if (!fits) throw nb::value_error("cascade: the arrays of plan and search do not belong together");
        for (Size pass = 0; pass < n_passes; ++pass) {
            const std::int32_t level = levels.data()[pass], from = rows.data()[pass], to = rows.data()[pass + 1];
            const bool possible = level >= 1 && level < 32 && (64 * n_words - 1) >> level >= 1 &&
                                  from >= 0 && to >= from && static_cast<Size>(to) <= masks.shape(0) &&
                                  to - from <= static_cast<std::int32_t>(Butterfly::top(n_words)) + 1;
            if (!possible) throw nb::value_error("cascade: a level or a row of masks is out of range");
        }
        const Size frames_words = n_frames * n_passes * n_words, capacity = nodes.shape(2);
        plan = {n_frames, n_passes, n_words, levels.data(), rows.data(), masks.data()};
        search = {bitmaps.data(), bitmaps.data() + frames_words, bitmaps.data() + 2 * frames_words,
                  marks.data(), live.data(), standing.data(), standing.data() + n_frames,
                  standing.data() + 2 * n_frames, nodes.data(), nodes.data() + n_frames * capacity, capacity};
    }
};

}  // namespace

void bind_cascade(nb::module_& module) {
    module.def("cascade_masks", [](Array<const std::uint64_t, 1> key, Numbers stages, Array<Word, 2> masks) {
        if (key.size() != 4 || stages.size() != masks.shape(0)) throw nb::value_error("cascade: sizes of masks");
        const KeyedStream stream{{key.data()[0], key.data()[1]}, {key.data()[2], key.data()[3]}};
        for (Size row = 0; row < masks.shape(0); ++row) {
            const std::int32_t k = stages.data()[row];
            if (k < 0 || k > 31) throw nb::value_error("cascade: a stage is out of range");
            butterfly_mask(stream, row, static_cast<unsigned>(k), masks.shape(1), masks.data() + row * masks.shape(1));
        }
    });
    module.def("cascade_instruction_set", [] { return cascade_is_wide() ? "avx2" : "portable"; });
    // Takes in errors, one octet for eight parities of the last step, and asks for those of the next. Returns how many
    // these are; -1: no errors have such parities.
    module.def("cascade_step", [](Numbers levels, Numbers rows, Masks masks, Bitmaps bitmaps, Marks marks, Live live,
                                  Standing standing, Nodes nodes, Array<const std::uint8_t, 1> errors, bool correct,
                                  Array<std::uint8_t, 1> parities, bool portable) -> std::int64_t {
        Views views(levels, rows, masks, bitmaps, marks, live, standing, nodes);
        if ((cascade_due(views.plan, views.search) + 7) / 8 != errors.size())
            throw nb::value_error("cascade: errors of another step");
        nb::gil_scoped_release released;
        if (!cascade_learn(views.plan, views.search, errors.data(), correct, portable)) return -1;
        const Size n_parities = cascade_decide(views.plan, views.search, portable);
        if ((n_parities + 7) / 8 > parities.size()) throw std::length_error("cascade: no room for the parities");
        cascade_ask(views.plan, views.search, parities.data(), portable);
        return static_cast<std::int64_t>(n_parities);
    });
}

}  // namespace haris
