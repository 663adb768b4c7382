"""torchvision's data sets where there is no network, in processes of their own because classes are patched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.datasets import DATA_VARIABLE, images_name, labels_name, read_idx, write_digits

SOURCE = "from torchvision import datasets\ntrain = datasets.MNIST('./data', download=True)"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    return folder


def run(code: str, digits: Path, where: Path, source: str = SOURCE) -> subprocess.CompletedProcess[str]:
    head = f"import sys; from autograder.sandbox.offline_datasets import serve_datasets\nserve_datasets([{source!r}])\n"
    environment = {**os.environ, DATA_VARIABLE: str(digits)}
    return subprocess.run(
        [sys.executable, "-c", head + code], capture_output=True, text=True, cwd=where, env=environment, check=False
    )


def test_mnist_is_the_data_folder(digits: Path, tmp_path: Path) -> None:
    """Images and labels are those of the folder, whatever root says, and nothing is written."""
    code = """
from torchvision import datasets, transforms
for train in (True, False):
    served = datasets.MNIST('./data', train=train, download=True, transform=transforms.ToTensor())
    image, label = served[3]
    assert image.shape == (1, 28, 28) and 0.5 < image.max() <= 1
    print(len(served), label, int(served.data.sum()), served.targets.dtype)
print(len(datasets.FashionMNIST('x', download=False)))
"""
    process = run(code, digits, tmp_path)
    expected = []
    for split in ("train", "t10k"):
        images, labels = read_idx(digits / images_name(split)), read_idx(digits / labels_name(split))
        expected += [str(len(images)), str(labels[3]), str(images.sum(dtype=int)), "torch.int64"]
    whole = len(read_idx(digits / images_name("train")))
    assert process.stdout.split() == [*expected, str(whole)], process.stderr
    assert not list(tmp_path.iterdir())


def test_test_images_alone(digits: Path, tmp_path: Path) -> None:
    """A folder of real test images serves them as the training split too, as the given loader of cs446_hw3 does."""
    for name in (images_name("t10k"), labels_name("t10k")):
        (tmp_path / name).write_bytes((digits / name).read_bytes())
    process = run("from torchvision.datasets import MNIST\nprint(len(MNIST('x')))", tmp_path, tmp_path)
    assert process.stdout == f"{len(read_idx(digits / images_name('t10k')))}\n", process.stderr


def test_without_a_data_set_nothing_is_imported(digits: Path, tmp_path: Path) -> None:
    """torchvision takes long to import: only whoever asks for its data pays for it. Without it, nothing is served."""
    process = run("print('torchvision' in sys.modules)", digits, tmp_path, source="import torchvision.utils")
    assert process.stdout == "False\n"
    process = run(
        "from torchvision import datasets\ndatasets.MNIST('./data')", digits, tmp_path, source="import torchvision"
    )
    assert "Dataset not found" in process.stderr
