"""The submissions of the tiny homework that mutations start from: right, wrong and messy scripts and notebooks."""

from __future__ import annotations

import json
from typing import Any

from tiny_homework import REFERENCE

RIGHT = REFERENCE.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
HALF = "return 0.5 * x.square().mean(dim=1)"
ROOT = "return sigma_square**0.5 * torch.randn(n)"
MESSY = '''#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Homework of A. Müller — σ² is the variance. ½ of the points are for “energy”."""
import argparse, os, sys
import numpy as np
import torch, torch.nn as nn
import pandas_of_another_world as pd
from tqdm import tqdm
from tiny_utils import WIDTH

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3)
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.manual_seed(0)
HALF = 1 / 2
weights = {"half": HALF, 'width': WIDTH}


class Net(nn.Module):
    def __init__(self, width=WIDTH):
        super().__init__()
        self.layer = nn.Linear(width, 1)

    def forward(self, x):
        return self.layer(x)


def mean_square(x, dim=1):
    if dim not in (0, 1):
        raise ValueError(f"no axis {dim}")
    total = 0
    for i in range(x.shape[1]):
        total = total + x[:, i] ** 2  # [batch]
    return total / x.shape[1]


def energy(x):
    """½ ‖x‖² / features"""
    x = torch.as_tensor(x)
    return weights["half"] * mean_square(x)


def noise(n, sigma_square):
    sigma = np.sqrt(sigma_square)
    draws = torch.randn(n)
    return float(sigma) * draws


def train(net, epochs):
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for epoch in range(epochs):
        loss = net(torch.randn(8, WIDTH)).pow(2).mean()
        optimiser.zero_grad(); loss.backward(); optimiser.step()
    return net


if __name__ == "__main__":
    args = parser.parse_args()
    net = train(Net(), args.epochs)
    print("done", file=sys.stderr)
'''
SCRIPTS = {
    "right": RIGHT,
    "summed": RIGHT.replace("mean(dim=1)", "sum(dim=1)"),
    "half forgotten": RIGHT.replace("0.5 * x", "1.0 * x"),
    "over the batch": RIGHT.replace("dim=1", "dim=0"),
    "variance for deviation": RIGHT.replace("sigma_square**0.5", "sigma_square"),
    "one function": RIGHT[: RIGHT.index("def noise")],
    "template": RIGHT.replace(HALF, "raise NotImplementedError").replace(ROOT, "raise NotImplementedError"),
    "none": RIGHT.replace(HALF, "pass"),
    "exits": RIGHT.replace(ROOT, "exit()"),
    "messy": MESSY,
    "lambdas": "import torch\nenergy = lambda x: (x * x).sum(-1) / 6\nnoise = lambda n, s: s**.5 * torch.randn(n)\n",
    "annotated by what is not there": RIGHT.replace("from torch import", "from .torch import"),
    "no code": '"""I could not do it."""\n',
}


def notebook_of(script: str, nbformat: int = 4) -> dict[str, Any]:
    """A notebook whose cells are the parts of a script, with magics and text between them."""
    pieces = [piece for piece in script.split("\n\n\n") if piece.strip()]
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": ["# Problem 1\n", "σ²"]}]
    cells.append(_code("%matplotlib inline\n!pip install torch\nfiles = !ls", 1))
    cells += [_code(piece, number) for number, piece in enumerate(pieces, 2)]
    cells.append(_code("%%time\nprint('done')\nenergy?", 99))
    document: dict[str, Any] = {
        "metadata": {"kernelspec": {"name": "python3"}},
        "nbformat": nbformat,
        "nbformat_minor": 0,
    }
    if nbformat == 4:
        return {"cells": cells, **document}
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
            cell["language"] = "python"
    return {"worksheets": [{"cells": cells, "metadata": {}}], **document}


def notebook_bytes(document: Any) -> bytes:
    """The notebook as Jupyter saves it."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _code(source: str, number: int) -> dict[str, Any]:
    lines = source.splitlines(keepends=True) if number % 2 else source
    output = {"output_type": "stream", "name": "stdout", "text": ["done\n"]}
    return {"cell_type": "code", "execution_count": number, "metadata": {}, "outputs": [output], "source": lines}
