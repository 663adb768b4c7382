"""Problem 4.f: training the GAN, and the images that it saves."""

from pathlib import Path

import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from autograder.marks import twin
from autograder.probes.parameters import load_parameters
from autograder.probes.training import serve_digits, swapped
from autograder.randomness import Inputs

ZDIM = 64
BATCH = 16
BATCHES = 3
SUFFIXES = {".png", ".jpg", ".jpeg", ".pdf", ".gif", ".bmp", ".webp", ".svg"}


class Dial(nn.Module):
    """A known network of four numbers, whose output is the same for every input."""

    def __init__(self, rng, pixels):
        super().__init__()
        self.position = nn.Parameter(rng.normal(4))
        self.pixels = pixels
        self.inputs = []

    def forward(self, inputs):
        self.inputs.append(inputs.detach().clone())
        level = torch.sigmoid(self.position).mean()
        return (self.pixels * level).expand(len(inputs), *self.pixels.shape)


class Session:
    """A student's GAN around two dials with known losses, and what its train() asks of them.

    The losses are linear, so that the gradient of every right update is known: `pull_d` and `pull_g`. Each has a term
    in the other network's parameters as well, as a GAN's losses have; it must not reach the other network's updates.
    """

    def __init__(self, hw3_gan, rng):
        self.images = rng.uniform(BATCH * BATCHES, 784)
        self.images[:, 0], self.images[:, 1] = 0.0, 1.0
        serve_digits(*[(self.images, torch.arange(len(self.images)) % 10)] * 2)
        self.judge = Dial(rng, torch.ones(1))
        self.painter = Dial(rng, rng.uniform(1, 28, 28))
        self.pull_d, self.pull_g, self.leak = rng.normal(4), rng.normal(4), rng.normal(4, std=5.0)
        self.gan = gan_with(hw3_gan, self.judge, self.painter)
        self.gan._get_loss_d, self.gan._get_loss_g = self.loss_d, self.loss_g
        self.calls_d, self.calls_g = [], []
        self.updates = {"discriminator": [], "generator": []}

    def loss_d(self, batch_size, batch_data, z):
        self.calls_d.append((batch_size, batch_data.detach().clone(), z.detach().clone()))
        return (self.pull_d * self.judge.position).sum() + (self.leak * self.painter.position).sum()

    def loss_g(self, batch_size, z):
        self.calls_g.append((batch_size, z.detach().clone()))
        return (self.pull_g * self.painter.position).sum() + (self.leak * self.judge.position).sum()

    def train(self, **settings):
        handle = register_optimizer_step_pre_hook(self._before_update)
        try:
            self.gan.train(**settings)
        finally:
            handle.remove()

    def _before_update(self, optimizer, _args, _kwargs):
        for name, net in (("discriminator", self.judge), ("generator", self.painter)):
            if any(parameter is net.position for group in optimizer.param_groups for parameter in group["params"]):
                gradient = net.position.grad
                gradient = torch.zeros(4) if gradient is None else gradient.clone()
                self.updates[name].append((net.position.detach().clone(), gradient))

    def gradients(self, name):
        """The mean of the gradients that the network's updates used, [4]; None where there was no update."""
        used = [gradient for _, gradient in self.updates[name]]
        return torch.stack(used).mean(0) if used else None

    def first_step(self, name):
        """How far each parameter moved in the network's first update, [4]; None where there was no second update."""
        positions = [position for position, _ in self.updates[name][:2]]
        return (positions[1] - positions[0]).abs() if len(positions) == 2 else None


def gan_with(hw3_gan, judge, painter):
    """The student's GAN around two known networks, whatever it calls them."""
    own = hw3_gan.GAN  # loaded before its networks are swapped
    with swapped(vars(hw3_gan), {"DNet": lambda *_, **__: judge, "GNet": lambda *_, **__: painter}):
        gan = own()
    for name, part in (("disc", judge), ("gen", painter)):
        if not any(value is part for value in vars(gan).values()):
            setattr(gan, name, part)
    return gan


