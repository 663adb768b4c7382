"""Whatever a student returned, observing it makes data of it and raises nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.figure import Figure

from autograder.comparison import compare
from autograder.observation import MAX_ENTRIES, MAX_TEXT, Entry, Header, Observation, decode_frame, encode_frame
from autograder.observe import MAX_ELEMENTS, MAX_NOTES, Observer, as_array


def sent(observer: Observer) -> Observation:
    """What arrives on the trusted side."""
    header = Header(entries=tuple(observer.entries), notes=tuple(observer.notes))
    return decode_frame(encode_frame(header, observer.arrays))


def observed(value: object) -> tuple[Entry, np.ndarray[Any, Any] | None]:
    """The entry and, where there is one, the array of a value that must be close."""
    observer = Observer()
    observer(x=value)
    observation = sent(observer)
    entry = observation.entries[0]
    return entry, observation.value(entry) if entry.array else None


# --- values ---------------------------------------------------------------------------------------------------------

ARRAYS: list[tuple[str, Callable[[], object], object, str]] = [
    ("python float", lambda: 0.5, np.float64(0.5), "float64"),
    ("python int", lambda: 3, np.int64(3), "int64"),
    ("python bool", lambda: True, np.bool_(True), "bool"),
    ("int beyond int64", lambda: 2**63, np.uint64(2**63), "uint64"),
    ("numpy scalar", lambda: np.float32(0.5), np.float32(0.5), "float32"),
    ("numpy bool", lambda: np.bool_(False), np.bool_(False), "bool"),
    ("numpy long double", lambda: np.longdouble(2), np.float64(2), np.dtype(np.longdouble).name),
    ("numpy array", lambda: np.arange(3.0), np.arange(3.0), "float64"),
    ("numpy 0-d", lambda: np.array(2.0), np.array(2.0), "float64"),
    ("numpy big-endian", lambda: np.arange(3, dtype=">i4"), np.arange(3, dtype=np.int32), "int32"),
    ("numpy strided", lambda: np.arange(6.0)[::2], np.array([0.0, 2.0, 4.0]), "float64"),
    ("numpy masked", lambda: np.ma.masked_array([1.0]), np.ones(1), "float64"),
    ("tensor", lambda: torch.arange(3.0), np.arange(3, dtype=np.float32), "float32"),
    ("tensor 0-d", lambda: torch.tensor(2.0), np.float32(2), "float32"),
    ("tensor empty", lambda: torch.zeros(0, 3), np.zeros((0, 3), np.float32), "float32"),
    ("tensor with gradient", lambda: torch.ones(2, requires_grad=True) * 2, np.full(2, 2, np.float32), "float32"),
    ("parameter", lambda: torch.nn.Parameter(torch.ones(2)), np.ones(2, np.float32), "float32"),
    (
        "tensor transposed",
        lambda: torch.arange(6.0).view(2, 3).T,
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "float32",
    ),
    ("tensor expanded", lambda: torch.ones(1, 3).expand(2, 3), np.ones((2, 3), np.float32), "float32"),
    ("tensor int64", lambda: torch.tensor([1, 2]), np.array([1, 2]), "int64"),
    ("tensor uint8", lambda: torch.tensor([1], dtype=torch.uint8), np.array([1], np.uint8), "uint8"),
    ("tensor bool", lambda: torch.tensor([True]), np.array([True]), "bool"),
    ("tensor float64", lambda: torch.ones(2, dtype=torch.float64), np.ones(2), "float64"),
    ("tensor float16", lambda: torch.tensor([1.5], dtype=torch.float16), np.array([1.5], np.float32), "float16"),
    ("tensor bfloat16", lambda: torch.tensor([1.5], dtype=torch.bfloat16), np.array([1.5], np.float32), "bfloat16"),
    ("tensor with negative bit", lambda: torch.tensor([1 + 2j]).conj().imag, np.array([-2], np.float32), "float32"),
    ("tensor with NaN", lambda: torch.tensor([float("nan"), 1]), np.array([np.nan, 1], np.float32), "float32"),
]


@pytest.mark.parametrize(("make", "expected", "dtype"), [case[1:] for case in ARRAYS], ids=[case[0] for case in ARRAYS])
def test_numbers_become_arrays(make: Callable[[], object], expected: Any, dtype: str) -> None:
    entry, array = observed(make())
    assert array is not None
    assert entry.dtype == dtype
    assert array.dtype == expected.dtype
    assert array.shape == expected.shape
    assert np.array_equal(array, expected, equal_nan=array.dtype.kind == "f")


def _jagged() -> object:
    return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])


OPAQUE: list[tuple[str, Callable[[], object], str]] = [
    ("None", lambda: None, "NoneType"),
    ("text", lambda: "0.5", "str"),
    ("tuple", lambda: (torch.ones(2), 1.0), "tuple of 2 (Tensor, float)"),
    ("list", lambda: [1.0] * 6, "list of 6 (float, float, float, float, …)"),
    ("dict", lambda: {"loss": 1.0}, "dict"),
    ("module", lambda: torch.nn.Linear(1, 1), "Linear"),
    ("function", lambda: len, "builtin_function_or_method"),
    ("class", lambda: dict, "type"),
    ("decimal", lambda: Decimal(1), "Decimal"),
    ("python complex", lambda: 1 + 2j, "complex"),
    ("int beyond uint64", lambda: 2**64, "int"),
    ("huge int", lambda: 10**5000, "int"),
    ("numpy text", lambda: np.array(["a"]), "array of <U1"),
    ("numpy object", lambda: np.array([None, 1], dtype=object), "array of object"),
    ("numpy complex", lambda: np.ones(2, np.complex64), "array of complex64"),
    ("numpy time", lambda: np.zeros(2, "M8[s]"), "array of datetime64[s]"),
    ("numpy structured", lambda: np.zeros(2, [("a", "f4")]), "array of [('a', '<f4')]"),
    (
        "numpy huge",
        lambda: np.broadcast_to(np.float32(0), (MAX_ELEMENTS + 1,)),
        f"array of {MAX_ELEMENTS + 1} elements",
    ),
    ("tensor huge", lambda: torch.zeros(1).expand(MAX_ELEMENTS + 1), f"tensor of {MAX_ELEMENTS + 1} elements"),
    ("tensor complex", lambda: torch.ones(2, dtype=torch.complex64), "complex64 tensor"),
    ("tensor sparse", lambda: torch.eye(2).to_sparse(), "sparse_coo float32 tensor on cpu"),
    ("tensor sparse rows", lambda: torch.eye(2).to_sparse_csr(), "sparse_csr float32 tensor on cpu"),
    ("tensor nested", _jagged, "nested float32 tensor on cpu"),
    ("tensor without values", lambda: torch.ones(2, device="meta"), "strided float32 tensor on meta"),
    ("tensor float8", lambda: torch.ones(2).to(torch.float8_e4m3fn), "float8_e4m3fn tensor"),
    ("tensor quantized", lambda: torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8), "qint8 tensor"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("make", "opaque"), [case[1:] for case in OPAQUE], ids=[case[0] for case in OPAQUE])
def test_anything_else_is_told_by_its_type(make: Callable[[], object], opaque: str) -> None:
    entry, array = observed(make())
    assert array is None
    assert entry.opaque == opaque


class LyingTensor(torch.Tensor):
    """Runs its own code whenever it is touched."""

    @classmethod
    def __torch_function__(cls, func: object, types: object, args: object = (), kwargs: object = None) -> object:
        raise RuntimeError("do not look at me")


class LyingNumber(float):
    def __array__(self, *_: object, **__: object) -> object:
        raise RuntimeError("do not look at me")


class LyingList(list[object]):
    def __getitem__(self, _: object) -> object:
        raise RuntimeError("do not look at me")

    def __iter__(self) -> Any:
        raise RuntimeError("do not look at me")


class LyingClass:
    __class__: ClassVar[type] = torch.Tensor  # type: ignore[assignment]


@pytest.mark.parametrize("kind", ["close", "exact", "samples", "band", "leaderboard", "picture"])
@pytest.mark.parametrize(
    "value",
    [torch.ones(2).as_subclass(LyingTensor), LyingNumber(1.0), LyingList([1]), LyingClass()],
    ids=["tensor", "number", "list", "class"],
)
def test_values_that_lie_raise_nothing(kind: str, value: object) -> None:
    observer = Observer()
    if kind == "picture":
        observer.picture("x", value)
    else:
        observe = observer if kind == "close" else getattr(observer, kind)
        observe(x=value)
    sent(observer)


def test_a_tensor_subclass_is_a_plain_tensor() -> None:
    class Mine(torch.Tensor):
        pass

    entry, array = observed(torch.ones(2).as_subclass(Mine))
    assert array is not None
    assert entry.dtype == "float32"


def test_what_is_observed_is_a_copy() -> None:
    tensor, array = torch.zeros(2), np.zeros(2)
    observer = Observer()
    observer(tensor=tensor, array=array)
    tensor += 1
    array += 1
    assert all((value == 0).all() for value in sent(observer).arrays.values())


@given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, min_side=0, max_side=3)))
def test_any_numpy_array_is_an_array_or_opaque(array: np.ndarray[Any, Any]) -> None:
    stored, dtype = as_array(array)
    if stored is None:
        assert array.dtype.kind not in "fiub"
        assert dtype.startswith("array of")
    else:
        assert stored.shape == array.shape
        assert stored.dtype.itemsize <= 8


@pytest.mark.parametrize(("make"), [case[1] for case in (*ARRAYS, *OPAQUE)], ids=[c[0] for c in (*ARRAYS, *OPAQUE)])
@pytest.mark.filterwarnings("ignore")
def test_the_same_value_shows_no_difference(make: Callable[[], object]) -> None:
    def once() -> Observation:
        observer = Observer()
        observer(close=make())
        observer.exact(exact=make())
        return sent(observer)

    assert compare(once(), once()) == ()


# --- how values are observed ----------------------------------------------------------------------------------------


def test_each_way_of_observing_is_kept() -> None:
    observer = Observer()
    observer(a=1.0, b=2.0)
    observer(c=1.0, rtol=0.5, atol=0.25)
    observer.exact(d=[1, "x"])
    observer.exact(e=torch.tensor([1, 2]))
    observer.samples(f=torch.zeros(5))
    observer.band(g=1.0, side="at_least")
    observer.leaderboard(h=0.5)
    observer.picture("A title", np.zeros((2, 2)))
    entries = {entry.name: entry for entry in sent(observer).entries}
    assert list(entries) == ["a", "b", "c", "d", "e", "f", "g", "h", "A title"]
    assert [entry.kind for entry in entries.values()] == [
        *("close", "close", "close", "exact", "exact", "samples", "band", "leaderboard", "picture")
    ]
    assert (entries["a"].rtol, entries["a"].atol) == (1e-4, 1e-5)
    assert (entries["c"].rtol, entries["c"].atol) == (0.5, 0.25)
    assert entries["d"].text == '[1, "x"]'
    assert entries["e"].array
    assert entries["g"].side == "at_least"


def test_one_name_is_observed_once() -> None:
    observer = Observer()
    observer(loss=1.0)
    with pytest.raises(ValueError, match="observes 'loss' twice"):
        observer.exact(loss="x")
    assert len(observer.entries) == 1


def test_as_many_observations_as_a_frame_holds() -> None:
    observer = Observer()
    for index in range(MAX_ENTRIES):
        observer.exact(**{f"x{index}": index})
    with pytest.raises(ValueError, match=f"at most {MAX_ENTRIES}"):
        observer.exact(last=1)
    assert len(sent(observer).entries) == MAX_ENTRIES


def test_an_exact_value_as_long_as_a_frame_holds() -> None:
    observer = Observer()
    observer.exact(fits="x" * (MAX_TEXT - 2), does_not=["x" * MAX_TEXT])
    fits, does_not = sent(observer).entries
    assert len(fits.text) == MAX_TEXT
    assert does_not.opaque == f"list of 1 (str), {MAX_TEXT + 4} characters"


def test_a_tree_that_is_too_deep_or_contains_itself_is_opaque() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    circle: list[object] = []
    circle.append(circle)
    observer = Observer()
    observer.exact(deep=deep, circle=circle, other={1, 2})
    assert [entry.opaque for entry in sent(observer).entries] == ["list of 1 (list)", "list of 1 (list)", "set"]


def test_notes_are_for_staff_and_bounded() -> None:
    observer = Observer()
    observer.note("a\ud800b")
    for number in range(2 * MAX_NOTES):
        observer.note(f"{number}{'x' * 5000}")
        observer.note("a\ud800b")
    notes = sent(observer).header.notes
    assert notes[0] == "a?b"
    assert len(notes) == MAX_NOTES
    assert max(map(len, notes)) == 1000


# --- pictures -------------------------------------------------------------------------------------------------------


def picture_of(image: object) -> np.ndarray[Any, Any] | None:
    observer = Observer()
    observer.picture("x", image)
    observation = sent(observer)
    return observation.value(observation.entries[0]) if observation.entries else None


def _figure() -> Figure:
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([0, 1])
    return figure


@pytest.mark.parametrize(
    ("image", "shape"),
    [
        (np.zeros((2, 3)), (2, 3)),
        (np.zeros((2, 3), np.uint8), (2, 3)),
        (torch.zeros(2, 3), (2, 3)),
        (torch.zeros(2, 3, requires_grad=True), (2, 3)),
        (np.zeros((2, 3, 3)), (2, 3, 3)),
        (np.zeros((2, 3, 4)), (2, 3, 3)),
        (np.zeros((2, 3), bool), (2, 3)),
        (_figure(), (50, 100, 3)),
    ],
    ids=["float", "uint8", "tensor", "gradient", "colour", "alpha", "bool", "figure"],
)
def test_pictures_become_pixels(image: object, shape: tuple[int, ...]) -> None:
    pixels = picture_of(image)
    assert pixels is not None
    assert pixels.dtype == np.uint8
    assert pixels.shape == shape


def test_the_values_of_a_picture_are_clipped() -> None:
    pixels = picture_of(np.array([[-1.0, 0.0, 0.5], [1.0, 7.0, np.nan], [np.inf, -np.inf, 0.999]]))
    assert pixels is not None
    assert pixels.tolist() == [[0, 0, 128], [255, 255, 0], [255, 0, 255]]


class UndrawableFigure:
    """What a figure with a broken artist does."""

    def savefig(self) -> None: ...

    @property
    def canvas(self) -> UndrawableFigure:
        return self

    def draw(self) -> None:
        raise ValueError("Image size of 100000x100000 pixels is too large")


@pytest.mark.parametrize(
    "image", [None, "x", np.zeros(3), np.zeros((2, 2, 2)), np.zeros((0, 3)), np.zeros((1, 1, 1, 1)), UndrawableFigure()]
)
def test_what_is_no_picture_is_left_out(image: object) -> None:
    assert picture_of(image) is None


@given(hnp.arrays(st.sampled_from([np.float32, np.uint8, np.bool_]), hnp.array_shapes(max_dims=4, max_side=5)))
def test_any_array_is_a_picture_or_left_out(array: np.ndarray[Any, Any]) -> None:
    pixels = picture_of(array)
    assert pixels is None or (pixels.dtype == np.uint8 and pixels.shape[:2] == array.shape[:2])


def test_observing_needs_no_torch() -> None:
    """The trusted side imports this module for its types."""
    code = "import sys, autograder.observe as o; o.Observer()(x=1.0); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_points_are_kept_beside_the_values() -> None:
    observer = Observer()
    observer(kl=np.array([0.5, 1.0]), at=["mu = 0", "mu = " + "1" * 400])
    (entry,) = observer.entries
    assert entry.points == ("mu = 0", "mu = " + "1" * 295)


def test_what_is_being_asked_is_known_until_it_is_answered() -> None:
    observer = Observer()
    with observer.asking("mu = 0 \udc80"):
        assert observer.point == "mu = 0 ?"
    assert observer.point == ""
    with pytest.raises(ZeroDivisionError), observer.asking("mu = 1"):
        _ = 1 / 0
    assert observer.point == "mu = 1"
