"""Problem 1.d: the optimizer, and training with the student's own parts."""

import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.data import DataLoader, TensorDataset

from autograder.marks import twin
from autograder.probes.batches import takes
from autograder.probes.digits import digits
from autograder.probes.training import parameter_vector, swapped

NOISE = 96
BATCH = 128


class Judge(nn.Module):
    """A known discriminator: a linear map of the image, [N, 1].

    Attributes:
        darkest: the smallest grey value that it was shown.
    """

    def __init__(self, rng):
        super().__init__()
        self.weight = nn.Parameter(rng.normal(784, 1, std=0.05))
        self.darkest = 0.0

    def forward(self, images):
        self.darkest = min(self.darkest, float(images.detach().min()))
        return images.reshape(len(images), -1) @ self.weight


class Painter(nn.Module):
    """A known generator: a linear map of the noise, kept in -0.5..0.5, [N, 784]."""

    def __init__(self, rng):
        super().__init__()
        self.weight = nn.Parameter(rng.normal(NOISE, 784, std=0.1))

    def forward(self, noise):
        return 0.5 * torch.sin(noise @ self.weight)


class Blender(nn.Module):
    """A known generator that lays digits over each other, [N, 784] in -1..1: near to digits, and not too near."""

    def __init__(self, rng, digits):
        super().__init__()
        self.digits = digits.flatten(1)
        self.weight = nn.Parameter(rng.normal(NOISE, len(digits), std=0.5))

    def forward(self, noise):
        return torch.softmax(noise @ self.weight, dim=1) @ self.digits


class Fitted(nn.Module):
    """The student's discriminator, given images as [N, 784] where it takes no others."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.flatten = not takes(net, torch.zeros(2, 1, 28, 28))  # graded in 1.d.ii.1, or in 1.b.ii

    def forward(self, images):
        return self.net(images.flatten(1) if self.flatten else images.reshape(-1, 1, 28, 28))


class Pull(nn.Module):
    """A known model without data: weights whose gradients are what is asked for."""

    def __init__(self, rng):
        super().__init__()
        self.weight = nn.Parameter(rng.normal(4, 3).double())

    def forward(self, direction):
        return (self.weight * direction).sum()


def noise_of(batch_size, dim, seed=None):
    """Known noise in place of the student's, which is graded in 1.b.i: Gaussian, not uniform."""
    return 0.5 * torch.randn(batch_size, dim)


def hinge_of_discriminator(real, fake):
    return torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()


def hinge_of_generator(fake):
    return -fake.mean()


def loader_of(images, batch=BATCH):
    """Images [N, 1, 28, 28] in 0..1 as a loader with labels, as torchvision's MNIST gives them."""
    return DataLoader(TensorDataset(images, torch.zeros(len(images))), batch_size=batch)


def run(gan_mnist, judge, painter, solvers, losses, loader, **settings):
    """The notebook's run_a_gan with known noise."""
    train = gan_mnist.run_a_gan
    with swapped(vars(gan_mnist), {"sample_noise": noise_of}):
        train(judge, painter, *solvers, *losses, loader, show_every=10**6, noise_size=NOISE, **settings)


def has_changed(net, before):
    """Whether training changed a network, and left it without NaN."""
    after = parameter_vector(net)
    return "NaN" if bool(after.isnan().any()) else "yes" if not torch.equal(after, before) else "no"


@number("1.d.i.1")
@weight(1)
@twin(1)
def test_optimizer_steps(gan_mnist, rng, observe):
    """get_optimizer's steps are those of Adam with the given learning rate and betas."""
    model = Pull(rng)
    solver = gan_mnist.get_optimizer(model)
    start = model.weight.detach().clone()
    moved = []
    for _ in range(6):
        solver.zero_grad()
        model(rng.normal(4, 3).double()).backward()
        solver.step()
        moved.append(1000 * (model.weight.detach() - start))
    observe(way_in_thousandths=torch.stack(moved))