@number("4.f.1")
@weight(1)
def test_training_updates(hw3_gan, rng, observe):
    """train() makes iter_d and iter_g updates per minibatch, each with its own gradient, at the rate lr."""
    session = Session(hw3_gan, rng)
    session.train(iter_d=2, iter_g=3, n_epochs=2, batch_size=BATCH, lr=0.01)
    observe.exact(updates={name: len(made) for name, made in session.updates.items()})
    for name in session.updates:
        observe(**{f"gradient_used_for_the_{name}": session.gradients(name)})
        observe(**{f"first_step_of_the_{name}": session.first_step(name)}, rtol=1e-2)


@number("4.f.2")
@weight(1)
def test_training_minibatches(hw3_gan, rng, observe):
    """train() gives the losses every image, with grey values in 0..1, and new z for every minibatch."""
    session = Session(hw3_gan, rng)
    session.train(n_epochs=1, batch_size=BATCH)
    calls = session.calls_d
    observe.exact(minibatches=[[size, list(images.shape), list(z.shape)] for size, images, z in calls])
    images = torch.cat([images.flatten(1) for _, images, _ in calls]) if calls else torch.zeros(0, 784)
    observe(smallest_and_largest_grey_value=torch.stack([images.min(), images.max()]) if len(images) else None)
    observe.exact(different_images=len(torch.unique(images, dim=0)))
    zs = torch.cat([z.reshape(len(z), -1) for _, _, z in calls]) if calls else torch.zeros(0, ZDIM)
    observe.exact(different_z=len(torch.unique(zs, dim=0)))


@number("4.f.3")
@weight(1)
def test_training_saves_images(hw3_gan, rng, observe):
    """train() saves images of the generator."""
    session = Session(hw3_gan, rng)
    session.train(n_epochs=1, batch_size=BATCH)
    saved = sorted(path for path in Path().rglob("*") if path.suffix.lower() in SUFFIXES and path.stat().st_size)
    # The known losses ask the generator for nothing: whoever did ask wanted to see its images.
    observe.exact(generator_was_asked_for_images=bool(session.painter.inputs), image_file_was_saved=bool(saved))


@number("4.f.4")
@weight(1)
@twin(1)
def test_training_run(hw3_gan, hw3_utils, rng, observe):
    """In a short run of train() with a known loss, DNet and GNet bring the images closer to real ones."""
    name = "train-images-idx3-ubyte.gz"
    hw3_utils.download(name, name)
    digits = hw3_utils.GANDataset(f"data/{name}", torch.device("cpu"))
    real = torch.stack([digits[int(row)] for row in rng.permutation(len(digits))[:400]]) / 255  # (400, 1, 28, 28)
    serve_digits(*[(real.flatten(1), torch.arange(len(real)) % 10)] * 2)
    judge, painter = (known(network, *args) for network, args in ((hw3_gan.DNet, ()), (hw3_gan.GNet, (ZDIM,))))
    gan = gan_with(hw3_gan, judge, painter)

    # Hinge losses instead of cross-entropy: the student's own losses are graded in 4.d and 4.e.
    def loss_d(batch_size, batch_data, z):
        return torch.relu(1 - judge(batch_data)).mean() + torch.relu(1 + judge(painter(z).detach())).mean()

    def loss_g(batch_size, z):
        return -judge(painter(z)).mean()

    gan._get_loss_d, gan._get_loss_g = loss_d, loss_g
    gan.train(n_epochs=1, batch_size=8, lr=0.002)
    with torch.no_grad():
        images = painter(2 * torch.rand(200, ZDIM) - 1)
    observe.picture("Images after 50 minibatches", mosaic(images))
    observe.band(side="at_most", distance_to_real_images=energy_distance(images, real[:200]))
    observe.band(side="at_least", spread_of_the_images=float(images.std(0).mean()))


def known(network, *args):
    """A network of the student's class with parameters from which the reference learns fast under every seed."""
    network._weight_init = lambda *_: None
    net = network(*args)
    load_parameters(net, Inputs(6))
    return net


def energy_distance(first, second):
    """Székely's energy distance of two sets of images [n, 1, 28, 28], seen at 7 x 7 pixels; 0 for one distribution."""
    a, b = (nn.functional.avg_pool2d(images, 4).flatten(1) for images in (first, second))
    return float(2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean())


def mosaic(images, rows=4, columns=8):
    """The first images [n, 1, 28, 28] in rows, [rows · 28, columns · 28]."""
    tiles = images[: rows * columns, 0].reshape(rows, columns, 28, 28)
    return tiles.permute(0, 2, 1, 3).reshape(rows * 28, columns * 28)
