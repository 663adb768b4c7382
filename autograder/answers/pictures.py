"""Pictures in students' answers: decoded, made small, and written anew, so that nothing but pixels reaches the page."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
LONGEST_SIDE = 1200  # pixels; enough to read a photographed page
MAX_PIXELS = 20_000_000  # of a picture as it was handed in; phones take 12 million
MAX_PNG_BYTES = 300_000  # beyond it a picture becomes a JPEG


@dataclass(frozen=True)
class ShownPicture:
    """A picture as a data: URI, with its size in pixels."""

    uri: str
    width: int
    height: int


def show_picture(encoded: str) -> ShownPicture | str:
    """A picture from base64, or why it is not shown, in words that go on "a picture is not shown: ..."."""
    from PIL import Image

    if not encoded:
        return "it is too large"
    data = _decoded(encoded)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"it has {image.width} × {image.height} pixels"
            return _written(image)
    except Exception:  # Pillow raises a dozen kinds for damaged files, some of them undocumented
        return "it is no PNG, JPEG, GIF or WebP, or damaged"


def _decoded(encoded: str) -> bytes:
    """The bytes of base64 with line breaks and escapes, with or without padding; b"" where it is none."""
    plain = re.sub(r"[^A-Za-z0-9+/]", "", encoded.replace("%2B", "+").replace("%2F", "/").replace("%3D", ""))
    try:
        return base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + "=" * (-len(plain) % 4 % 3))
    except ValueError:
        return b""


def _written(image: object) -> ShownPicture:
    """The first frame, upright, within `LONGEST_SIDE`, without metadata."""
    from PIL import Image, ImageOps

    assert isinstance(image, Image.Image)
    is_photo = image.format == "JPEG"
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(image)
    has_alpha = "A" in upright.getbands() or "transparency" in upright.info
    pixels = upright.convert("RGBA" if has_alpha else "RGB")
    pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    pixels.info.clear()
    if has_alpha:
        paper = Image.new("RGB", pixels.size, "white")
        paper.paste(pixels, mask=pixels.getchannel("A"))
        pixels = paper
    data = b"" if is_photo else _encoded(pixels, "PNG")
    kind = "png"
    if is_photo or len(data) > MAX_PNG_BYTES:
        data, kind = _encoded(pixels, "JPEG"), "jpeg"
    return ShownPicture(f"data:image/{kind};base64,{base64.b64encode(data).decode()}", *pixels.size)


def _encoded(image: object, kind: str) -> bytes:
    from PIL import Image

    assert isinstance(image, Image.Image)
    file = io.BytesIO()
    image.save(file, kind, quality=80, optimize=True)
    return file.getvalue()
