"""Problem 4.f: training the GAN, and the images that it saves."""

from contextlib import suppress
from pathlib import Path

import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from autograder.marks import twin
from autograder.probes.training import serve_digits
from autograder.randomness import Inputs

ZDIM = 64
BATCH = 16
BATCHES = 3
SUFFIXES = {".png", ".jpg", ".jpeg", ".pdf", ".gif", ".bmp", ".webp", ".svg"}


class Dial(nn.Module):
    """A known network of four numbers, whose output is the same for every input."""

    def __init__(self, rng, *shape):
        super().__init__()
        self.position = nn.Parameter(rng.normal(4))
        self.shape = shape

    def forward(self, inputs):
        return torch.sigmoid(self.position).mean().expand(len(inputs), *self.shape)


class Judge(nn.Module):
    """A known discriminator with one hidden layer."""

    def __init__(self, rng):
        super().__init__()
        self.first, self.bias = nn.Parameter(rng.normal(784, 16, std=0.05)), nn.Parameter(rng.normal(16, std=0.1))
        self.last = nn.Parameter(rng.normal(16, 1, std=0.3))

    def forward(self, images):
        return torch.tanh(images.flatten(1) @ self.first + self.bias) @ self.last  # (batch, 1)


class Painter(nn.Module):
    """A known generator without hidden layer, which at first shows noise."""

    def __init__(self, rng):
        super().__init__()
        self.weight, self.bias = nn.Parameter(rng.normal(ZDIM, 784, std=0.1)), nn.Parameter(rng.normal(784, std=0.1))

    def forward(self, z):
        return torch.sigmoid(z @ self.weight + self.bias).reshape(-1, 1, 28, 28)


class Session:
    """A student's GAN whose networks are two dials with known losses, and what its train() asks of them.

    The losses are linear, so that the gradient of every right update is known: `pull_d` and `pull_g`. Each has a term
    in the other network's parameters as well, as a GAN's losses have; it must not reach the other network's updates.
    """

    def __init__(self, hw3_gan, rng):
        serve_images(random_images(rng))
        self.judge, self.painter = Dial(rng, 1), Dial(rng, 1, 28, 28)
        self.pull_d, self.pull_g, self.leak = rng.normal(4), rng.normal(4), rng.normal(4, std=5.0)
        self.gan = gan_with(hw3_gan, self.judge, self.painter)
        self.gan._get_loss_d, self.gan._get_loss_g = self.loss_d, self.loss_g
        self.calls = []
        self.updates = {"discriminator": [], "generator": []}

    def loss_d(self, batch_size, batch_data, z):
        self.calls.append((batch_size, batch_data.detach().clone(), z.detach().clone()))
        return (self.pull_d * self.judge.position).sum() + (self.leak * self.painter.position).sum()

    def loss_g(self, *_, **__):
        return (self.pull_g * self.painter.position).sum() + (self.leak * self.judge.position).sum()

    def train(self, **settings):
        handle = register_optimizer_step_pre_hook(self.before_update)
        try:
            self.gan.train(**settings)
        finally:
            handle.remove()

    def before_update(self, optimizer, *_):
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


def random_images(rng, batches=BATCHES):
    """A few minibatches of images [n, 784] of noise, each from 0 to 1."""
    images = rng.uniform(BATCH * batches, 784)
    images[:, 0], images[:, 1] = 0.0, 1.0
    return images


def real_images(hw3_utils, rng, count):
    """Digits from the data folder, [count, 1, 28, 28]."""
    name = "train-images-idx3-ubyte.gz"
    hw3_utils.download(name, name)
    digits = hw3_utils.GANDataset(f"data/{name}", torch.device("cpu"))
    return torch.stack([digits[int(row)] for row in rng.permutation(len(digits))[:count]]) / 255


def serve_images(images):
    """Let train() find these images, and no others."""
    digits = (images.reshape(len(images), 784), torch.arange(len(images)) % 10)
    serve_digits(digits, digits)


def gan_with(hw3_gan, judge, painter):
    """The student's GAN, its networks then replaced by known ones under the names that it has for them."""
    gan = hw3_gan.GAN()
    for network, usual, part in ((hw3_gan.DNet, "disc", judge), (hw3_gan.GNet, "gen", painter)):
        setattr(gan, name_of(gan, network, usual), part)
    return gan


def name_of(gan, network, usual):
    """The attribute that holds a network of this class, also where the GAN is a module itself."""
    attributes = {**vars(gan), **vars(gan).get("_modules", {})}
    return next((name for name, value in attributes.items() if type(value) is network), usual)


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
    observe.exact(minibatches=[[size, list(images.shape), list(z.shape)] for size, images, z in session.calls])
    images = torch.cat([torch.zeros(0, 784), *(images.flatten(1) for _, images, _ in session.calls)])
    observe(smallest_and_largest_grey_value=torch.stack([images.min(), images.max()]) if len(images) else None)
    observe.exact(different_images=len(torch.unique(images, dim=0)))
    observe.exact(different_z=len({tuple(row) for *_, z in session.calls for row in z.reshape(len(z), -1).tolist()}))


