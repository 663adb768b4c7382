"""Part 2.b.vii: one step of training, around a known model, a known sampler and known losses."""

from contextlib import contextmanager

import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from autograder.marks import twin
from autograder.probes.digits import digits
from autograder.probes.energies import SHAPE, output_sign
from autograder.probes.training import method_of, swapped

BLOCKS = 4
ALPHA = 0.3


class Meter(nn.Module):
    """Outputs [N]: a constant, and a weighted sum of a bend of the mean grey value of each block of pixels.

    Attributes:
        seen: for each forward pass that a gradient came back through, once or several times, its images
            [N, 1, 28, 28].
    """

    def __init__(self, weights, scale, sign):
        super().__init__()
        self.weights = nn.Parameter(weights.clone())
        self.scale = scale
        self.sign = sign
        self.seen = {}

    def forward(self, images):
        features = torch.tanh(2 * images.reshape(len(images), BLOCKS, -1).mean(-1))  # (N, blocks)
        scores = 1.5 + self.scale * features @ self.weights
        if scores.requires_grad:
            rows, forward_pass = images.detach().clone(), object()
            scores.register_hook(lambda _: self.seen.update({forward_pass: rows}))
        return self.sign * scores


class Supply:
    """Stands for the sampler: gives the same samples at every call.

    Attributes:
        calls: (steps, step_size) of each call.
    """

    def __init__(self, images):
        self.images = images
        self.calls = []

    def sample_new_exmps(self, steps=60, step_size=10, *_, **__):
        self.calls.append((float(steps), float(step_size)))
        return self.images.clone()


class Session:
    """The student's training_step among known parts, with outputs in the student's convention.

    Attributes:
        used: the gradient of the model's parameters at each step of the optimizer.
    """

    def __init__(self, ebm_mnist, rng, real, scale=0.02):
        self.ebm = ebm_mnist
        self.sign = output_sign(
            lambda real, fake: ebm_mnist.contrastive_divergence_loss(real, fake),
            lambda *args, **how: method_of(ebm_mnist.Sampler, "generate_samples")(*args, **how),
        )
        self.real = real
        self.supply = Supply(-uneven(rng, len(real)))
        self.model = Meter(rng.normal(BLOCKS), scale, self.sign)
        self.used = []

    def divergence(self, real_out, fake_out):
        """In place of the student's contrastive divergence, which is graded in 2.b.v."""
        real_out, fake_out = self.sign * real_out, self.sign * fake_out
        return 0.7 * fake_out.square().mean() - 0.2 * (real_out**3).mean()

    def regularization(self, real_out, fake_out, alpha):
        """In place of the student's regularization, which is graded in 2.b.vi."""
        return alpha * (0.5 * self.sign * real_out - self.sign * fake_out).mean()

    @contextmanager
    def known_losses(self):
        _ = self.ebm.training_step  # loaded first, or its slice would bring the student's losses back
        known = {"contrastive_divergence_loss": self.divergence, "regularization_loss": self.regularization}
        with swapped(vars(self.ebm), known):
            yield

    def step(self):
        """One step with plain gradient descent, after which `used` holds the gradient that it took."""
        optimizer = torch.optim.SGD(self.model.parameters(), lr=0.5)
        self.model.weights.grad = torch.full((BLOCKS,), 7.0)  # left over from elsewhere
        # Asked for afterwards: a closure that is handed to the optimizer computes the gradient during the step.
        handle = register_optimizer_step_post_hook(lambda *_: self.used.append(gradient_of(self.model)))
        try:
            with self.known_losses():
                return self.ebm.training_step(self.model, self.supply, optimizer, self.real.clone(), ALPHA)
        finally:
            handle.remove()

    def seen(self):
        """(real images, samples) that the loss was computed from, told apart by their mean grey value."""
        images = torch.cat([torch.zeros(0, *SHAPE), *self.model.seen.values()])
        is_real = images.flatten(1).mean(1) > 0
        return images[is_real], images[~is_real]


