"""A frame is data: whatever bytes arrive, there is an observation or a FrameError, and never anything else."""

from __future__ import annotations

import json
import struct
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.observation import (
    MAGIC,
    MAX_ENTRIES,
    MAX_TEXT,
    Entry,
    Failure,
    Frame,
    FrameError,
    Header,
    Observation,
    canonical_json,
    clean,
    decode_frame,
    encode_frame,
)

HEADER = Header(
    job="test_gan.test_logits",
    entries=(
        Entry(name="logits", kind="close", array="0", dtype="float32", rtol=1e-4, atol=1e-5),
        Entry(name="layers", kind="exact", text='["Conv2d"]'),
        Entry(name="loss", kind="close", opaque="NoneType"),
    ),
    failure=Failure("raised", "ValueError", "no", (Frame("hw.py", 3, "f", "raise ValueError"),), "observe(x)"),
    asked={"hw": ("f",)},
    notes=("a note",),
    seconds=0.25,
)
ARRAYS = {"0": np.arange(6, dtype=np.float32).reshape(2, 3)}
FRAME = encode_frame(HEADER, ARRAYS)


def raw_frame(header: object, body: bytes | None = None) -> bytes:
    """A frame with any JSON for a header and any bytes for arrays."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return MAGIC + len(head).to_bytes(4, "big") + head + (safetensors.numpy.save({}) if body is None else body)


def raw_arrays(table: object, data: bytes = b"") -> bytes:
    """The bytes of a safetensors file with any table of contents."""
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + data


def decodes(data: bytes) -> bool:
    """Whether the bytes are a frame; anything but a FrameError passes through."""
    try:
        observation = decode_frame(data)
    except FrameError:
        return False
    for entry in observation.entries:
        if entry.array:
            assert observation.value(entry).dtype.kind in "fiub"
    return True


# --- what goes in comes out -----------------------------------------------------------------------------------------


def test_a_frame_comes_back_as_it_was() -> None:
    observation = decode_frame(FRAME)
    assert observation.header == HEADER
    assert observation.failure == HEADER.failure
    assert observation.arrays.keys() == ARRAYS.keys()
    assert np.array_equal(observation.value(observation.entries[0]), ARRAYS["0"])
    assert observation.entry("layers") == HEADER.entries[1]
    assert observation.entry("nothing") is None


def test_an_empty_frame_comes_back() -> None:
    observation = decode_frame(encode_frame(Header(), {}))
    assert observation.entries == ()
    assert observation.arrays == {}


@given(
    hnp.arrays(
        st.sampled_from(
            [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int32, np.int64, np.uint64, np.bool_]
        ),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_every_array_comes_back_bit_for_bit(array: np.ndarray[Any, Any]) -> None:
    back = decode_frame(encode_frame(Header(), {"a": array})).arrays["a"]
    assert back.shape == array.shape  # a 0-d array stays 0-d
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.arange(12)[::-2],
        np.arange(6, dtype=">f4"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.broadcast_to(np.float32(2), (2, 3)),
    ],
    ids=["transposed", "reversed", "big-endian", "fortran", "broadcast"],
)
def test_the_layout_in_memory_does_not_matter(array: np.ndarray[Any, Any]) -> None:
    assert np.array_equal(decode_frame(encode_frame(Header(), {"a": array})).arrays["a"], array)


# --- what cannot be trusted -----------------------------------------------------------------------------------------


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(data: bytes) -> None:
    assert not decodes(data)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_random_headers_and_arrays_are_refused(head: bytes, body: bytes) -> None:
    assert not decodes(raw_frame(head, body))


def test_every_truncation_is_refused() -> None:
    assert not any(decodes(FRAME[:length]) for length in range(len(FRAME)))


def test_bytes_after_the_end_are_refused() -> None:
    assert not decodes(FRAME + b"\0")


@settings(max_examples=400)
@given(st.data())
def test_a_mutated_frame_is_refused_or_well_formed(data: st.DataObject) -> None:
    frame = bytearray(FRAME)
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    decodes(bytes(frame))


@settings(max_examples=200)
@given(st.data())
def test_a_frame_with_a_piece_cut_out_or_doubled_is_refused_or_well_formed(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FRAME)))
    end = data.draw(st.integers(start, len(FRAME)))
    decodes(FRAME[:start] + FRAME[end:])
    decodes(FRAME[:end] + FRAME[start:])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Header.__struct_fields__, JSON_VALUES)))
def test_a_header_of_other_types_is_refused_or_well_formed(header: dict[str, Any]) -> None:
    decodes(raw_frame(header))


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.text(max_size=3),
        st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(
                    ["F32", "F64", "BF16", "F16", "F8_E4M3", "F8_E5M2", "I64", "BOOL", "U16", "C64"]
                ),
                "shape": st.lists(st.integers(-1, 2**64), max_size=4),
                "data_offsets": st.lists(st.integers(-1, 2**64), min_size=2, max_size=2),
            }
        ),
        max_size=3,
    ),
    st.binary(max_size=64),
)
def test_a_table_of_arrays_that_lies_is_refused_or_well_formed(table: dict[str, Any], data: bytes) -> None:
    decodes(raw_frame({}, raw_arrays(table, data)))


HUGE = 2**40


@pytest.mark.parametrize(
    "body",
    [
        raw_arrays({"a": {"dtype": "F32", "shape": [HUGE], "data_offsets": [0, 4 * HUGE]}}),
        raw_arrays({"a": {"dtype": "F32", "shape": [HUGE], "data_offsets": [0, 4]}}, b"1234"),
        raw_arrays({"a": {"dtype": "F32", "shape": [2**62, 2**62, 4], "data_offsets": [0, 0]}}),
        struct.pack("<Q", 2**62),
        struct.pack("<Q", 2**30) + b"{}",
    ],
)
def test_a_claimed_size_allocates_nothing(body: bytes) -> None:
    tracemalloc.start()
    try:
        assert not decodes(raw_frame({}, body))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_an_array_without_elements_may_have_any_shape() -> None:
    """It allocates nothing, and no recorded array is like it."""
    body = raw_arrays({"a": {"dtype": "F32", "shape": [0, 2**40], "data_offsets": [0, 0]}})
    assert decode_frame(raw_frame({}, body)).arrays["a"].size == 0


def entry(**fields: object) -> dict[str, object]:
    return {"name": "x", "kind": "close", **fields}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"entries": [entry(text="1"), entry(text="2")]}, "two entries have one name"),
        ({"entries": [entry(array="7")]}, "points to an array that is not there"),
        ({"entries": [entry()]}, "exactly one value"),
        ({"entries": [entry(text="1", opaque="int")]}, "exactly one value"),
        ({"entries": [entry(text="1", array="0")]}, "exactly one value"),
        ({"entries": [entry(text="x" * (MAX_TEXT + 1))]}, f"more than {MAX_TEXT} characters"),
        (
            {"entries": [{**entry(text="1"), "name": str(i)} for i in range(MAX_ENTRIES + 1)]},
            f"more than {MAX_ENTRIES}",
        ),
        ({"entries": [entry(text="1", verdict="passed")]}, "cannot be decoded"),
        ({"entries": [entry(text="1", kind="passes")]}, "cannot be decoded"),
        ({"score": 100}, "cannot be decoded"),
        ({"seconds": "fast"}, "cannot be decoded"),
        ({"failure": {"kind": "student", "type": "E", "message": ""}}, "cannot be decoded"),
        (b'{"seconds": NaN}', "cannot be decoded"),
        (b'{"job": "\xff"}', "cannot be decoded"),
        (b"[" * 100_000, "cannot be decoded"),
        (b'{"asked":' * 50_000, "cannot be decoded"),
    ],
)
def test_a_header_is_refused_with_the_reason(header: object, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        decode_frame(raw_frame(header))


def test_the_entries_that_are_allowed_are_taken() -> None:
    """The negative control of the refusals above."""
    entries = [{**entry(text="1"), "name": str(i)} for i in range(MAX_ENTRIES)]
    assert decodes(raw_frame({"entries": entries}))
    assert decodes(raw_frame({"entries": [entry(text="x" * MAX_TEXT)]}))


@pytest.mark.parametrize("dtype", ["C64", "BF16", "F8_E4M3"])
def test_an_array_of_another_kind_is_refused(dtype: str) -> None:
    size = {"C64": 8, "BF16": 2, "F8_E4M3": 1}[dtype]
    body = raw_arrays({"a": {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}}, b"\0" * size)
    with pytest.raises(FrameError):
        decode_frame(raw_frame({}, body))


def test_no_bytes_are_no_frame() -> None:
    with pytest.raises(FrameError, match="no frame"):
        decode_frame(b"")
    with pytest.raises(FrameError, match="does not begin"):
        decode_frame(b"\x80\x04pickle")


# --- exact values ---------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(categories=None), max_size=10)  # lone surrogates among it
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


@given(TREES)
def test_canonical_json_is_json_that_a_frame_holds(tree: object) -> None:
    text = canonical_json(tree)
    json.loads(text)
    header = Header(entries=(Entry(name="x", kind="exact", text=text),))
    assert decode_frame(encode_frame(header, {})).entries[0].text == text


@given(st.dictionaries(st.text(), st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(tree: dict[str, int]) -> None:
    assert canonical_json(tree) == canonical_json(dict(reversed(tree.items())))


@pytest.mark.parametrize(
    ("first", "second"),
    [((1, 2), [1, 2]), (np.int64(3), 3), (np.float64(0.5), 0.5), (np.bool_(True), True), ({1: 2}, {"1": 2})],
)
def test_equal_trees_have_equal_text(first: object, second: object) -> None:
    assert canonical_json(first) == canonical_json(second)


@pytest.mark.parametrize(("first", "second"), [(1, True), (1, 1.0), (1, "1"), (None, "null"), ([], {}), ([1], 1)])
def test_other_trees_have_other_text(first: object, second: object) -> None:
    assert canonical_json(first) != canonical_json(second)


def test_a_torch_size_is_its_numbers() -> None:
    import torch

    assert canonical_json(torch.zeros(2, 3).shape) == "[2, 3]"


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", np.zeros(3), 1 + 2j, [object()]])
def test_anything_else_cannot_be_exact(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be compared exactly"):
        canonical_json(value)


def test_floats_that_are_not_finite_are_text() -> None:
    assert canonical_json([float("nan"), float("inf"), -float("inf")]) == '["nan", "inf", "-inf"]'


@given(ANY_TEXT)
def test_clean_text_can_be_encoded(text: str) -> None:
    clean(text).encode()
    assert len(clean(text)) == len(text)


def test_clean_leaves_other_text_alone() -> None:
    assert clean("σ² · \U0001f600 \x00") == "σ² · \U0001f600 \x00"
    assert clean("a\ud800b") == "a?b"


def test_observations_are_what_the_header_says() -> None:
    observation = Observation(HEADER, ARRAYS)
    assert observation.entries is HEADER.entries
    assert msgspec.json.decode(msgspec.json.encode(observation.header), type=Header) == HEADER
