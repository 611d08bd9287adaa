"""The prompts of infilling: the models' own layouts, and texts that stay texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from samovar.core.engine import Infill
from samovar.core.requests import Part, SourceFile
from samovar.prompts.infill import infill

QWEN = Infill("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", repository="<|repo_name|>", file="<|file_sep|>")
DEEPSEEK = Infill("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
CODESTRAL = Infill("[PREFIX]", "[SUFFIX]", suffix_first=True)
FILES = (SourceFile("a.py", "A = 1"), SourceFile("b.py", "B = 2"))

texts = st.text(max_size=30)
marks = st.sampled_from([QWEN, DEEPSEEK, CODESTRAL])


def written(parts: tuple[Part, ...]) -> str:
    return "".join(part.text for part in parts)


def test_each_model_has_its_own_order() -> None:
    assert written(infill(QWEN, "def f", "return")) == "<|fim_prefix|>def f<|fim_suffix|>return<|fim_middle|>"
    assert written(infill(DEEPSEEK, "a", "b")) == "<｜fim▁begin｜>a<｜fim▁hole｜>b<｜fim▁end｜>"
    assert written(infill(CODESTRAL, "a", "b")) == "[SUFFIX]b[PREFIX]a"


def test_other_files_come_first_under_their_names() -> None:
    assert written(infill(QWEN, "x", "y", FILES)) == (
        "<|repo_name|>project\n<|file_sep|>a.py\nA = 1\n<|file_sep|>b.py\nB = 2\n"
        "<|file_sep|>file\n<|fim_prefix|>x<|fim_suffix|>y<|fim_middle|>"
    )
    assert written(infill(CODESTRAL, "x", "y", FILES)) == "A = 1\n\nB = 2\n\n[SUFFIX]y[PREFIX]x"


@given(marks=marks, before=texts, after=texts, extra=texts)
def test_only_the_models_marks_may_become_control_tokens(
    marks: Infill, before: str, after: str, extra: str
) -> None:
    parts = infill(marks, before, after, (SourceFile(extra, extra),))
    allowed = {marks.prefix, marks.suffix, marks.middle, marks.repository, marks.file}
    assert {part.text for part in parts if part.special} <= allowed
    assert all(part.text for part in parts)


def test_nothing_on_either_side_leaves_the_marks() -> None:
    assert written(infill(QWEN, "", "")) == "<|fim_prefix|><|fim_suffix|><|fim_middle|>"
