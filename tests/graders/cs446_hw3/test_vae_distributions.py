"""Problem 2.b: log-densities and samplers."""

import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.gradients import gradients
from autograder.probes.tensors import plain
from autograder.probes.training import method_of


@number("2.b.i.1")
@weight(2)
@twin(1)
def test_gaussian_log_density(hw3_vae, rng, observe):
    """logpdf_diagonal_gaussian gives log N(z | mu, sigma_square I), one number per row."""
    log_density = method_of(hw3_vae.VAE, "logpdf_diagonal_gaussian")
    for name, batch, latent in (("six_codes", 6, 2), ("one_code", 1, 2), ("codes_of_five_dimensions", 4, 5)):
        z, mu = rng.normal(batch, latent, std=2), rng.normal(batch, latent)
        sigma_square = rng.uniform(batch, latent, low=0.2, high=3)
        observe(**{name: log_density(z, mu, sigma_square)})


@number("2.b.i.2")
@weight(1)
@twin(1)
def test_gaussian_log_density_extremes(hw3_vae, rng, observe):
    """logpdf_diagonal_gaussian at tiny and huge variances and far from the mean, and its gradients."""
    log_density = method_of(hw3_vae.VAE, "logpdf_diagonal_gaussian")
    zero = torch.zeros(5, 2)
    # The tolerance at tiny variances lets those pass who add something like 1e-6 to the variance.
    tiny = rng.uniform(5, 2, low=1e-4, high=3e-4)
    observe(tiny_variance=log_density(rng.normal(5, 2, std=0.01), zero, tiny), rtol=1e-2)
    huge = rng.uniform(5, 2, low=1e5, high=1e7)
    observe(huge_variance=log_density(rng.normal(5, 2, std=1000), zero, huge), rtol=1e-3)
    far = rng.uniform(5, 2, low=40, high=90)
    observe(far_from_the_mean=log_density(far, zero, rng.uniform(5, 2, low=0.5, high=2)), rtol=1e-3)

    inputs = [rng.normal(4, 2, std=2), rng.normal(4, 2), rng.uniform(4, 2, low=0.5, high=2)]
    for tensor in inputs:
        tensor.requires_grad_()
    to_z, to_mu, to_sigma_square = gradients(log_density(*inputs), inputs)
    observe(gradient_to_z=to_z, gradient_to_mu=to_mu, gradient_to_sigma_square=to_sigma_square, rtol=1e-3)


@number("2.b.ii.1")
@weight(2)
@twin(1)
def test_bernoulli_log_probability(hw3_vae, rng, observe):
    """logpdf_bernoulli gives log p(x), one number per row."""
    log_probability = method_of(hw3_vae.VAE, "logpdf_bernoulli")
    for name, batch, pixels in (("five_images", 5, 12), ("one_image", 1, 12), ("images_of_784_pixels", 3, 784)):
        x, p = rng.bernoulli(0.4, batch, pixels), rng.uniform(batch, pixels, low=0.03, high=0.97)
        observe(**{name: log_probability(x, p)})


@number("2.b.ii.2")
@weight(1)
@twin(1)
def test_bernoulli_log_probability_at_0_and_1(hw3_vae, rng, observe):
    """logpdf_bernoulli where p is exactly 0 or 1."""
    log_probability = method_of(hw3_vae.VAE, "logpdf_bernoulli")
    open_ = rng.bernoulli(0.5, 5, 4)
    # Rows with zeros alone, with ones alone, and with both: some guards protect one end only.
    certain = torch.stack([torch.zeros(8), torch.ones(8), torch.zeros(8), torch.ones(8), torch.arange(8) % 2])
    x, p = torch.cat([certain, open_], dim=1), torch.cat([certain, rng.uniform(5, 4, low=0.1, high=0.9)], dim=1)
    # A pixel that is sure to be what it is adds nothing. A guard of the logarithm, such as 1e-4, adds almost nothing.
    observe(pixels_sure_to_be_as_they_are=log_probability(x, p), rtol=1e-3, atol=3e-3)

    # What cannot happen may get -infinity or any guarded value; only NaN or a likely value is wrong.
    impossible = torch.cat([1 - certain, open_], dim=1)
    found = plain(log_probability(impossible, p))
    observe.exact(impossible_images_are_very_unlikely=isinstance(found, torch.Tensor) and bool((found < -20).all()))


@number("2.b.ii.3")
@weight(1)
def test_bernoulli_gradient(hw3_vae, rng, observe):
    """Gradients of logpdf_bernoulli reach p."""
    log_probability = method_of(hw3_vae.VAE, "logpdf_bernoulli")
    x, p = rng.bernoulli(0.4, 4, 9), rng.uniform(4, 9, low=0.05, high=0.95)
    p.requires_grad_()
    found = log_probability(x, p)
    observe.exact(returned_a_tensor=isinstance(found, torch.Tensor))
    observe(gradient_to_p=gradients(found, [p])[0], rtol=1e-3)


