"""Data folders for grading: four files in MNIST's own format, so that student code reads them as it reads MNIST.

The default data are the 1,797 digits that ship with scikit-learn (8 x 8, from the UCI set "Optical Recognition of
Handwritten Digits"), brought to MNIST's size, position and contrast. An instructor may give a folder of real MNIST
files instead.

The format (IDX): big-endian; two zero bytes, one byte for the element type (8: unsigned byte), one byte for the number
of axes, one 32-bit length per axis, then the elements in C order. Each file is gzip-compressed.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autograder.errors import UserError

DATA_VARIABLE = "AUTOGRADER_DATA"
"""The environment variable that names the data folder where a homework's code runs."""

SIDE = 28
"""Pixels along an edge of an image."""

TRAIN_DIGITS = 1500
"""How many of scikit-learn's 1,797 digits form the train split; the other 297 form the t10k split."""

SMALLEST_TRAIN_SPLIT = 256
"""Images that a train split must hold: one minibatch of the largest size that a homework uses."""

_BOX = 20  # MNIST fits a digit into 20 x 20 pixels and centres its mass in 28 x 28
_UNSIGNED_BYTE = 8  # element type in an IDX header
_FOLDER_REMEDY = "Give a folder with MNIST's four .gz files (the two t10k files suffice), or leave the option out."


def images_name(split: str) -> str:
    """File name of the images of `split` ("train" or "t10k")."""
    return f"{split}-images-idx3-ubyte.gz"


def labels_name(split: str) -> str:
    """File name of the labels of `split` ("train" or "t10k")."""
    return f"{split}-labels-idx1-ubyte.gz"


def write_digits(folder: Path) -> None:
    """Write scikit-learn's digits into `folder` (created where missing) as MNIST's four files.

    Images are [N, 28, 28], unsigned bytes, 0 is background; the first 1,500 are the train split, the last 297 the t10k
    split. The same installation writes the same bytes every time.

    Raises:
        UserError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UserError(
            "The default data are the digits that ship with scikit-learn, and it is not installed.",
            remedy="Install scikit-learn, or give a folder of MNIST files.",
        ) from error

    digits = load_digits()
    images = np.stack([_like_mnist(image / 16) for image in digits.images])  # (1797, 28, 28)
    labels = digits.target.astype(np.uint8)  # (1797,)
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", slice(TRAIN_DIGITS)), ("t10k", slice(TRAIN_DIGITS, None))):
        write_idx(folder / images_name(split), images[rows])
        write_idx(folder / labels_name(split), labels[rows])


def _like_mnist(digit: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """A digit [8, 8] with grey values in 0..1 as MNIST would show it: [28, 28], 0..255.

    As in MNIST the digit fills a box of 20 x 20 pixels and its centre of mass is the image's centre. Enlarged strokes
    are wide and soft, so grey values are then stretched to MNIST's contrast.
    """
    from scipy import ndimage

    box = ndimage.zoom(digit, _BOX / len(digit), order=3, mode="grid-constant", grid_mode=True)  # (20, 20)
    box = np.clip((box - 0.4) / 0.4, 0, 1)
    image = np.zeros((SIDE, SIDE))
    corner = [min(max(round((SIDE - 1) / 2 - centre), 0), SIDE - _BOX) for centre in ndimage.center_of_mass(box)]
    image[corner[0] : corner[0] + _BOX, corner[1] : corner[1] + _BOX] = box
    return np.rint(255 * image).astype(np.uint8)


def write_idx(path: Path, array: npt.NDArray[np.uint8]) -> None:
    """Write `array` to `path` as a gzip-compressed IDX file, with no name and no time in it."""
    header = struct.pack(f">HBB{array.ndim}I", 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes(), mtime=0))


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read a gzip-compressed IDX file of unsigned bytes, in the shape that its header states.

    Raises:
        UserError: the file is missing, is no gzip file, ends early, or is no IDX file of unsigned bytes.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError("There is no such data file.", where=str(path), remedy=_FOLDER_REMEDY) from error
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, f"This is not a complete gzip file ({error}).") from error

    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTE]):
        raise _unreadable(path, "This is not an IDX file of unsigned bytes.")
    axes = content[3]
    start = 4 + 4 * axes
    if len(content) < start:
        raise _unreadable(path, "This IDX file ends within its header.")
    shape = struct.unpack(f">{axes}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise _unreadable(path, f"Its header states {math.prod(shape)} elements, but {len(content) - start} follow.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _unreadable(path: Path, what: str) -> UserError:
    return UserError(what, where=str(path), remedy="Fetch the file again.")


def check_data_folder(folder: Path) -> None:
    """Check that `folder` can serve as data for grading.

    It needs the two t10k files; the two train files may be absent, then t10k is served as the train split too. Images
    must be [N, 28, 28] with one label in 0..9 each, and the train split must show every class and hold at least 256
    images.

    Raises:
        UserError: what is wrong, in which file, and what to do.
    """
    if not folder.is_dir():
        raise UserError("There is no such data folder.", where=str(folder), remedy=_FOLDER_REMEDY)
    has_train = any((folder / name("train")).exists() for name in (images_name, labels_name))
    splits = ("t10k", "train") if has_train else ("t10k",)
    for split in splits:
        _check_split(folder, split, serves_training=split == splits[-1])


def _check_split(folder: Path, split: str, *, serves_training: bool) -> None:
    images_path, labels_path = folder / images_name(split), folder / labels_name(split)
    images, labels = read_idx(images_path), read_idx(labels_path)

    def fault(path: Path, what: str) -> UserError:
        return UserError(what, where=str(path), remedy=_FOLDER_REMEDY)

    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise fault(images_path, f"Images have the shape {list(images.shape)}, not [N, {SIDE}, {SIDE}].")
    if labels.shape != (len(images),):
        raise fault(labels_path, f"Labels have the shape {list(labels.shape)}, but there are {len(images)} images.")
    if labels.size and labels.max() > 9:
        raise fault(labels_path, f"The largest label is {labels.max()}, not 9.")
    if serves_training and len(images) < SMALLEST_TRAIN_SPLIT:
        raise fault(images_path, f"There are {len(images)} images; training takes at least {SMALLEST_TRAIN_SPLIT}.")
    if serves_training and len(np.unique(labels)) < 10:
        raise fault(labels_path, f"Only the classes {np.unique(labels).tolist()} occur; all ten are needed.")
