"""Data folders: what write_digits writes, what read_idx reads, and what check_data_folder says about a bad folder."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from autograder.datasets import (
    TRAIN_DIGITS,
    check_data_folder,
    images_name,
    labels_name,
    read_idx,
    write_digits,
    write_idx,
)
from autograder.errors import UserError

REFERENCE = Path(__file__).parents[2] / "reference" / "cs446_hw3"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy of the written folder, to be spoilt."""
    return Path(shutil.copytree(written, tmp_path / "data"))


def test_digits_have_the_shapes_of_mnist(written: Path) -> None:
    for split, count in (("train", TRAIN_DIGITS), ("t10k", 297)):
        images, labels = read_idx(written / images_name(split)), read_idx(written / labels_name(split))
        assert images.shape == (count, 28, 28)
        assert labels.shape == (count,)
        assert set(labels.tolist()) == set(range(10))
    check_data_folder(written)


def test_digits_have_the_contrast_and_the_place_of_mnist(written: Path) -> None:
    images = read_idx(written / images_name("train")) / 255
    # The mean and standard deviation by which MNIST is usually normalised are 0.1307 and 0.3081.
    assert images.mean() == pytest.approx(0.1307, abs=0.01)
    assert images.std() == pytest.approx(0.3081, abs=0.01)
    rows, columns = np.indices((28, 28))
    mass = images.sum(axis=(1, 2))
    for axis in (rows, columns):
        centre = (images * axis).sum(axis=(1, 2)) / mass
        # Half a pixel from rounding to whole pixels, two more where the box would leave the image.
        assert np.abs(centre - 13.5).max() < 2.5
    assert (images.reshape(len(images), -1).max(axis=1) == 1).all()


def test_digits_are_the_same_bytes_every_time(written: Path, tmp_path: Path) -> None:
    write_digits(tmp_path)
    names = sorted(path.name for path in written.iterdir())
    assert names == sorted(f(split) for f in (images_name, labels_name) for split in ("train", "t10k"))
    for name in names:
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_the_gzip_header_holds_no_time_and_no_name(written: Path) -> None:
    header = (written / images_name("train")).read_bytes()[:10]
    assert header[3] == 0  # no flags, so no file name
    assert header[4:8] == bytes(4)  # no time


def test_missing_scikit_learn_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UserError, match="scikit-learn") as caught:
        write_digits(tmp_path)
    assert caught.value.remedy


@pytest.mark.parametrize("shape", [(0,), (7,), (3, 28, 28)])
def test_idx_files_come_back_as_written(shape: tuple[int, ...], tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    write_idx(tmp_path / "array.gz", array)
    assert np.array_equal(read_idx(tmp_path / "array.gz"), array)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"<html>404</html>", "gzip"),
        (b"", "IDX"),
        (gzip.compress(b"\0\0\x08\x01" + bytes(4) + bytes(100))[:-12], "gzip"),
        (gzip.compress(b"")[:-3], "gzip"),
        (gzip.compress(b"hello world"), "IDX"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\x01" + bytes(4)), "IDX"),  # floats
        (gzip.compress(b"\0\0\x08\x03\0\0"), "header"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x09" + bytes(4)), "9 elements, but 4 follow"),
    ],
    ids=["a page", "nothing", "half a file", "a cut end", "a text", "floats", "half a header", "too few elements"],
)
def test_a_bad_idx_file_is_named(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=complaint) as caught:
        read_idx(path)
    assert caught.value.where == str(path)
    assert caught.value.remedy


def test_a_folder_with_only_the_t10k_files_is_enough(folder: Path) -> None:
    for name in (images_name("train"), labels_name("train")):
        (folder / name).unlink()
    check_data_folder(folder)


def _remove_folder(folder: Path) -> Path:
    shutil.rmtree(folder)
    return folder


def _remove_test_images(folder: Path) -> Path:
    (folder / images_name("t10k")).unlink()
    return folder / images_name("t10k")


def _remove_train_labels(folder: Path) -> Path:
    (folder / labels_name("train")).unlink()
    return folder / labels_name("train")


def _shrink_images(folder: Path) -> Path:
    path = folder / images_name("train")
    write_idx(path, read_idx(path)[:, :8, :8])
    return path


def _drop_a_label(folder: Path) -> Path:
    path = folder / labels_name("train")
    write_idx(path, read_idx(path)[1:])
    return path


def _add_a_class(folder: Path) -> Path:
    path = folder / labels_name("t10k")
    write_idx(path, read_idx(path) + np.uint8(1))
    return path


