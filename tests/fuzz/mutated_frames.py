"""Wire frames as a hostile child might write them. Every choice is drawn from the `random.Random` that is given."""

from __future__ import annotations

import copy
import json
import math
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import safetensors.numpy
from known_behaviours import BEHAVIOURS, SPECS, Behaviour, Opaque, Value, frame_of, observation

from autograder.manifest import Grader
from autograder.observation import MAGIC, encode_frame

Make = Callable[[Random, Grader], bytes]
LARGE = 40_000
# Pieces of JSON that stand where another value stood; the last ones are no JSON, or none that Python would write.
ODD_JSON = (
    *(
        "null",
        "true",
        "0",
        "-1",
        "1",
        "2",
        "0.5",
        '""',
        '"x"',
        "[]",
        "{}",
        "[[]]",
        '{"a": 1}',
        '"NoneType"',
        '"passed"',
    ),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775809", "9" * 400, "9" * 5000),
    *("1e308", "1e999", "-0.0", "1e-400", "NaN", "Infinity", "-Infinity"),
    *('"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\u202e<script>"', '"\x00"', '"\\"', '"\xff"', "'x'", "[1,]", ""),
    *("[" * 900 + "]" * 900, "[" * 5000, '{"a":' * 900 + "1" + "}" * 900, '"' + "é" * LARGE + '"'),
    *('"' + "'" * LARGE + '"', '"' + "0x" * LARGE + '"', '"' + "\\n" * LARGE + '"', "[" + "0," * LARGE + "0]"),
    *('"expected scalar type ' + "double " * LARGE + '"', '"`<b>`\\u001b[31m\\u001b]8;;http://x.y\\u0007"'),
)
ODD_KEYS = ("score", "verdict", "array", "text", "opaque", "rtol", "name", "failure", "", "__proto__", "x" * 1000)
DTYPES = ("F64", "F32", "F16", "BF16", "I64", "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "C64", "F4", "", "f32")
SIZES = (0, 1, 2, 3, 5, 6, 64, 2**31, 2**32, 2**53, 2**62, 2**63, 2**64 - 1, 2**64, -1)


def random_bytes(rng: Random, grader: Grader) -> bytes:
    """Bytes of any kind, some with the beginning of a frame."""
    tail = rng.randbytes(rng.randrange(0, 300))
    start = rng.choice([b"", MAGIC, MAGIC + struct.pack(">I", rng.choice([0, 2, len(tail), 2**31])), MAGIC[::-1]])
    return start + rng.choice([b"", b"{}", b'{"entries":[]}']) + tail


def mutated_bytes(rng: Random, grader: Grader) -> bytes:
    """A good frame with some of its bytes changed, lost, doubled, or followed by others."""
    frame = bytearray(some_frame(rng, grader))
    for _ in range(rng.randrange(1, 4)):
        start = rng.randrange(len(frame) + 1)
        end = min(len(frame), start + rng.choice([1, 1, 2, 8, 100, 10_000]))
        step = rng.randrange(9)
        if step == 0 and start < len(frame):
            frame[start] ^= 1 << rng.randrange(8)
        elif step == 1:
            frame[start:end] = rng.randbytes(end - start)
        elif step == 2:
            del frame[start:end]
        elif step == 3:
            frame[start:start] = frame[start:end]
        elif step == 4:
            del frame[start:]
        elif step == 5:
            frame += some_frame(rng, grader) if rng.random() < 0.8 else bytes(frame)
        elif step == 6:
            frame[4:8] = struct.pack(">I", rng.choice([0, 1, len(frame), 2**32 - 1, rng.randrange(2**16)]))
        elif step == 7:
            table = 8 + int.from_bytes(frame[4:8], "big")
            frame[table : table + 8] = struct.pack("<Q", rng.choice([0, 1, len(frame), 2**63, rng.randrange(2**16)]))
        else:
            frame += rng.choice([b"\0", b"\n", b"+", MAGIC, bytes(1000)])
        if not frame:
            return b""
    return bytes(frame)


def mutated_header(rng: Random, grader: Grader) -> bytes:
    """A good frame whose JSON part was changed as a tree, or has pieces in it that are odd."""
    head, body = split_frame(some_frame(rng, grader))
    tree = json.loads(head)
    raw: dict[str, str] = {}
    for _ in range(rng.randrange(1, 4)):
        _change_tree(rng, tree, raw)
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.5)
    for mark, piece in raw.items():
        text = text.replace(json.dumps(mark), piece)
    return join_frame(text.encode("utf-8", "surrogatepass"), body)


