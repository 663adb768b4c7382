"""The points that a frame earns by hand: its bytes are taken apart and compared anew, without the product's code.

Where the product's own bounds are statistical, these are looser: what comes out is the most that a fair person
would give.
"""

from __future__ import annotations

import json
import math
import re
import struct
from typing import Any

import numpy as np
from known_behaviours import BEHAVIOURS, NOT_COMPARED, REFERENCE, SPECS, Behaviour, Opaque, Value
from scipy import stats

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?"}
DTYPES |= {"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1"}
DTYPES |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1"}
SLACK = 1e-9
LEAST_P_VALUE = 1e-9  # the product's threshold is 1e-6 per entry


class Shown:
    """A frame's header, its arrays by key and its entries by name."""

    def __init__(self, data: bytes) -> None:
        length = int.from_bytes(data[4:8], "big")
        self.header: dict[str, Any] = json.loads(data[8 : 8 + length])
        body = data[8 + length :]
        (table_length,) = struct.unpack("<Q", body[:8])
        table = json.loads(body[8 : 8 + table_length])
        raw = body[8 + table_length :]
        self.arrays: dict[str, Any] = {}
        for key, row in table.items():
            if key != "__metadata__":
                begin, end = row["data_offsets"]
                self.arrays[key] = np.frombuffer(raw[begin:end], DTYPES[row["dtype"]]).reshape(row["shape"])
        self.entries = {entry["name"]: entry for entry in self.header.get("entries", [])}


def credit_of_frame(data: bytes, job: str) -> float:
    """The largest share of the points that anyone could give for this frame; none where it is not as it should be."""
    try:
        return _credit(Shown(data), job) if data.startswith(b"OBS1") else 0.0
    except (ValueError, KeyError, TypeError, struct.error, AttributeError, RecursionError):
        return 0.0


def _credit(shown: Shown, job: str) -> float:
    if shown.header.get("job") != job:
        return 0.0
    credits = [
        known.variant.credit if known.variant.kind == "misconception" else 1.0
        for known in BEHAVIOURS.values()
        if _shows(shown, known)
    ]
    return max(credits, default=0.0)


def _shows(shown: Shown, known: Behaviour) -> bool:
    failure: Any = shown.header.get("failure")
    if (failure is None) != (known.failure is None):
        return False
    if known.failure is not None:
        same_kind = failure["kind"] == known.failure.kind and failure["type"] == known.failure.type
        return bool(same_kind and _letters(failure["message"]) == _letters(known.failure.message))
    return all(
        name in shown.entries and _agrees(shown, shown.entries[name], name, value)
        for name, value in known.values.items()
        if SPECS[name].kind not in NOT_COMPARED
    )


def _letters(message: str) -> str:
    return re.sub(r"'[^']*'|[^a-z ]", "", message).strip()


def _agrees(shown: Shown, entry: dict[str, Any], name: str, wanted: Value) -> bool:
    spec = SPECS[name]
    if isinstance(wanted, Opaque):
        return bool(entry.get("opaque") == wanted.type)
    if isinstance(wanted, str):
        return bool(entry.get("text")) and json.loads(entry["text"]) == json.loads(wanted)
    if not entry.get("array"):
        return False
    got = shown.arrays[entry["array"]]
    if spec.kind == "samples":
        return _same_distribution(wanted, got)
    if spec.kind == "band":
        return _within_band(name, wanted, got, spec.side)
    if wanted.shape != got.shape or _sort(wanted) != _sort(got):
        return False
    pairs = zip(wanted.reshape(-1).tolist(), got.reshape(-1).tolist(), strict=True)
    return all(_near(first, second, spec.rtol, spec.atol) for first, second in pairs)


def _sort(array: Any) -> str:
    return "whole" if array.dtype.kind in "iu" else str(array.dtype.kind)


def _near(wanted: float, got: float, rtol: float, atol: float) -> bool:
    if math.isnan(wanted) or math.isnan(got):
        return math.isnan(wanted) and math.isnan(got)
    if math.isinf(wanted) or math.isinf(got):
        return wanted == got
    return abs(got - wanted) <= (atol + rtol * abs(wanted)) * (1 + 1e-6) + SLACK


def _same_distribution(wanted: Any, got: Any) -> bool:
    if got.ndim != wanted.ndim or got.shape[1:] != wanted.shape[1:] or 2 * len(got) < len(wanted):
        return False
    if not np.isfinite(got).all():
        return False
    columns = zip(wanted.T.astype(np.float64), got.T.astype(np.float64), strict=True)
    return all(stats.ks_2samp(first, second, method="asymp").pvalue >= LEAST_P_VALUE for first, second in columns)


def _within_band(name: str, wanted: Any, got: Any, side: str) -> bool:
    spread = REFERENCE.values[name]
    assert isinstance(spread, np.ndarray)
    if got.shape != wanted.shape[1:] or not np.isfinite(got).all():
        return False
    count = len(spread)
    half = stats.t.ppf(1 - 1e-7 / 2, count - 1) * spread.std(axis=0, ddof=1) * math.sqrt(1 + 1 / count)
    middle = wanted.mean(axis=0)
    low_enough = side == "at_least" or bool((got <= middle + half).all())
    return low_enough and bool((got >= middle - half).all())
