"""Pictures that go with a result: small PNG files made from arrays of pixels, on the trusted side."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

LONGEST_SIDE = 800  # pixels; about the width of the column in which Gradescope shows a test
VISIBLE_SIDE = 280  # pixels; a 28 x 28 digit is enlarged tenfold to be seen
MAX_SIDE = 8 * LONGEST_SIDE  # pixels; of a longer side only every so many are looked at
MAX_PNG_BYTES = 150_000  # a picture is base64 in results.json, so it costs a third more there

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """A picture with its caption. The caption may be a student's text; the bytes are `encode_png`'s."""

    title: str
    png: bytes

    def __post_init__(self) -> None:
        if not self.png.startswith(PNG_SIGNATURE):
            raise ValueError("a picture must be a PNG file; make its bytes with encode_png")


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """The pixels as a PNG file of at most `MAX_PNG_BYTES`, the same bytes for the same pixels.

    A large picture is scaled down to `LONGEST_SIDE`; a small one is enlarged by a whole factor,
    so that single pixels stay square, until its shorter side has `VISIBLE_SIDE` pixels or its
    longer one would exceed `LONGEST_SIDE`. What is still too many bytes (noise, mostly) gets
    256 colours and then fewer pixels.

    Args:
        pixels: uint8, [H, W] for grey or [H, W, 3] for red, green, blue.

    Raises:
        ValueError: for another dtype or shape, or an empty picture.
    """
    from PIL import Image

    if pixels.dtype != np.uint8:
        raise ValueError(f"a picture needs uint8 pixels, not {pixels.dtype}")
    if pixels.size == 0 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ValueError(f"a picture needs the shape [H, W] or [H, W, 3], not {list(pixels.shape)}")
    height, width = pixels.shape[:2]
    thinned = pixels[:: max(1, height // MAX_SIDE), :: max(1, width // MAX_SIDE)]
    image: Image.Image = _fit_the_page(Image.fromarray(np.ascontiguousarray(thinned)))
    png = _save(image)
    if len(png) > MAX_PNG_BYTES and image.mode == "RGB":
        png = _save(image.quantize(256, Image.Quantize.FASTOCTREE))
    while len(png) > MAX_PNG_BYTES:
        shrink = min(0.9, (MAX_PNG_BYTES / len(png)) ** 0.5)
        image = _scale_down(image, shrink)
        png = _save(image if image.mode == "L" else image.quantize(256, Image.Quantize.FASTOCTREE))
    return png


def _fit_the_page(image: Image.Image) -> Image.Image:
    from PIL import Image

    longer, shorter = max(image.size), min(image.size)
    if longer > LONGEST_SIDE:
        return _scale_down(image, LONGEST_SIDE / longer)
    factor = min(-(-VISIBLE_SIDE // shorter), LONGEST_SIDE // longer)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _scale_down(image: Image.Image, scale: float) -> Image.Image:
    from PIL import Image

    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _save(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()