def uneven(rng, count):
    """Images [count, 1, 28, 28] with values in [0.2, 0.95], whose blocks of pixels differ in their mean."""
    levels = rng.uniform(count, BLOCKS, 1, low=0.3, high=0.85).repeat(1, 1, 784 // BLOCKS)
    return levels.reshape(count, *SHAPE) + rng.uniform(count, *SHAPE, low=-0.1, high=0.1)


def gradient_of(model):
    gradient = model.weights.grad
    return torch.zeros(BLOCKS) if gradient is None else gradient.clone()


def number_of(loss):
    """A loss as a number, whether it is one or a tensor of one."""
    return float(loss.detach()) if isinstance(loss, torch.Tensor) and loss.numel() == 1 else loss


@number("2.b.vii.1")
@weight(1)
@twin(1)
def test_images_of_a_training_step(ebm_mnist, rng, observe):
    """training_step shows the model real images with a little noise, in [-1, 1], and samples as they are."""
    session = Session(ebm_mnist, rng, uneven(rng, 8))
    session.step()
    real, samples = session.seen()
    observe.exact(shapes=[list(real.shape), list(samples.shape)], samplers_steps_and_step_size=session.supply.calls)
    fits = real.shape == session.real.shape
    observe.samples(noise_on_real_images=(real - session.real if fits else real - 0.6).flatten())
    if samples.shape == session.supply.images.shape:
        observe(mean_change_of_samples=(samples - session.supply.images).abs().mean(), atol=1e-6, rtol=0.05)

    bright = torch.where(rng.uniform(8, *SHAPE) < 0.8, 1.0, -1.0)
    session = Session(ebm_mnist, rng, bright)
    session.step()
    real, _ = session.seen()
    observe.exact(values_are_in_range=bool((real.abs() <= 1 + 1e-6).all()))
    if len(real):
        observe(darkest_and_brightest_pixel=torch.stack([real.min(), real.max()]), atol=6e-3)


@number("2.b.vii.2")
@weight(1)
@twin(1)
def test_update_of_a_training_step(ebm_mnist, rng, observe):
    """training_step makes one update, with the gradient of the sum of both losses and no other."""
    session = Session(ebm_mnist, rng, uneven(rng, 8))
    loss = session.step()
    observe.exact(updates=len(session.used))
    observe(gradient_of_the_update=session.used[0] if session.used else None, rtol=1e-2, atol=1e-4)
    observe(loss=number_of(loss), rtol=1e-3)


@number("2.b.vii.3")
@weight(1)
def test_clipped_update(ebm_mnist, rng, observe):
    """training_step clips the norm of a large gradient."""
    session = Session(ebm_mnist, rng, uneven(rng, 8), scale=20.0)
    session.step()
    observe(norm_of_the_gradient=session.used[0].norm() if session.used else None, rtol=0.02)


@number("2.b.vii.4")
@weight(1)
def test_short_training(ebm_mnist, rng, observe):
    """A few training steps open a gap between the scores of real digits and of noise."""
    real = 2 * digits(rng, 64, "t10k") - 1
    session = Session(ebm_mnist, rng, real)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.003)

    class Signed(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, images):
            return session.sign * self.net(images)

    def noise():
        return 2 * torch.rand(64, *SHAPE) - 1

    session.divergence = lambda real_out, fake_out: (
        nn.functional.softplus(-session.sign * real_out) + nn.functional.softplus(session.sign * fake_out)
    ).mean()
    session.regularization = lambda real_out, fake_out, alpha: 0.01 * alpha * (real_out**2 + fake_out**2).mean()
    supply = Supply(noise())
    with session.known_losses():
        for _ in range(20):
            supply.images = noise()
            ebm_mnist.training_step(Signed(), supply, optimizer, real.clone(), ALPHA)
    with torch.no_grad():
        gap = net(real).mean() - net(noise()).mean()
    observe.band(gap=gap, side="at_least")