def mutated_table(rng: Random, grader: Grader) -> bytes:
    """A good frame whose table of arrays lies."""
    head, body = split_frame(some_frame(rng, grader))
    (length,) = struct.unpack("<Q", body[:8])
    table, data = json.loads(body[8 : 8 + length]), body[8 + length :]
    for _ in range(rng.randrange(1, 4)):
        _change_table(rng, table)
    if rng.random() < 0.3:
        data = rng.choice([b"", data + bytes(8), data[:-1], data * 2])
    text = json.dumps(table, allow_nan=True).encode()
    size = len(text) if rng.random() < 0.9 else rng.choice([0, len(text) + 1, 2**40])
    return join_frame(head, struct.pack("<Q", size) + text + data)


def mutated_values(rng: Random, grader: Grader) -> bytes:
    """A well-formed frame that shows something else: near to the right values, or far from them."""
    known = rng.choice(list(BEHAVIOURS.values()))
    values = dict(known.reply) or dict(BEHAVIOURS["reference"].reply)
    for _ in range(rng.randrange(1, 3)):
        name = rng.choice(list(values))
        values[name] = _another_value(rng, name, values[name])
    failure = known.failure if rng.random() < 0.8 else rng.choice(list(BEHAVIOURS.values())).failure
    if rng.random() < 0.2:
        del values[rng.choice(list(values))]
    seen = observation(values, failure, job=grader.id)
    return encode_frame(seen.header, seen.arrays)


def large_reply(rng: Random, grader: Grader) -> bytes:
    """A right frame, or an empty one, with as many things besides as fit into a reply, or a few more."""
    count = rng.choice([20, 150, 180, 201, 1000, 5000])
    head, body = split_frame(right_frame(grader))
    header: dict[str, Any] = json.loads(head) if rng.random() < 0.7 else {"job": grader.id, "entries": []}
    arrays: dict[str, Any] = dict(safetensors.numpy.load(body)) if header["entries"] else {}
    kind = rng.randrange(5)
    if kind == 0:
        arrays["more"] = np.full(rng.choice([(), (1, 1), (2,)]), rng.choice([1.0, math.nan, math.inf]))
        header["entries"] += [{"name": f"n{i}", "kind": "leaderboard", "array": "more"} for i in range(count)]
    elif kind == 1:
        names = [f"{i}p" * 50 for i in range(min(count, 180))]
        header["entries"] += [{"name": name, "kind": "picture", "array": "more"} for name in names]
        sides = rng.choice([(1, 200_000), (200_000, 1), (1, 1, 3), (400, 500), (0, 7), (300, 300, 3), (2, 2, 4)])
        arrays["more"] = np.frombuffer(rng.randbytes(math.prod(sides)), np.uint8).reshape(sides)
    elif kind == 2:
        header["notes"] = [rng.choice(["", "a note", "<b>" * 500])] * count
    elif kind == 3:
        shape = rng.choice([(), (0,), (3,)])
        arrays |= {f"a{i}": np.zeros(shape, np.float32) for i in range(count)}
    else:
        header["failure"] = {"kind": "raised", "type": "E" * count, "message": "m" * 20 * count}
        frame = {"file": "hw.py", "line": 2**60, "function": "<module>" if rng.random() < 0.5 else "f" * count}
        header["failure"]["frames"] = [{**frame, "code": "x" * 100}] * count
    return join_frame(json.dumps(header).encode(), safetensors.numpy.save(arrays))


KINDS: dict[str, Make] = {
    "random bytes": random_bytes,
    "bytes of a frame": mutated_bytes,
    "JSON header": mutated_header,
    "table of arrays": mutated_table,
    "other values": mutated_values,
    "large replies": large_reply,
}


def some_frame(rng: Random, grader: Grader) -> bytes:
    """A frame of a known behaviour, or of nothing."""
    known = rng.choice([*BEHAVIOURS.values(), None])
    if known is None:
        seen = observation({}, job=grader.id)
        return encode_frame(seen.header, seen.arrays)
    return frame_of(known, grader)


def right_frame(grader: Grader) -> bytes:
    """The frame that earns all points."""
    known: Behaviour = BEHAVIOURS["reference"]
    return frame_of(known, grader)


def split_frame(frame: bytes) -> tuple[bytes, bytes]:
    """(JSON, arrays) of a good frame."""
    end = 8 + int.from_bytes(frame[4:8], "big")
    return frame[8:end], frame[end:]


def join_frame(head: bytes, body: bytes) -> bytes:
    """A frame of any bytes."""
    return MAGIC + struct.pack(">I", len(head)) + head + body