@number("4.f.3")
@weight(1)
def test_training_saves_images(hw3_gan, hw3_utils, rng, observe):
    """train() saves images of the generator."""
    serve_images(random_images(rng, batches=1))
    gan = hw3_gan.GAN()
    judge, painter = (
        getattr(gan, name_of(gan, network, usual)) for network, usual in ((hw3_gan.DNet, "disc"), (hw3_gan.GNet, "gen"))
    )
    asked = []
    painter.register_forward_hook(lambda *_: asked.append(True))
    # These losses ask the generator for nothing: whoever does ask wants to see its images.
    gan._get_loss_d = lambda *_, **__: sum(parameter.square().sum() for parameter in judge.parameters())
    gan._get_loss_g = lambda *_, **__: sum(parameter.square().sum() for parameter in painter.parameters())
    gan.train(n_epochs=30, batch_size=BATCH)  # for those who save after every tenth or twentieth epoch
    saved = [path for path in Path().rglob("*") if path.suffix.lower() in SUFFIXES and path.stat().st_size]
    observe.exact(generator_was_asked_for_images=bool(asked), image_file_was_saved=bool(saved))

    with suppress(Exception):  # shown and not graded: what is wrong with networks or losses costs nothing here
        serve_images(real_images(hw3_utils, rng, 400))
        gan = hw3_gan.GAN()
        gan.train(n_epochs=1, batch_size=8, lr=0.002)
        with torch.no_grad():
            images = getattr(gan, name_of(gan, hw3_gan.GNet, "gen"))(2 * torch.rand(32, ZDIM) - 1)
        observe.picture("What your GAN makes after 50 minibatches of 8", mosaic(images))


@number("4.f.4")
@weight(1)
@twin(1)
def test_training_run(hw3_gan, hw3_utils, rng, observe):
    """In a short run of train() with known networks and losses, the generator's images come closer to real ones."""
    real = real_images(hw3_utils, rng, 400)
    serve_images(real)
    start = Inputs(1)  # parameters from which the reference gets there under every seed
    judge, painter = Judge(start), Painter(start)
    before = painter.weight.detach().clone()
    gan = gan_with(hw3_gan, judge, painter)
    seen = []

    # Hinge losses instead of cross-entropy: the student's own losses are graded in 4.d and 4.e. Old gradients and z are
    # graded in 4.f.1 and 4.f.2, and make no difference here.
    def loss_d(batch_size, batch_data, z):
        seen.append(batch_data.detach())
        judge.zero_grad()
        return torch.relu(1 - judge(batch_data)).mean() + torch.relu(1 + judge(painter(new_z()).detach())).mean()

    def loss_g(batch_size, z):
        painter.zero_grad()
        return -judge(painter(new_z())).mean()

    gan._get_loss_d, gan._get_loss_g = loss_d, loss_g
    gan.train(n_epochs=8, batch_size=BATCH, lr=0.015)
    with torch.no_grad():
        images = painter(new_z(200))
    data = torch.cat([torch.zeros(0, 1, 28, 28), *seen])
    observe(smallest_and_largest_grey_value=torch.stack([data.min(), data.max()]) if len(data) else None)
    observe.exact(generator_has_changed=amount(float((painter.weight.detach() - before).abs().mean())))
    observe.band(distance_to_real_images=energy_distance(images, real[:200]))
    observe.exact(different_z_give_different_images=bool(images.std(0).mean() > 0.02))


def new_z(count=BATCH):
    return 2 * torch.rand(count, ZDIM) - 1


def amount(change):
    """A mean change of weights in words. The reference's is 0.2 to 0.4, and one update's at most the rate, 0.015."""
    return "not at all" if change == 0 else "hardly" if change < 0.05 else "yes"


def energy_distance(first, second):
    """Székely's energy distance of two sets of images [n, 1, 28, 28], seen at 7 x 7 pixels; 0 for one distribution."""
    a, b = (nn.functional.avg_pool2d(images, 4).flatten(1) for images in (first, second))
    return float(2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean())


def mosaic(images, rows=4, columns=8):
    """The first images [n, 1, 28, 28] in rows, [rows · 28, columns · 28]."""
    tiles = images[: rows * columns, 0].reshape(rows, columns, 28, 28)
    return tiles.permute(0, 2, 1, 3).reshape(rows * 28, columns * 28)
