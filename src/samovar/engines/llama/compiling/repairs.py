"""What is put right in the library's source before it is compiled. The prebuilt library still has these faults, and
`faults` still keeps models from them there."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from samovar.core.errors import EngineFailed


class Change(msgspec.Struct, frozen=True):
    """`before`, which the file has once, becomes `after`."""

    before: str
    after: str


class Repair(msgspec.Struct, frozen=True):
    """Changes to one source file, and a header of ours that is laid beside it."""

    file: str
    header: str
    changes: tuple[Change, ...]


_KERNEL = """#ifdef HAVE_FANCY_SIMD
template <int nrc_y>
static void mul_mat_q8_1_r8_q8_2("""
_ONE_ROW = """                    acc[0] = _mm256_fmadd_ps(d4d8, _mm256_cvtepi32_ps(sumi), acc[0]);
                }
            }
"""
_ONE_ROW_TAIL = """            acc[0] = _mm256_add_ps(acc[0], q8_1_r8_tail(iq8, q8.y[0], nb));
"""
_STORE = """            info.store(ix, 0, acc[0]);
"""
_AVX512 = """                        auto dy = _mm512_set1_ps(d8[4*iy+ib32]);
                        acc[iy] = _mm512_fmadd_ps(_mm512_mul_ps(scales, dy), _mm512_cvtepi32_ps(sumi), acc[iy]);
                    }
                }
            }
            for (int iy = 0; iy < nrc_y; ++iy) {
"""
_AVX512_TAIL = """                acc[iy] = _mm512_add_ps(acc[iy], _mm512_insertf32x8(_mm512_castps256_ps512(
                    q8_1_r8_tail(q8l, q8.y[iy], nb)), q8_1_r8_tail(q8h, q8.y[iy], nb), 1));
"""
_AVX2 = """                    auto sumi = dot(q8.y[iy][i4].qs+32*ib32+16);
                    auto d4d8 = _mm256_mul_ps(scales, _mm256_set1_ps(d8[4*iy+ib32]));
                    acc[iy] = _mm256_fmadd_ps(d4d8, _mm256_cvtepi32_ps(sumi), acc[iy]);
                }
            }
        }
        for (int iy = 0; iy < nrc_y; ++iy) {
"""
_AVX2_TAIL = """            acc[iy] = _mm256_add_ps(acc[iy], q8_1_r8_tail(iq8, q8.y[iy], nb));
"""

REPAIRS = (
    Repair(
        file="ggml/src/iqk/iqk_gemm_legacy_quants.cpp",
        header="q8_1_r8_tail.h",
        changes=(
            Change(_KERNEL, '#include "q8_1_r8_tail.h"\n\n' + _KERNEL),
            Change(_ONE_ROW + _STORE, _ONE_ROW + _ONE_ROW_TAIL + _STORE),
            Change(_AVX512, _AVX512 + _AVX512_TAIL),
            Change(_AVX2, _AVX2 + _AVX2_TAIL),
        ),
    ),
)
"""Q4_1 and Q5_1 in batches of 32 tokens and more: rows whose width is no multiple of 128 lost their last blocks."""


def repair(tree: Path, repairs: Sequence[Repair] = REPAIRS) -> None:
    """Changes the library's source in `tree`. Raises EngineFailed where it is not the source that is known."""
    for one in repairs:
        file = tree / one.file
        text = file.read_text(encoding="utf-8")
        for change in one.changes:
            if text.count(change.before) != 1:
                raise EngineFailed("build.unknown_source", file=one.file)
            text = text.replace(change.before, change.after)
        file.write_text(text, encoding="utf-8")
        shutil.copy(Path(__file__).with_name(one.header), file.parent)
