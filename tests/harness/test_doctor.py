"""`autograder doctor`, for a machine as it is and for machines that it might be."""

from __future__ import annotations

import msgspec
import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.doctor import LAYERS, LEVELS, examine, report, warning
from autograder.sandbox.ladder import level_of
from autograder.sandbox.protocol import Layer, LayerName, Standing
from autograder.sandbox.runner import Sandbox

WHY, REMEDY = "this kernel has none", "Use another kernel."


def standing(level: int, *missing: LayerName) -> Standing:
    layers = tuple(
        Layer(name, holds=False, why=WHY, remedy=REMEDY) if name in missing else Layer(name, holds=True)
        for name in LAYERS
    )
    return Standing(level=level, layers=layers)


def test_every_layer_has_a_line_and_every_level_words(sandbox: Sandbox) -> None:
    assert {layer.name for layer in sandbox.standing.layers} == set(LAYERS)
    assert sorted(LEVELS) == [0, 1, 2, 3]


@pytest.mark.parametrize("missing", LAYERS)
def test_what_is_missing_is_told_with_why_and_what_to_do(missing: LayerName) -> None:
    lines = list(report(standing(1, missing)))
    (line,) = (number for number, line in enumerate(lines) if line.startswith("  no "))
    assert LAYERS[missing] in lines[line]
    assert WHY in lines[line + 1]
    assert REMEDY in lines[line + 2]
    assert sum(line.startswith("  yes") for line in lines) == len(LAYERS) - 1


def test_the_examined_machine_is_the_one_that_grades(sandbox: Sandbox) -> None:
    assert examine() == sandbox.standing


@pytest.mark.parametrize(("level", "status"), [(3, 0), (2, 0), (1, 1), (0, 1)])
def test_the_command(monkeypatch: pytest.MonkeyPatch, level: int, status: int) -> None:
    monkeypatch.setattr("autograder.doctor.examine", lambda: standing(level, "landlock"))
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == status
    assert f"level {level} of 3: {LEVELS[level]}." in done.output
    assert ("Do not grade" in done.output) == (level < 2)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_only_a_low_level_is_warned_of(level: int) -> None:
    assert bool(warning(level)) == (level < 2)


@pytest.mark.parametrize(
    ("missing", "level"),
    [
        ((), 3),
        (("user",), 2),
        (("landlock",), 2),
        (("capabilities",), 3),
        (("user", "landlock"), 1),
        (("seccomp",), 1),
        (("orphans",), 1),
        (("memory",), 0),
        (("resources",), 0),
        (("user", "landlock", "seccomp", "memory"), 0),
    ],
)
def test_the_level_that_layers_come_to(missing: tuple[LayerName, ...], level: int) -> None:
    """Two walls, one, none; and without closed memory a file's wall is worth nothing."""
    assert level_of(msgspec.structs.replace(standing(0, *missing))) == level
