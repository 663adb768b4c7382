"""load_parameters: numbers that depend on shapes alone, and that keep a network alive."""

from collections.abc import Iterable

import pytest
import torch
from torch import nn

from autograder.probes.parameters import fan_in, load_parameters, shapes_of
from autograder.randomness import Inputs


def loaded(layers: Iterable[nn.Module], seed: int = 1) -> list[nn.Module]:
    """The layers, with parameters loaded into all of them as one network."""
    modules = list(layers)
    load_parameters(nn.ModuleList(modules), Inputs(seed))
    return modules


def test_order_of_declaration_does_not_matter() -> None:
    conv, linear = loaded([nn.Conv2d(1, 2, 3), nn.Linear(4, 5)])
    other_linear, other_conv = loaded([nn.Linear(4, 5), nn.Conv2d(1, 2, 3)])
    assert torch.equal(conv.weight, other_conv.weight)
    assert torch.equal(linear.bias, other_linear.bias)


def test_biases_of_one_shape_go_with_their_layers() -> None:
    """Two layers of different shapes with biases of one shape may be declared in either order, and nested."""
    conv, linear = loaded([nn.Conv2d(1, 4, 3), nn.Linear(7, 4)])
    other_linear, nested = loaded([nn.Linear(7, 4), nn.Sequential(nn.Conv2d(1, 4, 3))])
    assert torch.equal(conv.bias, nested[0].bias)  # type: ignore[index]
    assert torch.equal(linear.bias, other_linear.bias)
    assert not torch.equal(conv.bias, linear.bias)


def test_a_tied_parameter_is_loaded_once() -> None:
    """A weight that two layers share gets the numbers of one, and leaves those of the next layer alone."""
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    loaded([first, second])
    alone, _ = loaded([nn.Linear(3, 3), nn.Linear(3, 3)])
    assert torch.equal(first.weight, alone.weight)


def test_layers_of_one_shape_get_different_numbers() -> None:
    first, second = loaded([nn.Linear(3, 3), nn.Linear(3, 3)])
    assert not torch.equal(first.weight, second.weight)
    assert not torch.equal(first.bias, second.bias)


def test_another_layer_does_not_change_the_others() -> None:
    (alone,) = loaded([nn.Linear(3, 2)])
    _, beside = loaded([nn.Conv2d(1, 2, 3), nn.Linear(3, 2)])
    assert torch.equal(alone.weight, beside.weight)


def test_another_seed_gives_other_numbers() -> None:
    (first,), (second,) = loaded([nn.Linear(3, 2)], 1), loaded([nn.Linear(3, 2)], 2)
    assert not torch.equal(first.weight, second.weight)


def test_inputs_drawn_afterwards_do_not_depend_on_the_network() -> None:
    rng, other = Inputs(5), Inputs(5)
    load_parameters(nn.Linear(3, 2), rng)
    load_parameters(nn.Conv2d(3, 2, 5), other)
    assert torch.equal(rng.normal(4), other.normal(4))


def test_scales() -> None:
    (layer,) = loaded([nn.Linear(400, 500)])
    assert layer.weight.std().item() == pytest.approx(1.4 / 20, rel=0.02)
    assert layer.bias.std().item() == pytest.approx(0.2, rel=0.15)
    assert layer.weight.dtype == torch.float32


def test_deep_networks_stay_alive() -> None:
    net = nn.Sequential(*(module for _ in range(12) for module in (nn.Linear(50, 50), nn.ReLU())))
    load_parameters(net, Inputs(3))
    assert 0.1 < net(torch.randn(100, 50)).std() < 10


def test_parameters_keep_their_gradients() -> None:
    layer = nn.Linear(2, 2)
    load_parameters(layer, Inputs(0))
    assert layer.weight.is_leaf
    assert layer.weight.requires_grad


def test_scalars_and_shared_parameters_are_loaded() -> None:
    net = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.PReLU()})
    net["c"] = net["a"]
    net.register_parameter("scale", nn.Parameter(torch.tensor(1.0)))
    load_parameters(net, Inputs(0))
    assert net.scale.item() != 1.0
    assert shapes_of(net.parameters()) == [[], [1], [2], [2, 2]]


def test_fan_in() -> None:
    assert fan_in(nn.Conv2d(3, 8, 5).weight) == 75
    assert fan_in(nn.Linear(7, 2).weight) == 7
