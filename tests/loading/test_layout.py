"""One layout: the same content and the same comments, whoever wrote the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.loading.layout import CannotLayOut, laid_out
from runner.loading.reader import read_documents

ROOT = Path(__file__).parents[2]
OURS = sorted([*(ROOT / "jobs.d").rglob("*.yaml"), *(ROOT / "examples").rglob("jobs.d/*.yaml")])

MESSY = """\
# about the file

# about the spec
spec:   # beside spec
    enabled:    true   # why
    schedule: "0 2 * * *"
    at: 22:00
    validUntil: 2027-06-30
    timeout:
    umask: '027'
    flow: {a: 1,   b: [1,2,   3]}   # flow
    steps:
    # above the step
    - name: a
      shell: |   # header
        # not a comment
        echo   hi\x20\x20


        more
    -   name: b   # trailing
        shell: >-
          folded
          text



    # at the end
# about metadata
metadata: {name: x}
kind: Job
apiVersion: jobs.runner/v1
# last
---
apiVersion: jobs.runner/v1
kind: Group
metadata:
  name: g\x20\x20
spec: {}
"""

TIDY = """\
# about the file

apiVersion: jobs.runner/v1
kind: Job
# about metadata
metadata: {name: x}
# about the spec
spec:   # beside spec
  enabled: true        # why
  schedule: "0 2 * * *"
  at: 22:00
  validUntil: 2027-06-30
  timeout: null
  umask: '027'
  flow: {a: 1, b: [1, 2, 3]}        # flow
  steps:
    # above the step
    - name: a
      shell: |   # header
        # not a comment
        echo   hi\x20\x20


        more
    - name: b     # trailing
      shell: >-
        folded
        text

    # at the end
# last
---
apiVersion: jobs.runner/v1
kind: Group
metadata:
  name: g
spec: {}
"""


def test_a_messy_file_is_tidy_and_says_the_same():
    assert laid_out(MESSY, "x.yaml") == TIDY
    assert laid_out(TIDY, "x.yaml") == TIDY


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_our_own_declarations_are_in_the_layout(file: Path):
    text = file.read_text()
    assert laid_out(text, file.name) == text


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
        ("a: &x {b: 1}\nc: *x\n", "a: &x {b: 1}\nc: *x\n"),
        ("a:\n- 1\n-   2", "a:\n  - 1\n  - 2\n"),
        ("---\na: 1\n", "---\na: 1\n"),
        ("k: 'it''s'\n", "k: 'it''s'\n"),
        ("a: ~\n", "a: null\n"),
    ],
)
def test_what_is_meant_stays(text: str, tidy: str):
    assert laid_out(text, "x.yaml") == tidy


@pytest.mark.parametrize("text", ["a: [", "", "a: 1\na: 2\n", "a: !!python/object:os.system x\n", "\x00"])
def test_what_is_no_declaration_is_told_with_its_place(text: str):
    with pytest.raises(CannotLayOut) as problem:
        laid_out(text, "x.yaml")
    assert problem.value.diagnostics[0].file == "x.yaml"


def test_what_another_parser_gives_up_on_stays_as_it_is():
    with pytest.raises(CannotLayOut, match=r"x\.yaml stays as it is: it cannot be written anew"):
        laid_out("metadata:\n  name: runner\t\nspec: {}\n", "x.yaml")


SCALARS = st.one_of(
    st.sampled_from(["22:00", "0o17", "1e3", "yes", "null", "~", "2027-06-30", "'a'", '"b # c"', "-1", ".5"]),
    st.text("abc #:'\"{}[]-\n", max_size=12).map(lambda text: f'"{text}"'.replace("\n", "\\n")),
)
LINES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["a", "b", "kind", "spec", "metadata"]), SCALARS).map(
            lambda t: f"{t[0]}: {t[1]}"
        ),
        st.sampled_from(
            ["", "# one", "  # two", "l:", "  - x   # three", "- y", "  z:   {q: 1}", "t: |", "   text "]
        ),
    ),
    max_size=12,
)


@given(LINES)
def test_whatever_is_laid_out_settles_and_says_the_same(lines: list[str]):
    text = "\n".join(lines) + "\n"
    try:
        tidy = laid_out(text, "x.yaml")
    except CannotLayOut:
        return
    assert laid_out(tidy, "x.yaml") == tidy
    before, after = (read_documents(each.encode(), "x").documents for each in (text, tidy))
    assert [each.content for each in before] == [each.content for each in after]
    for comment in ("# one", "# two", "# three"):
        assert text.count(comment) == tidy.count(comment)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "kind: Job\napiVersion: v\nspec:\n  shell: [a, # first\n          b]\n",
            "apiVersion: v\nkind: Job\nspec:\n  shell: [a, # first\n          b]\n",
        ),
        (
            "metadata: {name: a,\n  # of the labels\n  labels: {a: b}}   \n",
            "metadata: {name: a,\n  # of the labels\n  labels: {a: b}}\n",
        ),
        ("# one\n---\nkind: G\n\n\n# two\n...\n# three\n", "# one\n---\nkind: G\n\n# two\n...\n# three\n"),
        ("---\n# a\n---\nkind: G\n---   # b\n# c\n", "---\n# a\n---\nkind: G\n---   # b\n# c\n"),
        ("? kind # c\n: G\n\n\n\nspec: {}\n", "? kind # c\n: G\n\nspec: {}\n"),
    ],
)
def test_where_the_writing_parser_forgets_comments_only_indentation_stays(text: str, expected: str) -> None:
    assert laid_out(text, "f.yaml") == expected
    assert laid_out(expected, "f.yaml") == expected


@pytest.mark.parametrize("indent", [0, 2, 4, 6])
@pytest.mark.parametrize("line", range(1, 16))
def test_a_comment_between_any_two_lines_stays(line: int, indent: int) -> None:
    lines = (ROOT / "examples" / "environments" / "jobs.d" / "report.yaml").read_text().splitlines()
    text = "\n".join([*lines[:line], " " * indent + "# here", *lines[line:], ""])
    assert laid_out(text, "f.yaml").count("# here") == 1
