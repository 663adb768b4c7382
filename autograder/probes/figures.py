"""What a student's code draws: images with their places, and coloured points, without opening a window.

A figure counts as drawn when it is saved or shown, or still open at the end. Watched are matplotlib's
`savefig`, `show` and `imsave`, Pillow's `save` and `show`, and with it torchvision's `save_image`. An image
counts the same whether it is a part of one large array, an axes of its own in a grid, or a file.

Places are fractions of the whole picture, from its top left corner.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from unittest import mock

import matplotlib
import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

Array: TypeAlias = npt.NDArray[Any]

CLOSE = 0.02  # grey values are equal up to this: an image may have passed through bytes, at 1/255 a step
LONGEST_SIDE = 800  # pixels of a rendered figure
_NO_MARKER = (None, "", " ", "none", "None")


@dataclass(frozen=True, eq=False)
class Layer:
    """A grey image [H, W], values in 0..1, at its place in a picture."""

    grey: Array
    top: float = 0.0
    left: float = 0.0
    height: float = 1.0
    width: float = 1.0


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a scatter plot: `xy` [N, 2], `colours` [N, 4] as red, green, blue, alpha."""

    xy: Array
    colours: Array

    def colour_groups(self) -> list[int]:
        """For each point the number of its colour; colours are numbered as they first occur."""
        seen: dict[tuple[int, ...], int] = {}
        keys = [tuple(int(part) for part in colour) for colour in np.round(self.colours[:, :3] * 255)]
        return [seen.setdefault(key, len(seen)) for key in keys]


@dataclass(frozen=True, eq=False)
class Place:
    """Where an image was found: the upper left corner in the picture, and in its layer's own pixels."""

    picture: int
    layer: int
    row: int
    column: int
    top: float
    left: float


@dataclass(eq=False)
class Picture:
    """One thing drawn. `pixels` is its rendering, uint8 [H, W, 3] or grey [H, W] in 0..1, where asked for."""

    layers: list[Layer] = field(default_factory=list)
    points: Points = field(default_factory=lambda: Points(np.zeros((0, 2)), np.zeros((0, 4))))
    pixels: Array | None = None


class Gallery:
    """All pictures drawn while it was watching, in order."""

    def __init__(self, *, render: bool) -> None:
        self.pictures: list[Picture] = []
        self.render = render

    def find(self, tile: Array) -> list[Place]:
        """Everywhere that the image `tile` [h, w], or its negative, was drawn."""
        wanted = np.asarray(tile, dtype=np.float64)
        return [
            _place(number, index, layer, row, column)
            for number, picture in enumerate(self.pictures)
            for index, layer in enumerate(picture.layers)
            for row, column in sorted({*_corners(layer.grey, wanted), *_corners(layer.grey, 1 - wanted)})
        ]

    def beside(self, place: Place, size: int = 28) -> list[tuple[Place, Array]]:
        """Every image of `size` x `size` pixels that is level with the one at `place` and does not overlap it."""
        found = []
        for index, layer in enumerate(self.pictures[place.picture].layers):
            height, width = layer.grey.shape
            row = round((place.top - layer.top) / layer.height * height)
            if not 0 <= row <= height - size or abs(_top(layer, row) - place.top) > layer.height / height:
                continue
            for column in range(width - size + 1):
                if index == place.layer and abs(column - place.column) < size:
                    continue
                tile = layer.grey[row : row + size, column : column + size]
                found.append((_place(place.picture, index, layer, row, column), tile))
        return found

    def fullest(self) -> Picture | None:
        """The picture with most in it: points, or else area of images; None where nothing was drawn."""
        return max(
            self.pictures,
            key=lambda picture: (len(picture.points.xy), sum(layer.grey.size for layer in picture.layers)),
            default=None,
        )


@contextmanager
def watch_drawing(*, render: bool = False) -> Iterator[Gallery]:
    """Collect what is drawn inside the block. Nothing is rendered, shown or written by `savefig` and `show`.

    Args:
        render: also keep each figure's pixels, for `observe.picture`; it costs time.
    """
    watcher = _Watcher(Gallery(render=render))
    plt.switch_backend("Agg")
    plt.close("all")
    with ExitStack() as patches:
        for owner, name, replacement in watcher.replacements():
            patches.enter_context(mock.patch.object(owner, name, replacement))
        try:
            yield watcher.gallery
        finally:
            watcher.take_open_figures()
            plt.close("all")


