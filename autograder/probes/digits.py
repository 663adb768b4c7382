"""Real digits from the data folder that grading serves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import torch

from autograder.datasets import DATA_VARIABLE, images_name, read_idx
from autograder.randomness import Inputs


def digits(rng: Inputs, count: int, split: Literal["train", "t10k"]) -> torch.Tensor:
    """Some digits in random order, [count, 1, 28, 28] with grey values in 0..1."""
    images = read_idx(Path(os.environ[DATA_VARIABLE]) / images_name(split))
    chosen = rng.permutation(len(images))[:count].numpy()
    return torch.from_numpy(images[chosen]).unsqueeze(1) / 255
