"""Data and pictures for homework 3 (given to students; nothing to fill in).

MNIST comes as four gzip files in the IDX format (http://yann.lecun.com/exdb/mnist, section "file formats"):
big-endian, two zero bytes, one byte for the element type (8: unsigned byte), one byte for the number of axes,
one 32-bit length per axis, then the elements in C order. The files are looked for in ./data, and downloaded only
where they are missing.
"""

import gzip
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

BASE_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"


def download(url: str, filename: str) -> None:
    """Fetch `url` into ./data/`filename`, unless that file is there already.

    The file appears under its name only when it is complete, so that a broken connection leaves nothing to trip over.
    """
    target = Path("data") / filename
    if target.exists():
        return
    target.parent.mkdir(exist_ok=True)
    partial = target.with_name(f"{filename}.{os.getpid()}.part")
    try:
        with urlopen(url, timeout=60) as response:
            partial.write_bytes(response.read())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _read_idx(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
    """Array of unsigned bytes in a gzip-compressed IDX file, in the shape that its header states."""
    with gzip.open(path, "rb") as file:
        _, element_type, axes = struct.unpack(">HBB", file.read(4))
        if element_type != 8:
            raise ValueError(f"{path}: element type {element_type}, expected 8 (unsigned byte)")
        shape = struct.unpack(f">{axes}I", file.read(4 * axes))
        return np.frombuffer(file.read(), dtype=np.uint8).reshape(shape)


def load_mnist() -> tuple[
    int, npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]
]:
    """MNIST as flat images and one-hot labels.

    Returns (N_data, train_images, train_labels, test_images, test_labels) with
        N_data        the number of training images
        *_images      [N, 784], float32, grey values in 0..1 (0 is background)
        *_labels      [N, 10], int64, one-hot
    """

    def load(name: str) -> npt.NDArray[np.uint8]:
        download(BASE_URL + name, name)
        return _read_idx(Path("data") / name)

    def load_split(split: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        images = load(f"{split}-images-idx3-ubyte.gz")
        labels = load(f"{split}-labels-idx1-ubyte.gz")
        flat = images.reshape(len(images), -1).astype(np.float32)  # (N, 784)
        flat /= 255
        return flat, np.eye(10, dtype=np.int64)[labels]  # (N, 10)

    train_images, train_labels = load_split("train")
    test_images, test_labels = load_split("t10k")
    return len(train_images), train_images, train_labels, test_images, test_labels


def batch_indices(iter: int, num_batches: int, batch_size: int) -> slice:
    """Rows of the minibatch of iteration `iter`, which counts on through all epochs."""
    batch = iter % num_batches
    return slice(batch * batch_size, (batch + 1) * batch_size)


def array_to_image(array: npt.ArrayLike | torch.Tensor) -> npt.NDArray[Any]:
    """The image [28, 28] of a vector of 784 grey values (array or tensor)."""
    if isinstance(array, torch.Tensor):
        array = array.detach().cpu().numpy()
    return np.reshape(np.array(array), (28, 28))  # (28, 28)


def concat_images(images: Sequence[npt.NDArray[Any]], row: int, col: int, padding: int = 3) -> npt.NDArray[Any]:
    """One mosaic of `row` x `col` images of equal size [H, W], filled row by row.

    Returns [row * (H + padding) - padding, col * (W + padding) - padding], with white (1) between the images.
    Raises ValueError unless there are exactly `row * col` images.
    """
    if len(images) != row * col:
        raise ValueError(f"{len(images)} images do not fill {row} rows of {col}")
    height, width = images[0].shape
    mosaic = np.ones((row * (height + padding) - padding, col * (width + padding) - padding))
    for index, image in enumerate(images):
        top, left = index // col * (height + padding), index % col * (width + padding)
        mosaic[top : top + height, left : left + width] = image
    return mosaic


class GANDataset(Dataset[torch.Tensor]):
    """Images of a gzip-compressed IDX file.

    Each item is a float tensor [1, 28, 28] on `device` with grey values in 0..255; `transform`, where given,
    is applied to it (GAN.train divides by 255 in this way).
    """

    def __init__(
        self,
        filename: str,
        device: torch.device,
        transform: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> None:
        images = torch.from_numpy(_read_idx(filename).astype(np.float32))  # (N, 28, 28)
        self._images = images.unsqueeze(1).to(device)  # (N, 1, 28, 28)
        self._transform = transform

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> torch.Tensor:
        image = self._images[index]  # (1, 28, 28)
        return image if self._transform is None else self._transform(image)