def _keep_few(folder: Path) -> Path:
    for name in (labels_name("train"), images_name("train")):
        write_idx(folder / name, read_idx(folder / name)[:255])
    return folder / images_name("train")


def _keep_one_class(folder: Path) -> Path:
    path = folder / labels_name("train")
    write_idx(path, np.zeros_like(read_idx(path)))
    return path


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_remove_folder, "no such data folder"),
        (_remove_test_images, "no such data file"),
        (_remove_train_labels, "no such data file"),
        (_shrink_images, r"\[1500, 8, 8\]"),
        (_drop_a_label, r"\[1499\]"),
        (_add_a_class, "largest label is 10"),
        (_keep_few, "255 images"),
        (_keep_one_class, r"classes \[0\]"),
    ],
)
def test_a_bad_folder_is_explained(spoil: Callable[[Path], Path], complaint: str, folder: Path) -> None:
    where = spoil(folder)
    with pytest.raises(UserError, match=complaint) as caught:
        check_data_folder(folder)
    assert caught.value.where == str(where)
    assert caught.value.remedy


def _offline_module(monkeypatch: pytest.MonkeyPatch, scratch: Path, data: Path) -> ModuleType:
    """The given hw3_utils with the offline definitions over it, as a submission meets it, in the folder `scratch`."""
    monkeypatch.chdir(scratch)
    monkeypatch.setenv("AUTOGRADER_DATA", str(data))
    spec = importlib.util.spec_from_file_location("hw3_utils", REFERENCE / "hw3_utils.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "urlopen", _no_network)
    offline = REFERENCE / "offline" / "hw3_utils.py"
    exec(compile(offline.read_text(), offline, "exec"), module.__dict__)
    return module


def _no_network(*_: object, **__: object) -> None:
    raise AssertionError("the offline hw3_utils reached for the network")


def test_offline_hw3_utils_serves_the_folder(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hw3_utils = _offline_module(monkeypatch, tmp_path, written)
    count, train_images, train_labels, test_images, test_labels = hw3_utils.load_mnist()
    assert count == TRAIN_DIGITS
    assert (train_images.shape, train_labels.shape) == ((TRAIN_DIGITS, 784), (TRAIN_DIGITS, 10))
    assert (test_images.shape, test_labels.shape) == ((297, 784), (297, 10))
    assert (train_images.min(), train_images.max()) == (0, 1)
    assert np.array_equal(train_labels.argmax(axis=1), read_idx(written / labels_name("train")))

    torch = pytest.importorskip("torch")
    name = images_name("train")
    hw3_utils.download(hw3_utils.BASE_URL + name, name)
    dataset = hw3_utils.GANDataset(f"data/{name}", torch.device("cpu"))
    assert len(dataset) == TRAIN_DIGITS
    assert dataset[3].shape == (1, 28, 28)
    assert np.allclose(dataset[3].numpy().reshape(784) / 255, train_images[3])
    halved = hw3_utils.GANDataset(f"data/{name}", torch.device("cpu"), transform=lambda image: image / 2)
    assert torch.equal(halved[3], dataset[3] / 2)


def test_offline_hw3_utils_serves_t10k_as_train_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (images_name("train"), labels_name("train")):
        (folder / name).unlink()
    hw3_utils = _offline_module(monkeypatch, tmp_path, folder)
    count, train_images, train_labels, test_images, test_labels = hw3_utils.load_mnist()
    assert count == 297
    assert np.array_equal(train_images, test_images)
    assert np.array_equal(train_labels, test_labels)


def test_offline_hw3_utils_names_a_file_that_it_has_not(
    written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hw3_utils = _offline_module(monkeypatch, tmp_path, written)
    with pytest.raises(FileNotFoundError, match=r"weights\.bin"):
        hw3_utils.download("https://example.com/weights.bin", "weights.bin")


def test_concat_images_fills_row_by_row(tmp_path: Path, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hw3_utils = _offline_module(monkeypatch, tmp_path, written)
    images = [np.full((28, 28), value / 10) for value in range(6)]
    mosaic = hw3_utils.concat_images(images, 2, 3, padding=1)
    assert mosaic.shape == (57, 86)
    assert mosaic[0, [0, 29, 58]] == pytest.approx([0, 0.1, 0.2])
    assert mosaic[29, [0, 29, 58]] == pytest.approx([0.3, 0.4, 0.5])
    assert (mosaic[28] == 1).all()
    assert (mosaic[:, 28] == 1).all()
    with pytest.raises(ValueError, match="5 images"):
        hw3_utils.concat_images(images[:5], 2, 3)