class _Watcher:
    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.taken: set[int] = set()
        self.kept_alive: list[Figure] = []  # so that no later figure gets the id of an earlier one
        self.busy = False
        self.real_imsave = matplotlib.image.imsave
        self.real_pil_save = Image.Image.save

    def replacements(self) -> list[tuple[Any, str, Any]]:
        def savefig(figure: Figure, *_: Any, **__: Any) -> None:
            self.take_figure(figure)

        def show(*_: Any, **__: Any) -> None:
            # A window that the user closes takes its figure along.
            self.take_open_figures()
            plt.close("all")

        def imsave(fname: Any, arr: Any, **how: Any) -> None:
            self.take_array(arr)
            with self._unwatched(), contextlib.suppress(OSError):
                self.real_imsave(fname, arr, **how)

        def pil_save(image: Image.Image, *args: Any, **how: Any) -> None:
            self.take_image(image)
            with self._unwatched(), contextlib.suppress(OSError):
                self.real_pil_save(image, *args, **how)

        def nothing(*_: Any, **__: Any) -> None:
            return None

        return [
            (Figure, "savefig", savefig),
            (Figure, "show", lambda figure, *_, **__: self.take_figure(figure)),
            (plt, "show", show),
            (plt, "pause", nothing),
            (matplotlib, "use", nothing),
            (plt, "switch_backend", nothing),
            (matplotlib.image, "imsave", imsave),
            (plt, "savefig", lambda *_, **__: self.take_figure(plt.gcf())),
            (Image.Image, "save", pil_save),
            (Image.Image, "show", lambda image, *_, **__: self.take_image(image)),
        ]

    @contextmanager
    def _unwatched(self) -> Iterator[None]:
        before, self.busy = self.busy, True
        try:
            yield
        finally:
            self.busy = before

    def take_open_figures(self) -> None:
        """Take the figures that are open and were not taken when they were saved."""
        for number in plt.get_fignums():
            figure = plt.figure(number)
            if id(figure) not in self.taken:
                self.take_figure(figure)

    def take_figure(self, figure: Figure) -> None:
        self.taken.add(id(figure))
        self.kept_alive.append(figure)
        picture = Picture(layers=_layers(figure), points=_points(figure))
        if not picture.layers and not len(picture.points.xy):
            return
        if self.gallery.render:
            picture.pixels = _rendered(figure)
        self.gallery.pictures.append(picture)

    def take_image(self, image: Image.Image) -> None:
        if not self.busy:
            self.take_array(np.asarray(image.convert("L") if image.mode in ("1", "P") else image))

    def take_array(self, array: object) -> None:
        grey = _grey(array)
        if grey is not None and not self.busy:
            self.gallery.pictures.append(Picture(layers=[Layer(grey)], pixels=grey))


def _layers(figure: Figure) -> list[Layer]:
    found = []
    for axes in _plots(figure):
        box = axes.get_position(original=True)
        for image in axes.images:
            grey = _grey(image.get_array())
            if grey is not None:
                found.append(Layer(grey, 1 - box.y1, box.x0, box.height, box.width))
    for loose in figure.images:
        grey = _grey(loose.get_array())
        if grey is not None:
            found.append(Layer(grey))
    return found


def _plots(figure: Figure) -> list[Axes]:
    """A figure's axes without colour bars."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def _points(figure: Figure) -> Points:
    places: list[Array] = []
    colours: list[Array] = []
    for axes in _plots(figure):
        for artist in axes.get_children():
            if isinstance(artist, PathCollection):
                artist.update_scalarmappable()
                xy = np.ma.filled(np.ma.asarray(artist.get_offsets(), dtype=np.float64), np.nan)
                paint = artist.get_facecolor() if len(artist.get_facecolor()) else artist.get_edgecolor()
                rgba = np.asarray(paint, dtype=np.float64).reshape(-1, 4)
            elif isinstance(artist, Line2D) and artist.get_marker() not in _NO_MARKER:
                xy = np.asarray(artist.get_xydata(), dtype=np.float64)
                rgba = np.asarray([to_rgba(artist.get_markerfacecolor())])
            else:
                continue
            if len(xy) and len(rgba):
                places.append(xy.reshape(-1, 2))
                colours.append(rgba[np.arange(len(xy)) % len(rgba)])
    if not places:
        return Points(np.zeros((0, 2)), np.zeros((0, 4)))
    return Points(np.concatenate(places), np.concatenate(colours))


def _grey(array: object) -> Array | None:
    """Values in 0..1 of an image: [H, W], one colour channel or more behind it or before it; None for anything else."""
    try:
        values: Array = np.squeeze(np.ma.filled(np.ma.asarray(array), 0))
    except Exception:
        return None
    if values.dtype.kind not in "fiub" or values.ndim not in (2, 3):
        return None
    grey = values.astype(np.float64)
    if grey.ndim == 3:
        if grey.shape[2] not in (2, 3, 4):
            return None
        grey = grey[..., :3].mean(axis=2) if grey.shape[2] > 2 else grey[..., 0]
    # Bytes, or numbers on the scale of bytes.
    return grey / 255 if grey.size and np.nanmax(grey) > 1.5 else grey


def _corners(grey: Array, tile: Array) -> list[tuple[int, int]]:
    """The upper left corners (row, column) of all copies of `tile` in `grey`."""
    height, width = tile.shape
    rows, columns = grey.shape[0] - height + 1, grey.shape[1] - width + 1
    if rows < 1 or columns < 1:
        return []
    possible = np.ones((rows, columns), dtype=bool)
    # A few pixels rule out nearly every place; the whole tile is compared at those that are left.
    for probe in range(0, height * width, max(1, height * width // 24)):
        row, column = divmod(probe, width)
        possible &= np.abs(grey[row : row + rows, column : column + columns] - tile[row, column]) <= CLOSE
    return [
        (int(row), int(column))
        for row, column in np.argwhere(possible)
        if np.abs(grey[row : row + height, column : column + width] - tile).max() <= CLOSE
    ]


def _place(picture: int, index: int, layer: Layer, row: int, column: int) -> Place:
    left = layer.left + layer.width * column / layer.grey.shape[1]
    return Place(picture, index, row, column, _top(layer, row), left)


def _top(layer: Layer, row: int) -> float:
    return float(layer.top + layer.height * row / layer.grey.shape[0])


def _rendered(figure: Figure) -> Array | None:
    """The figure's pixels, uint8 [H, W, 3]; None where it cannot be rendered."""
    canvas: Any = FigureCanvasAgg(figure)
    before = figure.dpi
    try:
        figure.set_dpi(min(100.0, LONGEST_SIDE / max(figure.get_size_inches())))
        canvas.draw()
        pixels: Array = np.array(canvas.buffer_rgba())[..., :3]
        return pixels
    except Exception:  # a student's figure may hold anything; it is judged by its parts
        return None
    finally:
        figure.set_dpi(before)
