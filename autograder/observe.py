"""The `observe` argument of a grader: it takes what the grader saw and makes data of it.

It runs where the student's code runs and judges nothing. It never raises for what a
student returned: None, a wrong type or NaN is an observation like any other.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograder.observation import (
    MAX_ENTRIES,
    MAX_NOTES,
    MAX_POINT,
    MAX_TEXT,
    Array,
    Entry,
    Kind,
    Side,
    canonical_json,
    clean,
)

MAX_ELEMENTS = 4_000_000


class Observer:
    """Collects a grader's observations; see docs/writing_graders.md for how to choose among them.

    Attributes:
        point: what is being asked of the submission just now, in words, where a probe asks at many points.
    """

    def __init__(self) -> None:
        self.point = ""
        self.entries: list[Entry] = []
        self.arrays: dict[str, Array] = {}
        self.notes: list[str] = []

    def __call__(self, *, rtol: float = 1e-4, atol: float = 1e-5, at: Sequence[str] = (), **values: object) -> None:
        """Observe numbers that must be close: |actual - expected| <= atol + rtol · |expected|.

        Shape and kind of dtype (float, integer, bool) must agree as well. NaN matches only NaN.

        Args:
            rtol: relative tolerance. The default leaves room for another CPU's order of
                summation in float32 (about 1e-6 relative) and for two correct formulas.
            atol: absolute tolerance, for values near zero.
            at: for values with one row per point at which something was asked, the points in
                words ("mu = 0.5, sigma = 2"): a message then names those where a row is wrong.
            values: tensors, arrays or numbers by name.
        """
        points = tuple(point[:MAX_POINT] for point in at)
        for name, value in values.items():
            self._add(name, "close", value, rtol=rtol, atol=atol, points=points)

    def exact(self, **values: object) -> None:
        """Observe values that must be equal: trees of text, integers, bools, None, or integer arrays."""
        for name, value in values.items():
            try:
                text = canonical_json(value)
            except Exception:  # it is no such tree, or a list that lies about its items
                self._add(name, "exact", value)
                continue
            if len(text) <= MAX_TEXT:
                self._append(Entry(name=name, kind="exact", text=text))
            else:
                self._append(Entry(name=name, kind="exact", opaque=f"{_type_name(value)}, {len(text)} characters"))

    def samples(self, **draws: object) -> None:
        """Observe independent draws, shape [n] or [n, ...], that must have the reference's distribution.

        Compared coordinate by coordinate with a two-sample Kolmogorov–Smirnov test; the chance
        that right draws fail is at most 1e-6 for the whole entry.
        """
        for name, value in draws.items():
            self._add(name, "samples", value)

    def band(self, *, side: Side = "both", **values: object) -> None:
        """Observe numbers that must lie where the reference's lie over many seeds of its own randomness.

        The band is a Student-t prediction interval with a false-alarm rate of 1e-6 per entry.

        Args:
            side: "at_least" forgives a number that is larger than the band, "at_most" a smaller one.
            values: numbers or short vectors by name.
        """
        for name, value in values.items():
            self._add(name, "band", value, side=side)

    def picture(self, title: str, image: object) -> None:
        """Attach a picture to the result; it is never compared.

        Args:
            title: its caption.
            image: [H, W] or [H, W, 3], float in [0, 1] or uint8, or a matplotlib figure.
        """
        pixels = _pixels(image)
        if pixels is not None:
            self._store(title, "picture", pixels, "uint8")

    def leaderboard(self, **values: object) -> None:
        """Observe numbers for Gradescope's leaderboard; they are never compared."""
        for name, value in values.items():
            self._add(name, "leaderboard", value)

    def unlike(self, name: str, what: str) -> None:
        """Observe that a value is nothing that could be compared: `what` says what it is."""
        self._append(Entry(name=name, kind="close", opaque=clean(what)[:MAX_POINT]))

    def note(self, text: str) -> None:
        """Leave a line for staff, once."""
        line = clean(str(text))[:1000]
        if len(self.notes) < MAX_NOTES and line not in self.notes:
            self.notes.append(line)

    @contextlib.contextmanager
    def asking(self, point: str) -> Iterator[None]:
        """What raises inside is told with `point`, such as "mu = 0.5, sigma = 2"."""
        self.point = clean(str(point))[:MAX_POINT]
        yield
        self.point = ""

    def _add(self, name: str, kind: Kind, value: object, **how: Any) -> None:
        array, dtype = as_array(value)
        if array is None:
            self._append(Entry(name=name, kind=kind, opaque=dtype, **how))
        else:
            self._store(name, kind, array, dtype, **how)

    def _store(self, name: str, kind: Kind, array: Array, dtype: str, **how: Any) -> None:
        key = str(len(self.arrays))
        self._append(Entry(name=name, kind=kind, array=key, dtype=dtype, **how))
        self.arrays[key] = array

    def _append(self, entry: Entry) -> None:
        if any(earlier.name == entry.name for earlier in self.entries):
            raise ValueError(f"this grader observes {entry.name!r} twice; give each observation a name of its own")
        if len(self.entries) == MAX_ENTRIES:
            raise ValueError(f"a grader observes at most {MAX_ENTRIES} things")
        self.entries.append(entry)


