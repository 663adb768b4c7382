"""Probes of initial weights: fresh networks, pooled draws that single layers show in, biases."""

import math

import pytest
import torch
from torch import nn

from autograder.probes.initialisation import biases, fresh_networks, scaled_draws, weights
from autograder.randomness import Inputs


class Net(nn.Module):
    """Two convolutions, one of them nested, a normalisation and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.nested = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        self.conv = nn.Conv2d(2, 30, 3)
        self.fc = nn.Linear(40, 10)
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.uniform_(
                    layer.weight, -1 / math.sqrt(layer.weight[0].numel()), 1 / layer.weight[0].numel() ** 0.5
                )


def test_fresh_networks_differ_although_they_seed() -> None:
    first, second = fresh_networks(Net, 2)
    assert not torch.equal(weights(first)[0], weights(second)[0])


def test_seeding_works_again_afterwards() -> None:
    fresh_networks(Net, 1)
    draws = [torch.manual_seed(7) and torch.rand(1) for _ in range(2)]
    assert torch.equal(*draws)

    def failing() -> nn.Module:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        fresh_networks(failing, 1)
    assert torch.manual_seed.__module__ == "torch.random"


def test_weights_and_biases() -> None:
    net = Net()
    assert [list(weight.shape) for weight in weights(net)] == [[2, 1, 3, 3], [30, 2, 3, 3], [10, 40]]
    assert sorted(biases(net)) == ["conv.bias", "fc.bias", "nested.0.bias", "nested.1.bias"]


@pytest.mark.parametrize("kind", ["Conv2d", "Linear"])
def test_scaled_draws_are_comparable(kind: str) -> None:
    draws = scaled_draws(fresh_networks(Net, 60), kind, 2000, Inputs(1))
    assert draws is not None
    assert draws.shape == (2000,)
    assert draws.abs().max().item() == pytest.approx(1.0, abs=0.01)
    assert draws.std().item() == pytest.approx(1 / math.sqrt(3), rel=0.05)


def test_every_layer_gives_its_share() -> None:
    nets = fresh_networks(Net, 60)
    with torch.no_grad():
        for net in nets:
            weights(net)[0].fill_(9.0)  # scaled: 27
    draws = scaled_draws(nets, "Conv2d", 2000, Inputs(1))
    assert draws is not None
    assert (draws > 20).float().mean().item() == pytest.approx(0.5, abs=0.01)


def test_no_layer_of_the_kind() -> None:
    assert scaled_draws([nn.Linear(2, 2)], "Conv2d", 10, Inputs(1)) is None