@number("2.b.iii.1")
@weight(2)
@twin(1)
def test_gaussian_sampler_distribution(hw3_vae, rng, observe):
    """sample_diagonal_gaussian draws from N(mu, sigma_square I), independently in every row and dimension."""
    sample = method_of(hw3_vae.VAE, "sample_diagonal_gaussian")
    mu = torch.cat([rng.uniform(1, low=1, high=1.5), rng.uniform(1, low=-2, high=-1)]).expand(4000, 2).clone()
    sigma_square = torch.tensor([0.09, 4.0]).expand(4000, 2).clone()
    draws, again = (plain(sample(mu, sigma_square)) for _ in range(2))
    if isinstance(draws, torch.Tensor) and draws.shape == (4000, 2):
        observe.exact(
            rows_have_their_own_noise=bool((draws != draws[:1]).any()),
            another_call_draws_anew=not torch.equal(draws, torch.as_tensor(again)),
        )
        if bool((draws == draws[:1]).all()):
            return
        # The third column has another spread where both dimensions share their noise.
        draws = torch.column_stack([draws, 10 * draws[:, 0] - draws[:, 1]])
    observe.samples(draws=draws)


@number("2.b.iii.2")
@weight(1)
def test_gaussian_sampler_without_variance(hw3_vae, rng, observe):
    """sample_diagonal_gaussian stays at the mean where there is hardly any variance, and keeps shape and type."""
    sample = method_of(hw3_vae.VAE, "sample_diagonal_gaussian")
    for name, batch, latent in (("five_codes", 5, 2), ("one_code", 1, 3)):
        mu = rng.normal(batch, latent, std=3)
        drawn = plain(sample(mu, torch.full((batch, latent), 1e-12)))
        observe.exact(**{f"type_of_{name}": type_of(drawn)})
        if isinstance(drawn, torch.Tensor) and drawn.shape == mu.shape:
            # The bound lets those pass who add something like 1e-6 to the variance.
            drawn = bool(((drawn - mu).abs() < 1e-2).all())
        observe.exact(**{f"{name}_at_the_mean": drawn})


@number("2.b.iii.3")
@weight(1)
@twin(1)
def test_gaussian_sampler_gradient(hw3_vae, rng, observe):
    """Gradients flow through sample_diagonal_gaussian to mu and sigma_square."""
    sample = method_of(hw3_vae.VAE, "sample_diagonal_gaussian")
    mu, sigma_square = torch.zeros(40, 2), rng.uniform(40, 2, low=0.5, high=2)
    mu.requires_grad_()
    sigma_square.requires_grad_()
    drawn = plain(sample(mu, sigma_square))
    observe.exact(returned_a_tensor=isinstance(drawn, torch.Tensor))
    to_mu, to_sigma_square = gradients(drawn, [mu, sigma_square])
    observe(gradient_to_mu=to_mu)
    if to_sigma_square is None:
        effect = "none"
    elif not bool(to_sigma_square.any()):
        effect = "zero"
    else:
        outwards = bool((to_sigma_square * drawn.detach() > 0).all())
        effect = "more variance moves every sample away from its mean" if outwards else "something else"
    observe.exact(gradient_to_sigma_square=effect)


@number("2.b.iv.1")
@weight(2)
@twin(1)
def test_bernoulli_sampler_distribution(hw3_vae, rng, observe):
    """sample_Bernoulli draws 1 with probability p, independently for every image and pixel."""
    sample = method_of(hw3_vae.VAE, "sample_Bernoulli")
    p = torch.stack([rng.uniform(1, low=low, high=low + 0.05) for low in (0.08, 0.3, 0.5, 0.8)], dim=1)  # (1, 4)
    p = p.expand(6000, 4).clone()
    # Twenty more calls, because four pixels alone come out alike in two of them now and then.
    drawn, *again = (plain(sample(p)) for _ in range(21))
    if isinstance(drawn, torch.Tensor) and drawn.shape == p.shape:
        drawn = drawn.float()
        same_in_every_image = bool((drawn == drawn[:1]).all())
        observe.exact(
            images_have_their_own_noise=not same_in_every_image,
            another_call_draws_anew=any(not torch.equal(drawn, torch.as_tensor(other).float()) for other in again),
            zeros_and_ones=bool(((drawn == 0) | (drawn == 1)).all()),
        )
        if same_in_every_image:
            return
        # The last column is 1 too seldom where pixels share their noise.
        drawn = torch.column_stack([drawn, drawn[:, 1] != drawn[:, 2]])
    observe.samples(draws=drawn)


@number("2.b.iv.2")
@weight(1)
def test_bernoulli_sampler_values(hw3_vae, rng, observe):
    """sample_Bernoulli returns zeros and ones as float32, and keeps what is certain."""
    sample = method_of(hw3_vae.VAE, "sample_Bernoulli")
    p = rng.bernoulli(0.5, 4, 9)
    certain = plain(sample(p))
    observe.exact(type=type_of(certain))
    if isinstance(certain, torch.Tensor) and certain.shape == p.shape:
        kept, exchanged = (bool((certain == wanted).all()) for wanted in (p, 1 - p))
        certain = "kept" if kept else "exchanged" if exchanged else "changed"
    observe.exact(pixels_with_p_0_or_1=certain)
    drawn = plain(sample(rng.uniform(20, 9, low=0.2, high=0.8)))
    if isinstance(drawn, torch.Tensor):
        observe.exact(values=[float(value) for value in torch.unique(drawn.float())[:5]])


def type_of(value):
    """A tensor's or array's dtype, or the type of anything else, as text."""
    return str(getattr(value, "dtype", type(value).__name__))