def as_array(value: object) -> tuple[Array | None, str]:
    """(array, dtype) of a tensor, array or number; (None, type name) of anything else.

    float16 and bfloat16 are stored as float32, long double as float64; `dtype` keeps the
    value's own. What says that it is a tensor and then cannot be read as one is anything else.
    """
    torch = sys.modules.get("torch")
    try:
        if torch is not None and isinstance(value, torch.Tensor):
            return _tensor_array(torch, value)
        if isinstance(value, (bool, int, float, np.generic, np.ndarray)):
            return _numpy_array(value)
    except Exception:
        return None, f"{_type_name(value)} that cannot be read"
    return None, _type_name(value)


def _tensor_array(torch: Any, value: Any) -> tuple[Array | None, str]:
    dtype = str(value.dtype).removeprefix("torch.")
    layout = "nested" if value.is_nested else str(value.layout).removeprefix("torch.")
    if layout != "strided" or value.device.type == "meta":
        return None, f"{layout} {dtype} tensor on {value.device.type}"
    if value.is_complex() or value.is_quantized or dtype.startswith("float8"):
        return None, f"{dtype} tensor"
    if value.numel() > MAX_ELEMENTS:
        return None, f"tensor of {value.numel()} elements"
    plain = value.detach().as_subclass(torch.Tensor).cpu().resolve_neg()
    if dtype in ("float16", "bfloat16"):
        plain = plain.float()
    array: Array = np.array(plain.numpy())
    return array, dtype


def _numpy_array(value: bool | float | np.generic | Array) -> tuple[Array | None, str]:
    array = np.array(value)
    if array.dtype.kind not in "fiub":
        return None, f"array of {array.dtype}" if isinstance(value, np.ndarray) else _type_name(value)
    if array.size > MAX_ELEMENTS:
        return None, f"array of {array.size} elements"
    return array.astype(np.float64) if array.dtype.itemsize > 8 else array, array.dtype.name


def _type_name(value: object) -> str:
    name = type(value).__name__
    try:
        if isinstance(value, (tuple, list)):
            inside = ", ".join(type(item).__name__ for item in value[:4])
            name = f"{name} of {len(value)} ({inside}{', …' if len(value) > 4 else ''})"
    except Exception:  # a list that lies about its items
        return name
    return name


def _pixels(image: object) -> Array | None:
    canvas = getattr(image, "canvas", None)
    if canvas is not None and hasattr(image, "savefig"):
        try:
            return _drawn(image, canvas)
        except Exception:  # a figure that cannot be drawn is no picture, and fails no grader
            return None
    array, _ = as_array(image)
    if array is None or array.size == 0:
        return None
    if array.dtype != np.uint8:
        array = (np.clip(np.nan_to_num(array.astype(np.float64)), 0.0, 1.0) * 255).round().astype(np.uint8)
    if array.ndim == 3 and array.shape[-1] == 4:
        array = array[..., :3]
    if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3):
        return np.ascontiguousarray(array)
    return None


def _drawn(figure: Any, canvas: Any) -> Array:
    """A matplotlib figure's pixels, [H, W, 3]."""
    if not hasattr(canvas, "buffer_rgba"):  # a Figure that was not made by pyplot
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels: Array = np.array(canvas.buffer_rgba())[..., :3].copy()
    return pixels
