"""Whatever arrives on the wire: a valid results.json, no more points than by hand, bounded memory, and an end."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from frame_trial import ENDINGS, FrameTrial, most
from hypothesis import given, settings
from hypothesis import strategies as st
from known_behaviours import BEHAVIOURS, Behaviour, frame_of, observation
from mutated_frames import KINDS, join_frame, right_frame

from autograder import comparison
from autograder.comparison import compare
from autograder.observation import MAX_HEADER, MAX_NOTES, FrameError, decode_frame, encode_frame

MEGABYTE = 2**20
# What the trusted side may allocate for a reply: so many bytes per byte of it, and some at any rate. A header of
# one-letter texts takes 18 bytes per byte when msgspec has decoded it.
BYTES_PER_BYTE = 20
AT_ANY_RATE = 2 * MEGABYTE
NO_ARRAYS = struct.pack("<Q", 2) + b"{}"

from_seed = st.randoms(use_true_random=False)


# --- the properties -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_costs_no_result_and_earns_what_it_shows(frame_trial: FrameTrial, kind: str) -> None:
    @settings(settings.get_profile("fuzz"), max_examples=40)
    @given(from_seed)
    def whatever_arrives(rng: Random) -> None:
        grader, frame = frame_trial.draw(kind, rng)
        assert frame_trial.complaints(grader, frame) == []

    whatever_arrives()


def test_a_child_that_writes_frames_by_hand(frame_trial: FrameTrial) -> None:
    """The same frames from a real child, by the number of the descriptor, followed by one end or another."""
    rng = Random("by hand")
    for number in range(24):
        grader, frame = frame_trial.draw(list(KINDS)[number % len(KINDS)], rng)
        ending = ENDINGS[number // len(KINDS) % len(ENDINGS)]
        assert frame_trial.complaints_of_child(grader, frame, ending) == [], (number, ending)


def test_a_child_that_writes_the_right_frame_by_hand_is_believed(frame_trial: FrameTrial) -> None:
    """The negative control: what the children above write does arrive."""
    for grader in frame_trial.graders:
        assert frame_trial.complaints_of_child(grader, right_frame(grader)) == []
        assert frame_trial.score(grader) == grader.weight


@pytest.mark.parametrize("known", BEHAVIOURS.values(), ids=list(BEHAVIOURS))
def test_the_credit_of_a_known_behaviour_is_the_same_by_hand(frame_trial: FrameTrial, known: Behaviour) -> None:
    for grader in frame_trial.graders:
        frame = frame_of(known, grader)
        expected = known.variant.credit if known.variant.kind == "misconception" else 1.0
        assert frame_trial.complaints(grader, frame) == []
        assert (frame_trial.credit(grader, frame), most(grader, frame)) == (expected, expected)


@pytest.mark.parametrize("generous", ["is_close", "same_failure"])
def test_a_judge_that_is_too_generous_is_found_out(
    frame_trial: FrameTrial, monkeypatch: pytest.MonkeyPatch, generous: str
) -> None:
    """The negative control: points that nobody would give by hand are seen."""
    monkeypatch.setattr(comparison, generous, lambda *_: True)
    rng = Random("generous")
    kinds = {"is_close": "other values", "same_failure": "JSON header"}
    found = (frame_trial.complaints(*frame_trial.draw(kinds[generous], rng)) for _ in range(150))
    assert any("by hand" in text for wrong in found for text in wrong)


@settings(settings.get_profile("fuzz"), max_examples=100)
@given(from_seed)
def test_full_marks_are_for_a_frame_without_a_difference(rng: Random) -> None:
    """What `compare` calls the same survives being written and read once more."""
    reference = BEHAVIOURS["reference"]
    recorded = observation(reference.values)
    seen = decode_frame(encode_frame(observation(reference.reply).header, observation(reference.reply).arrays))
    assert compare(recorded, seen) == ()
    name = rng.choice([entry.name for entry in recorded.entries if entry.kind not in comparison.NOT_COMPARED])
    without = {key: value for key, value in reference.reply.items() if key != name}
    assert [found.entry.name for found in compare(recorded, observation(without)) if found.entry] == [name]


# --- time and memory ------------------------------------------------------------------------------------------------


def traced(work: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy held at a time while `work` ran."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def decode(frame: bytes) -> None:
    with contextlib.suppress(FrameError):
        decode_frame(frame, max_header=MAX_HEADER)


@settings(settings.get_profile("fuzz"), max_examples=60)
@given(from_seed, st.sampled_from(list(KINDS)))
def test_a_frame_is_decoded_in_bounded_memory(frame_trial: FrameTrial, rng: Random, kind: str) -> None:
    _, frame = frame_trial.draw(kind, rng)
    assert traced(lambda: decode(frame)) <= BYTES_PER_BYTE * len(frame) + AT_ANY_RATE


def table_of(count: int) -> bytes:
    """A table of `count` arrays without elements."""
    row = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    text = json.dumps({str(number): row for number in range(count)}).encode()
    return struct.pack("<Q", len(text)) + text


HEADERS = {
    "notes": b'{"notes":[' + b'"",' * 300_000 + b'""]}',
    "frames": b'{"failure":{"kind":"raised","type":"E","message":"","frames":['
    + b'{"file":"","line":1,"function":""},' * 25_000
    + b'{"file":"","line":1,"function":""}]}}',
    "names": b'{"imported":[' + b'"a",' * 250_000 + b'"a"]}',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=list(HEADERS))
def test_a_header_of_many_small_things_is_decoded_in_bounded_memory(header: bytes) -> None:
    frame = join_frame(header, NO_ARRAYS)
    assert traced(lambda: decode(frame)) <= BYTES_PER_BYTE * len(frame) + AT_ANY_RATE


def test_a_table_of_arrays_is_bounded_as_the_header_is() -> None:
    """22 MB of table, which a reply has room for, took 9 s and 840 MB to be decoded."""
    frame = join_frame(b"{}", table_of(2000))
    decode_frame(frame, max_header=len(frame))
    with pytest.raises(FrameError, match="more than"):
        decode_frame(frame, max_header=1000)


def test_many_draws_are_compared_in_bounded_memory(frame_trial: FrameTrial) -> None:
    """A byte per draw is sent, and float64 is what draws are compared in."""
    grader = frame_trial.graders[0]
    values = {**BEHAVIOURS["reference"].reply, "draws": np.zeros((500_000, 2), np.uint8)}
    seen = observation(values, job=grader.id)
    frame = encode_frame(seen.header, seen.arrays)
    assert len(frame) < grader.limits.reply().reply
    assert traced(lambda: frame_trial.grade(grader, frame)) <= BYTES_PER_BYTE * len(frame) + AT_ANY_RATE


PICTURE_UNDER_A_LIMIT = """
import resource, sys
import numpy as np
from PIL import Image
from autograder.pictures import encode_png

pixels = np.zeros({shape}, np.uint8)
encode_png(np.zeros((300, 400), np.uint8))
mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (mapped + {room},) * 2)
encode_png(pixels)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a process is read from /proc")
@pytest.mark.parametrize("shape", [(1, 32_000_000), (32_000_000, 1), (1, 10_000_000, 3)])
def test_a_long_thin_picture_is_encoded_in_bounded_memory(shape: tuple[int, ...]) -> None:
    """The whole of a reply as one row of pixels, in twice as much memory again and 64 MB."""
    code = PICTURE_UNDER_A_LIMIT.format(shape=shape, room=2 * int(np.prod(shape)) + 64 * MEGABYTE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_more_notes_are_taken_than_a_grader_may_leave() -> None:
    """They are for staff: 4 MB of empty notes took 2 s to be cleaned."""

    def with_notes(count: int) -> bytes:
        return join_frame(json.dumps({"notes": [""] * count}).encode(), NO_ARRAYS)

    assert len(decode_frame(with_notes(MAX_NOTES), max_header=MAX_HEADER).header.notes) == MAX_NOTES
    with pytest.raises(FrameError, match="notes"):
        decode_frame(with_notes(MAX_NOTES + 1), max_header=MAX_HEADER)
