"""The known parts that stand in for a student's, and the look at what training does to them."""

from __future__ import annotations

import argparse
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from autograder.datasets import read_idx
from autograder.probes.training import (
    KnownDecoder,
    KnownEncoder,
    assemble,
    bare,
    binary_images,
    constant_noise,
    holds,
    learning_rate,
    method_of,
    options,
    parameter_vector,
    saved_tensors,
    serve_digits,
    swapped,
)
from autograder.randomness import Inputs


class Decoder(nn.Module):
    """The part that a student might have got wrong."""

    def __init__(self, *sizes: int) -> None:
        raise NotImplementedError("Decoder.__init__")


class Model:
    """A student's class that builds its parts in its constructor."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.size = args.size
        self.decoder = Decoder(args.size, 3)

    @staticmethod
    def twice(x: int) -> int:
        return 2 * x

    def thrice(self, x: int) -> int:
        return 3 * x

    def free(x: int) -> int:  # noqa: N805  (a static method whose decorator was forgotten)
        return 4 * x


class ModuleModel(nn.Module):
    """The same as a module, whose constructor fails."""

    def __init__(self, args: argparse.Namespace) -> None:
        super().__init__()
        raise ValueError(f"no data for {args.size}")


@pytest.fixture
def rng() -> Inputs:
    return Inputs(5)


def test_known_parts_take_single_codes_batches_and_images(rng: Inputs) -> None:
    encoder, decoder = KnownEncoder(rng), KnownDecoder(rng, blocks=784, scale=5)
    images = binary_images(rng, 6)
    mean, variance = encoder(images)
    assert mean.shape == variance.shape == (6, 2)
    assert (variance > 0).all()
    assert torch.allclose(encoder(images.reshape(6, 1, 28, 28))[0], mean)
    assert torch.allclose(encoder(images[2])[0], mean[2], atol=1e-6)
    pixels = decoder(mean)
    assert pixels.shape == (6, 784)
    assert ((pixels > 0) & (pixels < 1)).all()
    assert torch.allclose(decoder(mean[2]), pixels[2], atol=1e-5)
    assert decoder(mean.double()).dtype == torch.float32


def test_decoder_remembers_what_was_decoded(rng: Inputs) -> None:
    decoder = KnownDecoder(rng)
    assert decoder.decoded().shape == (0, 2)
    codes = rng.normal(3, 2)
    decoder(codes[:2])
    decoder(codes[2])
    assert torch.equal(decoder.decoded(), codes)
    decoder.picture(codes[0])
    assert len(decoder.decoded()) == 3


def test_encoder_counts_images_that_gradients_came_back_through(rng: Inputs) -> None:
    encoder, images = KnownEncoder(rng), binary_images(rng, 5)
    encoder(images)  # looked at, not learnt from
    with torch.no_grad():
        encoder(images)
    encoder(images[:2])[0].sum().backward()
    assert len(encoder.used) == 1
    assert torch.equal(encoder.used[0], images[:2])


def test_served_digits_are_found_where_the_given_loader_looks(
    rng: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOGRADER_DATA", "")
    images, labels = binary_images(rng, 7), torch.arange(7)
    serve_digits((images, labels), (images[:2], labels[:2]))
    written = read_idx(tmp_path / "data" / "train-images-idx3-ubyte.gz")
    assert np.array_equal(written.reshape(7, 784), images.numpy() * 255)
    assert read_idx(tmp_path / "data" / "t10k-labels-idx1-ubyte.gz").tolist() == [0, 1]


def test_options_are_the_students_with_ours_in_their_place() -> None:
    def parse_args() -> argparse.Namespace:
        parser = argparse.ArgumentParser()
        parser.add_argument("--own", default=3)
        parser.add_argument("--size", default=500)
        return parser.parse_args()

    def failing() -> argparse.Namespace:
        parser = argparse.ArgumentParser()
        parser.add_argument("needed")
        return parser.parse_args()

    assert vars(options(types.SimpleNamespace(parse_args=parse_args), size=8)) == {"own": 3, "size": 8}
    assert vars(options(types.SimpleNamespace(parse_args=failing), size=8)) == {"size": 8}
    assert vars(options(types.SimpleNamespace(), size=8)) == {"size": 8}


def test_assemble_keeps_a_broken_part_out_of_the_constructor(rng: Inputs) -> None:
    known = KnownDecoder(rng)
    made = assemble(Model, argparse.Namespace(size=4), {"Decoder": known})
    assert (made.decoder, made.size) == (known, 4)
    assert Model.__init__.__globals__["Decoder"] is Decoder


def test_assemble_does_without_a_broken_constructor_only_where_told(rng: Inputs) -> None:
    known, args = KnownDecoder(rng), argparse.Namespace(size=4)
    made = assemble(ModuleModel, args, {"Decoder": known}, otherwise={"train_images": 1})
    assert (made.decoder, made.size, made.train_images) == (known, 4, 1)
    with pytest.raises(ValueError, match="no data"):
        assemble(ModuleModel, args, {"Decoder": known})


def test_method_of_calls_methods_however_they_were_written() -> None:
    assert [method_of(Model, name)(5) for name in ("twice", "thrice", "free")] == [10, 15, 20]
    with pytest.raises(AttributeError):
        method_of(Model, "missing")
    assert isinstance(bare(Model), Model)


def test_swapped_restores_what_was_there() -> None:
    namespace = {"a": 1}
    with swapped(namespace, {"a": 2, "b": 3}):
        namespace["c"] = 4
        assert namespace == {"a": 2, "b": 3, "c": 4}
    assert namespace == {"a": 1, "c": 4}


@pytest.mark.parametrize("chosen", [1e-4, 0.5])
def test_learning_rate_is_imposed_on_adam_alone(chosen: float) -> None:
    weight, other = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    adam, sgd = torch.optim.AdamW([weight], lr=chosen, weight_decay=3), torch.optim.SGD([other], lr=chosen)
    with learning_rate(0.01) as steps:
        (weight + other).sum().backward()
        adam.step()
        sgd.step()
    assert torch.allclose(weight, torch.full((2,), 0.99))
    assert torch.allclose(other, torch.full((2,), 1 - chosen))
    adam.param_groups[0]["lr"] = chosen
    adam.step()
    assert torch.allclose(weight, torch.full((2,), 0.99 - chosen), atol=1e-5)
    assert steps == ["AdamW", "SGD"]


def test_constant_noise_reaches_all_ways_of_calling_randn() -> None:
    with constant_noise(0.25):
        drawn = [torch.randn(2, 3), torch.randn((2, 3)), torch.randn(size=(2, 3)), torch.randn_like(torch.zeros(2, 3))]
    assert all(torch.equal(one, torch.full((2, 3), 0.25)) for one in drawn)
    assert not torch.equal(torch.randn(2, 3), drawn[0])


def test_saved_parameters_are_found_in_whatever_was_saved(rng: Inputs, tmp_path: Path) -> None:
    net, other = nn.Linear(3, 2), nn.Linear(3, 2)
    for name, content in {
        "state": net.state_dict(),
        "module": net,
        "checkpoint": {"epoch": 3, "model": net.state_dict()},
        "list": list(net.parameters()),
    }.items():
        torch.save(content, tmp_path / name)
        assert holds(tmp_path / name, net) is True
        assert holds(tmp_path / name, other) is False
    torch.save({"epoch": 3}, tmp_path / "empty")
    (tmp_path / "junk").write_bytes(b"junk")
    assert holds(tmp_path / "empty", net) is None
    assert saved_tensors(tmp_path / "junk") is None
    assert saved_tensors(tmp_path / "missing") is None


def test_parameter_vector_is_a_copy() -> None:
    net = nn.Linear(3, 2)
    vector = parameter_vector(net)
    assert vector.shape == (8,)
    with torch.no_grad():
        net.weight.zero_()
    assert vector[:6].abs().sum() > 0
