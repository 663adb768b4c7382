"""layers_of: one list of layers for every way to spell a network, and another one for another network."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.probes.layers import layers_of

CONV1 = {"layer": "Conv2d", "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1], "channels": 2, "bias": True}
CONV2 = {**CONV1, "channels": 4, "padding": [0, 0]}
POOL = {"layer": "MaxPool2d", "kernel": [2, 2], "stride": [2, 2], "padding": [0, 0]}
LINEAR = {"layer": "Linear", "channels": 1, "bias": True}
RELU = {"layer": "ReLU"}
NET = [CONV1, RELU, POOL, CONV2, RELU, LINEAR]


def leaky(slope: str) -> dict[str, str]:
    return {"layer": "LeakyReLU", "slope": slope}


class Flat(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(2, 4, 3)
        self.relu2 = nn.ReLU()
        self.fc = nn.Linear(4 * 2 * 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.relu2(self.conv2(self.pool(self.relu1(self.conv1(x)))))
        return self.fc(h.view(x.shape[0], -1))


class Reused(Flat):
    """One ReLU for both places, in place."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.pool(self.relu(self.conv1(x)))
        h = self.relu(self.conv2(h))
        return self.fc(nn.Flatten()(h))


class Functional(Flat):
    """Functions for everything, and a check whose result goes nowhere."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.max_pool2d(F.relu(F.conv2d(x, self.conv1.weight, self.conv1.bias, padding="same")), 2, 2)
        if bool((h.mean() * 2).isnan()):
            raise ValueError
        h = torch.relu_(F.conv2d(h, self.conv2.weight, self.conv2.bias)).reshape(-1, 16)
        return h @ self.fc.weight.T + self.fc.bias


class ThreeAxes(Flat):
    """A linear layer that is given three axes, and a bias of the convolution that is added by hand."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bias = self.conv1.bias
        assert bias is not None
        h = F.conv2d(F.pad(x, (1, 1, 1, 1)), self.conv1.weight) + bias.view(1, -1, 1, 1)
        h = self.relu2(self.conv2(self.pool(self.relu1(h))))
        return self.fc(h.flatten(1).unsqueeze(1)).squeeze(1)


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 2, 3, 1, 1), nn.ReLU(True), nn.MaxPool2d(2, 2)),
            nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU()),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
        self.unused = nn.Unflatten(1, (4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(x))


@pytest.mark.parametrize("build", [Flat, Reused, Functional, ThreeAxes, Nested])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("training", [True, False])
def test_spelling_does_not_matter(build: Callable[[], nn.Module], batch: int, training: bool) -> None:
    torch.manual_seed(0)
    net = build().train(training)
    assert layers_of(net, torch.randn(batch, 1, 8, 8)) == NET


class Apply(nn.Module):
    """`function` between two layers, so that it sees numbers of both signs."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function
        self.conv = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.conv(x))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (F.relu, [RELU]),
        (lambda x: x.clamp(min=0), [RELU]),
        (lambda x: x.clamp_(0), [RELU]),
        (lambda x: torch.clamp_min(x, 0.0), [RELU]),
        (lambda x: F.threshold(x, 0.0, 0.0), [RELU]),
        (lambda x: F.leaky_relu(x, 0.0), [RELU]),
        (lambda x: torch.maximum(x, torch.zeros_like(x)), [RELU]),
        (lambda x: torch.max(x, torch.tensor(0.0)), [RELU]),
        (lambda x: x * (x > 0), [RELU]),
        (lambda x: F.relu(F.relu(x)), [RELU]),
        (lambda x: F.leaky_relu(x, 0.2), [leaky("0.2")]),
        (lambda x: nn.LeakyReLU()(x), [leaky("0.01")]),
        (lambda x: torch.where(x > 0, x, 0.2 * x), [leaky("0.2")]),
        (lambda x: torch.maximum(0.2 * x, x), [leaky("0.2")]),
        (lambda x: F.relu(x) - 0.2 * F.relu(-x), [leaky("0.2")]),
        (torch.sigmoid, [{"layer": "Sigmoid"}]),
        (lambda x: 1 / (1 + torch.exp(-x)), [{"layer": "Sigmoid"}]),
        (lambda x: torch.sigmoid(torch.sigmoid(x)), [{"layer": "Sigmoid"}] * 2),
        (lambda x: torch.sigmoid(x.clamp(min=0)), [RELU, {"layer": "Sigmoid"}]),
        (lambda x: 2 * torch.sigmoid(2 * x) - 1, [{"layer": "Tanh"}]),
        (nn.SiLU(), [{"layer": "SiLU"}]),
        (lambda x: x * torch.sigmoid(x), [{"layer": "SiLU"}]),
        (lambda x: x / (1 + torch.exp(-x)), [{"layer": "SiLU"}]),
        (lambda x: 1 * x + 0, []),
        (lambda x: F.elu(x), [{"layer": "ELU"}]),
        (lambda x: F.dropout(F.relu(x), 0.5, training=True), [RELU, {"layer": "Dropout"}]),
        (lambda x: x + torch.randn_like(x), [{"layer": "add"}]),
        (lambda x: x * 2, [{"layer": "mul"}]),
    ],
)
def test_arithmetic_is_named_by_what_it_does(function: Callable[[Any], Any], expected: list[object]) -> None:
    torch.manual_seed(1)
    assert layers_of(Apply(function), torch.randn(4, 1, 6, 6)) == [CONV1, *expected]


@pytest.mark.parametrize(
    ("function", "mode"),
    [
        (nn.Upsample(scale_factor=2), "nearest"),
        (lambda x: F.interpolate(x, size=(8, 8)), "nearest"),
        (lambda x: F.interpolate(x, scale_factor=2, mode="nearest-exact"), "nearest"),
        (lambda x: x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3), "nearest"),
        (lambda x: torch.kron(x, torch.ones(1, 1, 2, 2)), "nearest"),
        (nn.Upsample(scale_factor=2, mode="bilinear"), "bilinear"),
        (lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"), "bicubic"),
    ],
)
def test_upsampling(function: Callable[[Any], Any], mode: str) -> None:
    torch.manual_seed(2)
    net = Apply(function)
    assert layers_of(net, torch.randn(2, 1, 4, 4)) == [CONV1, {"layer": "Upsample", "scale": "2", "mode": mode}]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.BatchNorm2d(2), {"layer": "BatchNorm"}),
        (nn.Dropout(), {"layer": "Dropout"}),
        (nn.AvgPool2d(2), {"layer": "AvgPool2d"}),
        (nn.PReLU(), {"layer": "PReLU"}),
        (nn.Conv2d(2, 2, 3, dilation=2, groups=2, bias=False), {"dilation": [2, 2], "groups": 2, "bias": False}),
        (nn.ConvTranspose2d(2, 3, 2, stride=2), {"layer": "ConvTranspose2d", "channels": 3, "stride": [2, 2]}),
        (nn.MaxPool2d(3, stride=1, padding=1), {"kernel": [3, 3], "stride": [1, 1], "padding": [1, 1]}),
    ],
)
def test_other_layers_are_told(layer: nn.Module, expected: dict[str, object]) -> None:
    last = layers_of(Apply(layer), torch.randn(2, 1, 8, 8))[-1]
    assert {name: last[name] for name in expected} == expected


def test_copied_pixels_between_reshapes_and_functions() -> None:
    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(5, 2 * 3 * 3)
            self.conv = nn.Conv2d(2, 4, 3, padding=1)

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            h = F.leaky_relu(self.fc(z), 0.2).reshape(len(z), 2, 3, 3)
            h = h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            return torch.relu(self.conv(h)).flatten(1)

    upsampling = {"layer": "Upsample", "scale": "2", "mode": "nearest"}
    linear, conv = {**LINEAR, "channels": 18}, {**CONV1, "channels": 4}
    assert layers_of(Generator(), torch.randn(3, 5)) == [linear, leaky("0.2"), upsampling, conv, RELU]


def test_what_does_not_reach_the_output_is_left_out() -> None:
    class Idle(Flat):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.relu1(self.conv1(x) * 3)
            return super().forward(x)

    assert layers_of(Idle(), torch.randn(2, 1, 8, 8)) == NET


def test_nothing_returned_still_shows_what_ran() -> None:
    class Forgot(Flat):
        def forward(self, x: torch.Tensor) -> None:  # type: ignore[override]
            super().forward(x)

    assert layers_of(Forgot(), torch.randn(2, 1, 8, 8)) == NET


def test_the_probe_leaves_no_trace() -> None:
    net, x = Flat(), torch.randn(2, 1, 8, 8)
    before = [parameter.clone() for parameter in net.parameters()]
    layers_of(net, x)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert net(x).requires_grad