@number("1.d.i.2")
@weight(1)
def test_optimizer_parameters(gan_mnist, observe):
    """get_optimizer gives an optimizer of all parameters of the model, and of no others."""
    models = [nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))) for _ in range(2)]
    solvers = [gan_mnist.get_optimizer(model) for model in models]
    observe.exact(is_an_optimizer=isinstance(solvers[0], torch.optim.Optimizer))
    before = [parameter.detach().clone() for model in models for parameter in model.parameters()]
    for model in models:
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    solvers[0].step()
    after = [parameter for model in models for parameter in model.parameters()]
    changed = [not torch.equal(old, new.detach()) for old, new in zip(before, after, strict=True)]
    observe.exact(changed_in_this_model=changed[:6], changed_in_another_model=changed[6:])


@number("1.d.ii.1")
@weight(1)
def test_training_networks(gan_mnist, rng, observe):
    """run_a_gan trains your discriminator and your generator, here with known losses and optimizers."""
    judge, painter = gan_mnist.discriminator(), gan_mnist.generator(NOISE)
    before = parameter_vector(judge), parameter_vector(painter)
    solvers = [torch.optim.SGD(net.parameters(), lr=0.01) for net in (judge, painter)]
    images = rng.uniform(2 * BATCH, 1, 28, 28)
    some = images[:BATCH]
    # Else what is wrong inside of a network would look like one that the loop does not fit.
    observe.exact(
        discriminator_takes_images=takes(judge, some, some.flatten(1)),
        generator_takes_noise=takes(painter, noise_of(BATCH, NOISE)),
    )
    run(
        gan_mnist,
        judge,
        painter,
        solvers,
        (hinge_of_discriminator, hinge_of_generator),
        loader_of(images),
        num_epochs=1,
    )
    observe.exact(
        discriminator_has_changed=has_changed(judge, before[0]), generator_has_changed=has_changed(painter, before[1])
    )


@number("1.d.ii.2")
@weight(1)
def test_training_losses(gan_mnist, rng, observe):
    """run_a_gan trains known networks with your losses, one step of each network per minibatch."""
    judge, painter = Judge(rng), Painter(rng)
    before = parameter_vector(judge), parameter_vector(painter)
    solvers = [torch.optim.SGD(net.parameters(), lr=0.01) for net in (judge, painter)]
    steps = [0, 0]

    def count(solver, *_):
        if solver in solvers:
            steps[solvers.index(solver)] += 1

    handle = register_optimizer_step_pre_hook(count)
    try:
        losses = gan_mnist.discriminator_loss, gan_mnist.generator_loss
        images = rng.uniform(3 * BATCH, 1, 28, 28)
        run(gan_mnist, judge, painter, solvers, losses, loader_of(images), num_epochs=2)
    finally:
        handle.remove()
    observe.exact(
        steps_of_discriminator_and_generator=steps,
        discriminator_has_changed=has_changed(judge, before[0]),
        generator_has_changed=has_changed(painter, before[1]),
    )
    observe(smallest_grey_value=judge.darkest, atol=0.01)


@number("1.d.ii.3")
@weight(1)
def test_training_on_digits(gan_mnist, rng, observe):
    """After a short training on digits, your discriminator tells them from what a known generator makes of them."""
    real = digits(rng, 1200, "train")
    painter = Blender(rng, 2 * real[:200] - 1)
    judge = Fitted(gan_mnist.discriminator())
    solvers = gan_mnist.get_optimizer(judge), torch.optim.SGD(painter.parameters(), lr=0.01)
    losses = gan_mnist.discriminator_loss, hinge_of_generator
    run(gan_mnist, judge, painter, solvers, losses, loader_of(real[200:840]), num_epochs=10)
    with torch.no_grad():
        of_real = judge(2 * real[840:] - 1).flatten()
        of_fake = judge(painter(noise_of(360, NOISE))).flatten()
    # A share of pairs, so that it does not matter where the student's discriminator has its zero. In powers of ten,
    # since training that goes less well than usual multiplies it.
    confused = (of_real[:, None] <= of_fake).float().mean().clamp(min=1e-4)
    observe.band(side="at_most", log10_of_the_share_of_pairs_confused=confused.log10())
