"""What counts as drawn, and where an image is found again in it."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from autograder.probes.figures import Gallery, Points, watch_drawing

Tile = npt.NDArray[np.float64]


@pytest.fixture
def tiles() -> list[Tile]:
    generator = np.random.default_rng(3)
    return [generator.random((28, 28)) for _ in range(6)]


@pytest.fixture(autouse=True)
def in_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mosaic(tiles: list[Tile], rows: int, columns: int, padding: int = 3) -> Tile:
    """`tiles` row by row on white."""
    step = 28 + padding
    canvas = np.ones((rows * step, columns * step))
    for index, tile in enumerate(tiles):
        top, left = index // columns * step, index % columns * step
        canvas[top : top + 28, left : left + 28] = tile
    return canvas


def draw_by_imshow(image: Tile) -> None:
    plt.figure()
    plt.imshow(image, cmap="gray")
    plt.savefig("folder/that/is/not/there.png")
    plt.close()


def draw_on_axes(image: Tile) -> None:
    figure, axes = plt.subplots()
    axes.imshow(image, cmap="Greys", interpolation="nearest")
    figure.savefig("image.png")


def draw_and_show(image: Tile) -> None:
    plt.imshow(image)
    plt.title("drawn")
    plt.show()


def leave_open(image: Tile) -> None:
    plt.matshow(torch.from_numpy(image))


def draw_in_colour(image: Tile) -> None:
    plt.imshow(np.stack([image] * 3, axis=-1))
    plt.show()


def save_array(image: Tile) -> None:
    plt.imsave("image.png", image, cmap="gray")


def save_bytes_by_pillow(image: Tile) -> None:
    Image.fromarray((image * 255).astype(np.uint8)).save("image.png")
    assert Path("image.png").exists()


def show_by_pillow(image: Tile) -> None:
    Image.fromarray((image * 255).astype(np.uint8)).convert("RGB").show()


def save_by_torchvision(image: Tile) -> None:
    torchvision = pytest.importorskip("torchvision.utils")
    torchvision.save_image(torch.from_numpy(image).float().reshape(1, 1, *image.shape), "image.png")


def draw_the_negative(image: Tile) -> None:
    plt.imshow(1 - image)


def draw_on_bytes_scale(image: Tile) -> None:
    plt.imshow(image * 255)


@pytest.mark.parametrize(
    "draw",
    [
        draw_by_imshow,
        draw_on_axes,
        draw_and_show,
        leave_open,
        draw_in_colour,
        save_array,
        save_bytes_by_pillow,
        show_by_pillow,
        save_by_torchvision,
        draw_the_negative,
        draw_on_bytes_scale,
    ],
)
def test_an_image_is_seen_once_however_it_is_drawn(draw: object, tiles: list[Tile]) -> None:
    with watch_drawing() as gallery:
        draw(mosaic(tiles, 3, 2))  # type: ignore[operator]
    assert len(gallery.pictures) == 1
    for index, tile in enumerate(tiles):
        (place,) = gallery.find(tile)
        assert (place.row, place.column) == (index // 2 * 31, index % 2 * 31)
    assert gallery.find(tiles[0].T) == []


@pytest.mark.parametrize("padding", [0, 1, 3, 7])
def test_a_mosaic_may_have_any_padding(padding: int, tiles: list[Tile]) -> None:
    with watch_drawing() as gallery:
        draw_by_imshow(mosaic(tiles, 2, 3, padding))
    (place,) = gallery.find(tiles[4])
    assert (place.row, place.column) == (28 + padding, 28 + padding)


def test_a_grid_of_axes_has_the_places_of_a_mosaic(tiles: list[Tile]) -> None:
    def subplots() -> None:
        _, axes = plt.subplots(3, 2)
        for ax, tile in zip(axes.flat, tiles, strict=True):
            ax.imshow(tile)
            ax.axis("off")
        plt.tight_layout()
        plt.savefig("grid.png")

    def one_by_one() -> None:
        for index, tile in enumerate(tiles):
            plt.subplot(3, 2, index + 1)
            plt.imshow(tile.reshape(1, 28, 28)[0])
        plt.show()

    for draw in (subplots, one_by_one):
        with watch_drawing() as gallery:
            draw()
        places = [gallery.find(tile)[0] for tile in tiles]
        assert len({place.picture for place in places}) == 1
        assert places[0].top == pytest.approx(places[1].top)
        assert places[0].left == pytest.approx(places[2].left)
        assert places[0].left < places[1].left
        assert places[0].top < places[2].top < places[4].top


def test_beside_gives_the_neighbours_in_mosaic_and_grid(tiles: list[Tile]) -> None:
    def grid() -> None:
        _, axes = plt.subplots(3, 2)
        for ax, tile in zip(axes.flat, tiles, strict=True):
            ax.imshow(tile)

    for draw in (lambda: draw_by_imshow(mosaic(tiles, 3, 2)), grid):
        with watch_drawing() as gallery:
            draw()
        (place,) = gallery.find(tiles[2])
        matching = [other for other, image in gallery.beside(place) if np.array_equal(image, tiles[3])]
        assert len(matching) == 1
        assert matching[0].left > place.left
        assert not any(np.array_equal(image, tiles[2]) for _, image in gallery.beside(place))
        assert not any(np.array_equal(image, tiles[1]) for _, image in gallery.beside(place))


def test_figures_shown_one_after_another_are_apart(tiles: list[Tile]) -> None:
    with watch_drawing() as gallery:
        for tile in tiles:
            plt.imshow(tile)
            plt.show()
    assert len(gallery.pictures) == 6
    assert [gallery.find(tile)[0].picture for tile in tiles] == list(range(6))


def test_closed_and_empty_figures_are_not_drawn(tiles: list[Tile]) -> None:
    with watch_drawing() as gallery:
        plt.imshow(tiles[0])
        plt.close()
        plt.figure()
        plt.savefig("empty.png")
    assert gallery.pictures == []
    assert gallery.fullest() is None


def test_a_figure_cleared_after_saving_is_kept(tiles: list[Tile]) -> None:
    with watch_drawing() as gallery:
        plt.imshow(tiles[0])
        plt.savefig("first.png")
        plt.clf()
        plt.imshow(tiles[1])
        plt.savefig("second.png")
    assert [gallery.find(tile)[0].picture for tile in tiles[:2]] == [0, 1]


def scatter_at_once(xy: Tile, labels: npt.NDArray[np.int64]) -> None:
    plt.scatter(xy[:, 0], xy[:, 1], c=labels, cmap="tab10", s=3)
    plt.colorbar()
    plt.savefig("points.png")


def scatter_by_class(xy: Tile, labels: npt.NDArray[np.int64]) -> None:
    _, ax = plt.subplots()
    for label in range(10):
        ax.scatter(*xy[labels == label].T, label=str(label))
    ax.legend()
    plt.show()


def plot_by_class(xy: Tile, labels: npt.NDArray[np.int64]) -> None:
    for label in range(10):
        plt.plot(*xy[labels == label].T, ".", label=str(label))
    plt.legend()
    plt.savefig("points.png")


def scatter_one_by_one(xy: Tile, labels: npt.NDArray[np.int64]) -> None:
    for (x, y), label in zip(xy, labels, strict=True):
        plt.scatter(x, y, color=f"C{label}", marker="x")


@pytest.mark.parametrize("draw", [scatter_at_once, scatter_by_class, plot_by_class, scatter_one_by_one])
def test_points_and_their_colours_are_seen_however_they_are_drawn(draw: object) -> None:
    generator = np.random.default_rng(1)
    xy, labels = generator.normal(size=(60, 2)), np.arange(60) % 10
    with watch_drawing(render=True) as gallery:
        draw(xy, labels)  # type: ignore[operator]
    drawn = gallery.fullest()
    assert drawn is not None
    order = [int(np.abs(xy - point).sum(axis=1).argmin()) for point in drawn.points.xy]
    assert sorted(order) == list(range(60))
    assert np.allclose(drawn.points.xy, xy[order])
    groups = drawn.points.colour_groups()
    assert len({(labels[index], group) for index, group in zip(order, groups, strict=True)}) == 10
    assert drawn.pixels is not None
    assert drawn.pixels.dtype == np.uint8
    assert max(drawn.pixels.shape) <= 800


def test_lines_without_markers_are_no_points() -> None:
    with watch_drawing() as gallery:
        plt.plot([0, 1], [0, 1])
        plt.axhline(0.5)
        plt.scatter([], [])
    assert gallery.pictures == []


def test_one_colour_is_one_group() -> None:
    assert Points(np.zeros((3, 2)), np.array([[0, 0, 1, 1], [0, 0, 1, 0.5], [1, 0, 0, 1]])).colour_groups() == [0, 0, 1]


def test_matplotlib_is_as_before_afterwards(tiles: list[Tile]) -> None:
    savefig, use = plt.Figure.savefig, matplotlib.use
    with watch_drawing(render=True) as gallery:
        matplotlib.use("TkAgg")  # needs a screen; while watching it must not fail
        draw_by_imshow(tiles[0])
    assert (plt.Figure.savefig, matplotlib.use) == (savefig, use)
    assert plt.get_fignums() == []
    assert gallery.pictures[0].pixels is not None
    plt.imshow(tiles[0])
    plt.savefig("real.png")
    plt.close()
    assert Path("real.png").exists()


def test_an_empty_gallery_finds_nothing(tiles: list[Tile]) -> None:
    assert Gallery(render=False).find(tiles[0]) == []
