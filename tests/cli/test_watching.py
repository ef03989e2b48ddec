"""`--watch`: what is shown again and again."""

from __future__ import annotations

from collections.abc import Sequence

from runner.cli.watching import watch


def watched(*looks: Sequence[str], terminal: bool) -> list[Sequence[str]]:
    """What is shown for these looks, after which Ctrl-C comes."""
    left, shown = list(looks), list[Sequence[str]]()

    def pause() -> None:
        if not left:
            raise KeyboardInterrupt

    watch(lambda: left.pop(0), shown.append, terminal=terminal, pause=pause)
    return shown


def test_on_a_terminal_all_is_shown_in_place(capsys) -> None:
    assert watched(["a"], ["a"], ["b", "a"], terminal=True) == [["a"], ["a"], ["b", "a"]]
    assert capsys.readouterr().out.count("\x1b[2J") == 3


def test_elsewhere_only_what_is_new_or_has_changed(capsys) -> None:
    assert watched(["a 1"], ["a 1"], ["b 1", "a 2"], terminal=False) == [["a 1"], ["b 1", "a 2"]]
    assert capsys.readouterr().out == ""
