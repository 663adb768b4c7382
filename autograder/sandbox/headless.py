"""Run code that expects a person in front of a screen: no window, no keyboard."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable

_CHOOSES_A_BACKEND = re.compile(r"switch_backend|\.use\s*\(")


def do_without_screen_and_keyboard(sources: Iterable[str]) -> None:
    """Make `input()` answer at once with nothing, and a choice of matplotlib's backend do nothing.

    A person who graded by hand would press enter, and would have a display. To be called once,
    in the child, before any of the student's code runs. matplotlib is imported only where a
    source may choose a backend.
    """
    builtins.input = lambda *_: ""
    if not any("matplotlib" in text and _CHOOSES_A_BACKEND.search(text) for text in sources):
        return
    try:
        import matplotlib
        from matplotlib import pyplot
    except ImportError:
        return
    pyplot.switch_backend("Agg")
    matplotlib.use = lambda *_, **__: None
    pyplot.switch_backend = lambda *_: None
