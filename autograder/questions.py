"""Question numbers: 4.d.2 belongs to part 4.d of the handout."""

from __future__ import annotations

from collections.abc import Mapping


def matches(number: str, patterns: tuple[str, ...]) -> bool:
    """Whether a grader's number, or that of its twin's visible half, is named by a pattern.

    A pattern is a number, or a part of the handout that the number belongs to: "4.d" names
    "4.d.1" and "4.d.2.hidden".
    """
    return any(number == pattern or number.startswith(pattern.removesuffix(".*") + ".") for pattern in patterns)


def part_of(number: str, parts: Mapping[str, str]) -> tuple[str, str]:
    """(part, title) for a grader's number: the longest declared prefix, or ("", "")."""
    pieces = number.split(".")
    for length in range(len(pieces), 0, -1):
        prefix = ".".join(pieces[:length])
        if prefix in parts:
            return prefix, parts[prefix]
    return "", ""
