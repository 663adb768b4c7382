"""A homework made for frames: one grader with every kind of entry, and what each behaviour shows of it.

`BEHAVIOURS` is the plain truth in NumPy arrays and texts. `write_homework` records it as the product does;
`by_hand.credit_of_frame` judges by it without the product.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from made_up import a_grader

from autograder.homework import SourceFile
from autograder.limits import GraderLimits, Limits
from autograder.manifest import (
    FORMAT,
    Grader,
    GraderExpectations,
    Manifest,
    Versions,
    write_expectations,
)
from autograder.observation import Array, Entry, Failure, Frame, Header, Observation, encode_frame
from autograder.sandbox.protocol import Source
from autograder.variants import Variant

MODULE = "hw"
SEEDS = 20
GRADER = """def test_reply(hw, observe):
    hw.reply()
"""
REPLY_MB = 1


@dataclass(frozen=True)
class Spec:
    """An entry as the homework declares it."""

    kind: Any
    rtol: float = 0.0
    atol: float = 0.0
    side: Any = "both"


SPECS = {
    "logits": Spec("close", 1e-4, 1e-5),
    "loss": Spec("close", 1e-4, 1e-5),
    "counts": Spec("close", 0.0, 0.0),
    "mask": Spec("close", 1e-4, 1e-5),
    "edges": Spec("close", 1e-4, 1e-5),
    "layers": Spec("exact"),
    "settings": Spec("exact"),
    "order": Spec("exact"),
    "nothing": Spec("close"),
    "draws": Spec("samples"),
    "spread": Spec("band"),
    "accuracy": Spec("band", side="at_least"),
    "the batch": Spec("picture"),
    "accuracy_found": Spec("leaderboard"),
}
NOT_COMPARED = ("picture", "leaderboard")


@dataclass(frozen=True)
class Opaque:
    """A value that is shown by its type alone."""

    type: str


Value = Array | str | Opaque


@dataclass(frozen=True)
class Behaviour:
    """What one variant shows.

    Attributes:
        values: by entry; of a band one row per seed, of which a reply has one.
    """

    variant: Variant
    values: Mapping[str, Value]
    failure: Failure | None = None
    reply: Mapping[str, Value] = field(default_factory=dict)


def _reference() -> dict[str, Value]:
    draw = np.random.Generator(np.random.PCG64(20))
    return {
        "logits": draw.normal(size=(2, 3)).astype(np.float32),
        "loss": np.float32(0.6931) * np.ones((), np.float32),
        "counts": np.array([3, 0, 7, 2], np.int64),
        "mask": np.array([True, False, True]),
        "edges": np.array([np.nan, np.inf, -np.inf, 0.0, 1e-7]),
        "layers": json.dumps([{"layer": "Conv2d", "padding": [1, 1]}, "ReLU", "MaxPool2d", "ReLU", "Linear"]),
        "settings": json.dumps({"bias": True, "dim": 2, "name": "σ"}, ensure_ascii=False),
        "order": np.array([4, 2, 0, 1, 3], np.int32),
        "nothing": Opaque("NoneType"),
        "draws": draw.normal(size=(500, 2)).astype(np.float32),
        "spread": draw.normal(2.0, 0.1, size=(SEEDS,)),
        "accuracy": draw.normal(0.8, 0.02, size=(SEEDS, 2)),
        "the batch": draw.integers(0, 256, size=(28, 28), dtype=np.uint8),
        "accuracy_found": np.float64(0.8) * np.ones(()),
    }


def _behaviours() -> dict[str, Behaviour]:
    right = _reference()
    logits, draws = right["logits"], right["draws"]
    assert isinstance(logits, np.ndarray)
    assert isinstance(draws, np.ndarray)
    raised = Failure(
        "raised", "ValueError", "no 3 of 'x'", (Frame("hw.py", 3, "reply", "raise ValueError"),), "hw.reply()"
    )
    changes: list[tuple[Variant, dict[str, Value], Failure | None]] = [
        (Variant("reference", "reference"), {}, None),
        (Variant("twice the logits", "reading", ("1",), "The handout does not say."), {"logits": 2 * logits}, None),
        (Variant("the opposite sign", "misconception", ("1",), "Mind the sign.", 0.5), {"logits": -logits}, None),
        (Variant("too wide", "misconception", ("1",), "Take the root.", 0.25), {"draws": 3 * draws}, None),
        (Variant("other layers", "misconception", ("1",), "Read table 1.", 0.0), {"layers": '["Linear"]'}, None),
        (Variant("it raises", "misconception", ("1",), "Do not raise.", 0.1), {}, raised),
    ]
    behaviours = {}
    for variant, changed, failure in changes:
        values = {} if failure else {**right, **changed}
        reply = {
            name: value[0] if SPECS[name].kind == "band" and isinstance(value, np.ndarray) else value
            for name, value in values.items()
        }
        behaviours[variant.name] = Behaviour(variant, values, failure, reply)
    return behaviours


BEHAVIOURS = _behaviours()
REFERENCE = BEHAVIOURS["reference"]


def observation(values: Mapping[str, Value], failure: Failure | None = None, job: str = "") -> Observation:
    """The values as a grader would have observed them."""
    entries: list[Entry] = []
    arrays: dict[str, Array] = {}
    for name, value in values.items():
        spec = SPECS[name]
        how: dict[str, Any] = {"rtol": spec.rtol, "atol": spec.atol, "side": spec.side}
        if isinstance(value, Opaque):
            how["opaque"] = value.type
        elif isinstance(value, str):
            how["text"] = value
        else:
            key = str(len(arrays))
            arrays[key] = np.asarray(value)
            how |= {"array": key, "dtype": arrays[key].dtype.name}
        entries.append(Entry(name=name, kind=spec.kind, **how))
    return Observation(Header(job=job, entries=tuple(entries), failure=failure, torch="2.0"), arrays)


def frame_of(behaviour: Behaviour, grader: Grader) -> bytes:
    """The frame that a child writes which shows this behaviour."""
    seen = observation(behaviour.reply, behaviour.failure, job=grader.id)
    return encode_frame(seen.header, seen.arrays)


def write_homework(folder: Path, torch: str) -> Manifest:
    """Record the behaviours below `folder` for three graders: visible, hidden, and one that hides its errors.

    Args:
        folder: is made if need be.
        torch: the version to record with; wherever a frame is wrong, another one would be looked into.
    """
    limits = GraderLimits(seconds=5.0, memory_mb=512, reply_mb=REPLY_MB, output_kb=4)
    common: dict[str, Any] = {
        "function": "test_reply",
        "source": Source("test_reply.py", GRADER),
        "arguments": (MODULE, "observe"),
        "modules": (MODULE,),
        "limits": limits,
    }
    graders = (
        a_grader("1.a", id="test_reply.visible", **common),
        a_grader("1.b", id="test_reply.hidden", hidden=True, **common),
        a_grader("1.c", id="test_reply.silent", hide_errors="Look again.", **common),
    )
    manifest = Manifest(
        format=FORMAT,
        homework="frames",
        title="Frames",
        points=sum(grader.weight for grader in graders),
        template_floor=0.0,
        parts={"1": "Frames"},
        files=(SourceFile(MODULE, f"{MODULE}.py", ("reply",)),),
        given={},
        limits=Limits(),
        graders=graders,
        variants=tuple(behaviour.variant for behaviour in BEHAVIOURS.values()),
        student_seed=1,
        versions=Versions(harness="0", python="3", torch=torch, numpy="2"),
    )
    recorded = {name: observation(known.values, known.failure) for name, known in BEHAVIOURS.items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_expectations(folder, manifest, {grader.id: GraderExpectations(recorded) for grader in graders})
    return manifest