def places_of(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree of JSON."""
    found: list[tuple[Any, Any]] = []
    left = [tree]
    while left:
        node = left.pop()
        keys: Any = node.keys() if isinstance(node, dict) else range(len(node))
        for key in list(keys):
            found.append((node, key))
            if isinstance(node[key], (dict, list)):
                left.append(node[key])
    return found


def _change_tree(rng: Random, tree: Any, raw: dict[str, str]) -> None:
    places = places_of(tree)
    if not places:
        return
    container, key = rng.choice(places)
    step = rng.randrange(8)
    entries = tree.get("entries") if isinstance(tree.get("entries"), list) else []
    if step <= 2:
        mark = f"@{len(raw)}@"
        raw[mark] = rng.choice(ODD_JSON)
        container[key] = mark
    elif step == 3:
        del container[key]
    elif step == 4 and isinstance(container, dict):
        container[rng.choice(ODD_KEYS)] = container[key]
    elif step == 5 and entries:
        entries.insert(rng.randrange(len(entries) + 1), copy.copy(rng.choice(entries)))
    elif step == 6 and len(entries) > 1:
        first, second = rng.sample(entries, 2)
        name = rng.choice(["name", "array", "kind", "text", "dtype", "rtol", "opaque"])
        if isinstance(first, dict) and isinstance(second, dict) and name in second:
            first[name] = second[name]
    elif entries and isinstance(found := rng.choice(entries), dict):
        found.update(rtol=rng.choice([1e308, -1.0, 1.0]), atol=1e308, side="at_most")


def _change_table(rng: Random, table: dict[str, Any]) -> None:
    key = rng.choice([*table, "new"])
    row = dict(table.get(key) or {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]})
    table[key] = row
    step = rng.randrange(8)
    if step == 0:
        row["dtype"] = rng.choice(DTYPES)
    elif step == 1:
        row["shape"] = [rng.choice(SIZES) for _ in range(rng.randrange(5))]
    elif step == 2:
        row["shape"] = rng.choice([[0] * 65, [1] * 33, [1] * 70, [], None, "3", [1.5], [[2]], {"0": 1}, [0, 2**40]])
    elif step == 3:
        row["data_offsets"] = rng.choice([[0, 0], [4, 0], [0, 2**63], [-4, 4], [0], [], None, [0, 4, 8], ["0", "4"]])
    elif step == 4:
        row["data_offsets"] = (table[rng.choice(list(table))] or row).get("data_offsets")
    elif step == 5:
        del table[key]
    elif step == 6:
        del row[rng.choice(list(row))]
    else:
        table[rng.choice(["__metadata__", "", "\ud800", "x" * 1000])] = rng.choice([{}, {"a": "b"}, {"a": 1}, row])


def _another_value(rng: Random, name: str, value: Value) -> Value:
    if rng.random() < 0.1:
        return rng.choice(list(BEHAVIOURS["reference"].reply.values()))
    if isinstance(value, Opaque):
        return Opaque(rng.choice(["NoneType", "Tensor", "", "float32 tensor"]) or "x")
    if isinstance(value, str):
        changes = [value.upper(), value + " ", "[]", "null", "{", "NaN", f"[{value}, {value}]", '"' + "x" * LARGE + '"']
        return rng.choice([*changes, value.replace("1", "2"), value.replace("ReLU", "Tanh"), "[" + "1," * LARGE + "1]"])
    array = np.array(value)
    tolerance = SPECS[name].rtol or 1e-4
    step = rng.randrange(12)
    with np.errstate(all="ignore"):
        if step <= 1:
            array = array * (1 + rng.choice([0.1, 0.9, 1.1, 2.0, 10.0, -1.0]) * tolerance)
        elif step == 2:
            array = array.astype(np.float64) + rng.choice([1e-6, -1e-6, 1, -1])
        elif step == 3:
            array = array.astype(np.float64) * rng.choice([0, -1, 2, 0.5, 1e30, -1e38])
        elif step == 4:
            array = array.astype(rng.choice(["f2", "f4", "f8", "i8", "u1", "u8", "?"]))
        elif step == 5:
            array = array.reshape(rng.choice([(-1,), (-1, 1), (1, *array.shape), (*array.shape, 1)]))
        elif step == 6:
            array = np.ascontiguousarray(array.T)
        elif step == 7 and array.size:
            array = array.astype(np.float64)
            array.reshape(-1)[rng.randrange(array.size)] = rng.choice([np.nan, np.inf, -np.inf, 1e308])
        elif step == 8 and array.ndim:
            array = np.concatenate([array] * rng.choice([2, 3, 5]))[rng.choice([0, 1, len(array) // 2]) :]
        elif step == 9 and array.ndim:
            array = array[: rng.randrange(len(array) + 1)]
        elif step == 10 and array.ndim:
            array = array[::-1]
        else:
            array = np.zeros(rng.choice([(), (0,), (1, 0), array.shape, (7, 7)]), array.dtype)
    return array
