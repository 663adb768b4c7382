"""Gradients as data, whatever was returned."""

import pytest
import torch

from autograder.probes.gradients import flat_gradient, gradients, without_gradient


def tensors() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([[3.0]], requires_grad=True)


def test_gradients() -> None:
    a, b = tensors()
    assert [gradient.tolist() for gradient in gradients((a * a).sum() * b, [a, b]) if gradient is not None] == [
        [6.0, 12.0],
        [[5.0]],
    ]
    assert a.grad is None


def test_output_of_several_numbers_counts_as_their_sum() -> None:
    a, _ = tensors()
    (gradient,) = gradients(3 * a, [a])
    assert gradient is not None
    assert gradient.tolist() == [3.0, 3.0]


def test_the_graph_stays_usable() -> None:
    a, _ = tensors()
    loss = (a * a).sum()
    gradients(loss, [a])
    loss.backward()
    assert a.grad is not None


@pytest.mark.parametrize("of", [None, 1.5, "text", torch.tensor(1.0)])
def test_what_has_no_graph_has_no_gradient(of: object) -> None:
    a, b = tensors()
    assert gradients(of, [a, b]) == [None, None]
    assert flat_gradient(of, [a, b]) is None
    assert len(without_gradient(of, [a, b])) == 2


def test_flat_gradient_has_zeros_where_none_arrives() -> None:
    a, b = tensors()
    flat = flat_gradient(2 * b.sum(), [a, b])
    assert flat is not None
    assert flat.tolist() == [0.0, 0.0, 2.0]


def test_without_gradient() -> None:
    a, b = tensors()
    assert [tensor is b for tensor in without_gradient(a.sum(), [a, b])] == [True]
    assert [tensor is a for tensor in without_gradient((0 * a).sum() + b, [a, b])] == [True]
    assert without_gradient(a.sum() + b.sum(), iter([a, b])) == []
