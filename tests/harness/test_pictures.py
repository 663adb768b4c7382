"""Pictures are PNG files of a bounded size in which small digits can be seen."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autograder.pictures import LONGEST_SIDE, MAX_PNG_BYTES, VISIBLE_SIDE, Picture, encode_png


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_a_digit_is_enlarged_tenfold_with_square_pixels() -> None:
    digit = noise(28, 28)
    image = opened(encode_png(digit))
    assert image.size == (VISIBLE_SIDE, VISIBLE_SIDE)
    assert np.array_equal(np.asarray(image), np.kron(digit, np.ones((10, 10), np.uint8)))


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((28, 280), (560, 56)),  # a row of ten digits
        ((56, 280), (560, 112)),
        ((1, 1), (280, 280)),
        ((280, 280), (280, 280)),
        ((281, 281), (281, 281)),
        ((480, 640, 3), (640, 480)),
        ((800, 800), (800, 800)),
        ((801, 400), (399, 800)),
        ((2000, 4000), (800, 400)),
        ((1, 5000), (800, 1)),
    ],
)
def test_sizes(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    assert opened(encode_png(np.zeros(shape, np.uint8))).size == size


def test_colours_are_kept_where_they_fit() -> None:
    pixels = noise(30, 30, 3)
    assert np.array_equal(np.asarray(opened(encode_png(pixels)))[::10, ::10], pixels)


@pytest.mark.parametrize("shape", [(800, 800), (800, 800, 3), (3000, 2000, 3)])
def test_noise_is_made_to_fit(shape: tuple[int, ...]) -> None:
    raw = io.BytesIO()
    Image.fromarray(noise(*shape)[:800, :800]).save(raw, format="PNG")
    assert len(raw.getvalue()) > MAX_PNG_BYTES, "the control: without the bound it is larger"
    png = encode_png(noise(*shape))
    assert len(png) <= MAX_PNG_BYTES
    assert max(opened(png).size) >= 200, "it can still be seen"


def test_the_same_pixels_make_the_same_bytes() -> None:
    assert encode_png(noise(400, 600, 3)) == encode_png(noise(400, 600, 3))


def test_a_view_of_an_array_is_a_picture_too() -> None:
    pixels = noise(40, 60, 3)
    assert encode_png(pixels[::-1, ::2]) == encode_png(pixels[::-1, ::2].copy())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 900), st.integers(1, 900), st.booleans())
def test_any_shape_keeps_the_limits(height: int, width: int, colour: bool) -> None:
    shape = (height, width, 3) if colour else (height, width)
    png = encode_png(np.full(shape, 128, np.uint8))
    assert max(opened(png).size) <= LONGEST_SIDE
    assert len(png) <= MAX_PNG_BYTES


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((28, 28), np.float32),
        np.zeros((28, 28, 4), np.uint8),
        np.zeros((2, 28, 28, 3), np.uint8),
        np.zeros((28,), np.uint8),
        np.zeros((0, 28), np.uint8),
        np.zeros((28, 28, 0), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a picture needs"):
        encode_png(pixels)


def test_a_picture_holds_a_png_and_nothing_else() -> None:
    Picture("fine", encode_png(np.zeros((1, 1), np.uint8)))
    with pytest.raises(ValueError, match="PNG"):
        Picture("script", b"<svg onload=alert(1)>")
