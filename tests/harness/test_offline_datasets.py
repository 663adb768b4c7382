"""torchvision's data sets where there is no network, in processes of their own because classes are patched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.datasets import images_name, labels_name, read_idx, write_digits

SOURCE = "from torchvision import datasets\ntrain = datasets.MNIST('./data', download=True)"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    return folder


def run(code: str, digits: Path, where: Path, source: str = SOURCE) -> subprocess.CompletedProcess[str]:
    head = (
        "import sys; from pathlib import Path; from autograder.sandbox.offline_datasets import serve_datasets\n"
        f"serve_datasets([{source!r}], Path({str(digits)!r}))\n"
    )
    return subprocess.run([sys.executable, "-c", head + code], capture_output=True, text=True, cwd=where, check=False)


@pytest.mark.parametrize(("train", "split"), [(True, "train"), (False, "t10k")])
def test_mnist_is_the_data_folder(digits: Path, tmp_path: Path, train: bool, split: str) -> None:
    """Images and labels are those of the folder, whatever root says, and nothing is written."""
    images, labels = read_idx(digits / images_name(split)), read_idx(digits / labels_name(split))
    code = f"""
from torchvision import datasets, transforms
served = datasets.MNIST('./data', train={train}, download=True, transform=transforms.ToTensor())
image, label = served[3]
assert image.shape == (1, 28, 28) and 0.5 < image.max() <= 1
print(len(served), label, int(served.data.sum()), served.targets.dtype, len(datasets.FashionMNIST('x', download=False)))
"""
    process = run(code, digits, tmp_path)
    whole = len(read_idx(digits / images_name("train")))
    assert process.stdout.split() == [
        str(len(images)), str(labels[3]), str(images.sum(dtype=int)), "torch.int64", str(whole),
    ], process.stderr  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_without_a_data_set_nothing_is_imported(digits: Path, tmp_path: Path) -> None:
    """torchvision takes long to import: only whoever asks for its data pays for it. Without it, nothing is served."""
    process = run("print('torchvision' in sys.modules)", digits, tmp_path, source="import torchvision.utils")
    assert process.stdout == "False\n"
    process = run(
        "from torchvision import datasets\ndatasets.MNIST('./data')", digits, tmp_path, source="import torchvision"
    )
    assert "Dataset not found" in process.stderr
