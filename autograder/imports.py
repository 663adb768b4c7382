"""Which of the modules that a zygote may import a submission asks for, by the look of its text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autograder.sandbox.protocol import PRELOADABLE, may_preload

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_IMPORT = re.compile(
    rf"^[ \t]*(?:import[ \t]+(?P<modules>.+)|from[ \t]+(?P<module>{_NAME})[ \t]+import[ \t]+(?P<members>.+))$", re.M
)
_FIRST_NAME = re.compile(rf"[ \t(]*({_NAME})")


def preloadable_imports(text: str) -> frozenset[str]:
    """The modules of `PRELOADABLE` that import statements of a text name.

    A text that is no Python will do. A statement over several lines counts with its first one.
    """
    return PRELOADABLE.intersection(_named(text))


def grader_imports(text: str) -> frozenset[str]:
    """The modules that a grader's slice imports names from, and that the zygote may import for it."""
    return frozenset(name for found in _IMPORT.finditer(text) if (name := found["module"]) and may_preload(name))


def late_imports(text: str) -> frozenset[str]:
    """The modules of `PRELOADABLE` that PyTorch itself imports only when a text like this runs.

    The first optimiser that is made imports torch._dynamo: 900 modules, about a second of CPU time.
    """
    return frozenset({"torch._dynamo"}) if "optim" in text else frozenset()


def _named(text: str) -> Iterator[str]:
    for statement in _IMPORT.finditer(text):
        module = statement["module"]
        if module:
            yield module
        for part in (statement["modules"] or statement["members"]).split(","):
            name = _FIRST_NAME.match(part)
            if name:
                yield f"{module}.{name[1]}" if module else name[1]
