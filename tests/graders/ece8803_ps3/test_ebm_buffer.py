"""Part 2.b.iv: the replay buffer, by what it gives over many calls.

The student's generate_samples is replaced by one that labels every image that it returns, so that the next calls show
which images come from the buffer, how old they are, and which are fresh noise.
"""

import torch
from gradescope_utils.autograder_utils.decorators import number, weight
from torch import nn

from autograder.marks import twin
from autograder.probes.tensors import shape_of

SHAPE = (1, 28, 28)


class Labels:
    """Stands for MCMC: each image that comes out is one grey value, a label that says in which call it was made.

    Attributes:
        calls: (images that came in, steps, step_size, model) of each call.
        made: how many images were labelled.
    """

    STEP = 1e-5  # between labels, which start at -0.9

    def __init__(self):
        self.calls = []
        self.made = 0

    def __call__(self, model, inp_imgs, steps=60, step_size=10, return_img_per_step=False):
        self.calls.append((inp_imgs.detach().clone(), steps, step_size, model))
        labels = -0.9 + self.STEP * torch.arange(self.made, self.made + len(inp_imgs), dtype=torch.float64)
        self.made += len(inp_imgs)
        imgs = labels.float().reshape(-1, 1, 1, 1).expand(inp_imgs.shape).clone()
        return imgs[None].repeat(steps, 1, 1, 1, 1) if return_img_per_step else imgs

    def labels(self, images):
        """The label of each image that has one grey value."""
        return ((images.flatten(1)[:, 0].double() + 0.9) / self.STEP).round().long()


class Session:
    """A Sampler of the student's with known MCMC and a known first content of its buffer."""

    def __init__(self, ebm_mnist, size, max_len, shape=SHAPE):
        self.size = size
        self.mcmc = Labels()
        ebm_mnist.Sampler.generate_samples = staticmethod(self.mcmc)
        self.model = nn.Linear(1, 1)
        self.sampler = ebm_mnist.Sampler(self.model, shape, size, max_len)
        first = self.mcmc(None, torch.zeros(size, *shape))
        self.mcmc.calls.clear()
        examples = self.sampler.examples
        for row in range(min(size, len(examples))):
            examples[row] = first[row : row + 1] if examples[row].dim() == 4 else first[row]

    def run(self, calls):
        """Ask for samples many times."""
        for _ in range(calls):
            self.sampler.sample_new_exmps(steps=1, step_size=1)
        return self

    def starts(self):
        """(images that a call handed to MCMC, whether each of them is noise), for each call."""
        return [(images, images.flatten(1).std(1) > 1e-3) for images, *_ in self.mcmc.calls]

    def ages(self, first=0):
        """(how many calls ago an image from the buffer was made, in which call it was used), from the first call on.

        Calls count from 1, and what the buffer held at the beginning was made in call 0.
        """
        found = [torch.zeros(2, 0, dtype=torch.int64)]
        for call, (images, is_noise) in enumerate(self.starts(), start=1):
            made = self.mcmc.labels(images[~is_noise]) // self.size
            if call > first:
                found.append(torch.stack([call - made, torch.full_like(made, call)]))
        return torch.cat(found, dim=1)

    def kept(self):
        """The images in the buffer, whether it is a tensor, a list of images or a list of batches."""
        examples = self.sampler.examples
        if isinstance(examples, torch.Tensor):
            return examples
        return torch.cat([example if example.dim() == 4 else example[None] for example in examples])


@number("2.b.iv.1")
@weight(1)
def test_samples_of_a_batch(ebm_mnist, observe):
    """sample_new_exmps hands sample_size images to generate_samples with its own settings, and returns the results."""
    for shape in (SHAPE, (1, 8, 8)):
        session = Session(ebm_mnist, 12, 100, shape)
        images = session.sampler.sample_new_exmps(steps=7, step_size=3)
        name = "x".join(map(str, shape))
        observe.exact(**{f"shape_of_samples_of_{name}": shape_of(images)})
        asked = [
            [shape_of(given), steps, step_size, model is session.model]
            for given, steps, step_size, model in session.mcmc.calls
        ]
        observe.exact(**{f"shape_steps_step_size_and_whether_it_is_the_model_for_{name}": asked})
        if isinstance(images, torch.Tensor):
            results = torch.equal(images.flatten(1).std(1) < 1e-3, torch.ones(12, dtype=torch.bool))
            observe.exact(**{f"these_are_what_came_out_of_mcmc_for_{name}": results})


@number("2.b.iv.2")
@weight(1)
@twin(1)
def test_fresh_noise(ebm_mnist, observe):
    """About 5 % of the images that sample_new_exmps starts from are fresh noise, uniform in [-1, 1]."""
    starts = Session(ebm_mnist, 100, 400).run(200).starts()
    observe.exact(images_went_through_mcmc=bool(starts))
    fresh = [is_noise for _, is_noise in starts] or [torch.zeros(1, dtype=torch.bool)]
    observe.samples(image_is_fresh=torch.cat(fresh).float())
    observe.samples(call_has_a_fresh_image=torch.stack([call.any() for call in fresh]).float())
    noise = torch.cat([torch.zeros(0, *SHAPE), *(images[is_noise] for images, is_noise in starts)])
    observe.samples(pixels_of_fresh_images=noise[:10].flatten() if len(noise) >= 10 else torch.zeros(7840))


@number("2.b.iv.3")
@weight(1)
@twin(1)
def test_images_from_the_buffer(ebm_mnist, observe):
    """The images that sample_new_exmps starts from are drawn from all of the buffer, which holds earlier results."""
    session = Session(ebm_mnist, 50, 100_000).run(100)
    age, call = session.ages(first=5)
    observe.samples(age_as_a_share_of_all_calls=age / call)


@number("2.b.iv.4")
@weight(1)
def test_length_of_the_buffer(ebm_mnist, observe):
    """The buffer holds max_len images at most, the newest ones."""
    session = Session(ebm_mnist, 20, 60).run(40)
    age, _ = session.ages(first=20)
    kept = session.kept()
    observe.exact(images_kept=len(kept), all_of_them_are_results=bool((kept.flatten(1).std(1) < 1e-3).all()))
    observe.exact(newest_are_used=bool((age == 1).any()), none_is_older_than_three_calls=bool((age <= 3).all()))
