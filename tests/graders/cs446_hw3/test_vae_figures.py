"""Problem 2.e: the three figures, by what is decoded and what is drawn.

A known encoder and decoder stand in for the student's: their pictures are unlike each other, so that each can be found
again in whatever was drawn.
"""

from unittest import mock

import numpy as np
import pytest
import torch
from gradescope_utils.autograder_utils.decorators import number, weight

from autograder.marks import twin
from autograder.probes.figures import watch_drawing
from autograder.probes.training import (
    KnownDecoder,
    KnownEncoder,
    assemble,
    binary_images,
    method_of,
    options,
    serve_digits,
)

ROWS = 10
PAIRS, ALPHAS = 3, 11


def vae_around(hw3_vae, rng, labels):
    """The student's VAE around a known encoder and decoder, with one training image per label.

    Returns (vae, encoder, decoder, images).
    """
    encoder, decoder = KnownEncoder(rng, blocks=784, scale=0.3), KnownDecoder(rng, blocks=784, scale=12)
    images = binary_images(rng, len(labels))
    serve_digits((images, labels), (binary_images(rng, 40), torch.arange(40) % 7))
    args = options(
        hw3_vae, latent_dimension=2, hidden_units=16, data_dimension=784, batch_size=100, num_epoches=1,
        resume_training=False, e_path="encoder.pt", d_path="decoder.pt",
    )  # fmt: skip
    loaded = {"train_images": images, "train_labels": torch.eye(10, dtype=torch.int64)[labels]}
    vae = assemble(hw3_vae.VAE, args, {"Encoder": encoder, "Decoder": decoder}, otherwise=loaded)
    return vae, encoder, decoder, images


def each_class(rng, count):
    """`count` labels, each class about as often, in random order."""
    return (torch.arange(count) % 10)[rng.permutation(count)]


def show(observe, gallery, title):
    drawn = gallery.fullest()
    if drawn is not None and drawn.pixels is not None:
        observe.picture(f"{title}, with a known encoder and decoder in place of yours", drawn.pixels)


def different_codes(decoder):
    """What was decoded, [codes, 2], each code once, in order."""
    seen = {}
    for code in decoder.decoded():
        seen.setdefault(tuple(code.tolist()), code)
    return list(seen.values())


def known_bernoulli(p):
    """Zeros and ones that depend on p, but not at random."""
    return ((torch.as_tensor(p) * 9).floor() % 2).float()


@number("2.e.i.1")
@weight(1)
@twin(1)
@pytest.mark.timeout(20)
def test_data_space_prior(hw3_vae, rng, observe):
    """visualize_data_space decodes samples z of the prior N(0, I)."""

    def known_gaussian(mu, sigma_square):
        # Unit variance, but not Gaussian.
        mu = torch.as_tensor(mu)
        return mu + torch.as_tensor(sigma_square) * rng.uniform(*mu.shape, low=-(3**0.5), high=3**0.5)

    vae, _, decoder, _ = vae_around(hw3_vae, rng, each_class(rng, 40))
    codes, fewest = [], 1000
    for _ in range(10):
        decoder.codes.clear()
        with (
            mock.patch.object(hw3_vae.VAE, "sample_diagonal_gaussian", staticmethod(known_gaussian), create=True),
            mock.patch.object(hw3_vae.VAE, "sample_Bernoulli", staticmethod(known_bernoulli), create=True),
            mock.patch.object(torch, "manual_seed", return_value=torch.default_generator),
            watch_drawing(),
        ):
            vae.visualize_data_space()
        found, different = decoder.decoded(), different_codes(decoder)
        codes.append(found if len(found) <= ROWS else torch.stack(different))
        fewest = min(fewest, len(different))
    # Some decode every z a second time, with a new draw for the sample; that is judged by the figure.
    observe.exact(different_z_in_each_figure="10 or more" if fewest >= ROWS else fewest)
    observe.samples(z=torch.cat(codes).flatten())


@number("2.e.i.2")
@weight(1)
@twin(1)
@pytest.mark.timeout(20)
def test_data_space_figure(hw3_vae, rng, observe):
    """visualize_data_space draws 10 rows: p(x|z) on the left, a sample of it on the right."""
    noise = rng.normal(1000, 2)

    def known_gaussian(mu, sigma_square):
        nonlocal noise
        mu = torch.as_tensor(mu)
        count = mu.numel() // 2
        drawn, noise = noise[:count], noise[count:]
        return drawn.reshape(mu.shape)

    vae, _, decoder, _ = vae_around(hw3_vae, rng, each_class(rng, 40))
    with (
        mock.patch.object(hw3_vae.VAE, "sample_diagonal_gaussian", staticmethod(known_gaussian), create=True),
        mock.patch.object(hw3_vae.VAE, "sample_Bernoulli", staticmethod(known_bernoulli), create=True),
        watch_drawing(render=True) as gallery,
    ):
        vae.visualize_data_space()
    show(observe, gallery, "visualize_data_space")

    rows = [row for code in different_codes(decoder) for row in rows_with(gallery, decoder.picture(code).numpy())]
    picture = max(
        {row["picture"] for row in rows}, key=lambda n: [row["picture"] for row in rows].count(n), default=None
    )
    rows = [row for row in rows if row["picture"] == picture]
    observe.exact(
        distributions_in_one_figure=len(rows),
        rows_of_the_figure=len({round(row["top"], 3) for row in rows}),
        right_of_the_distribution=sorted({row["right"] for row in rows}),
        left_of_the_distribution=sorted({row["left"] for row in rows}),
    )


def rows_with(gallery, p):
    """Every place where p(x|z) [28, 28] was drawn, with what is beside it in the figure."""
    rows = []
    for place in gallery.find(p):
        around = gallery.beside(place)
        right = [image for other, image in around if other.left > place.left]
        left = [image for other, image in around if other.left < place.left]
        rows.append(
            {"picture": place.picture, "top": place.top, "right": best_kind(right, p), "left": best_kind(left, p)}
        )
    return rows


def best_kind(images, p):
    """What the images on one side of p(x|z) are, for that p(x|z)."""
    kinds = {kind_of(image, p) for image in images}
    order = ("a sample of it", "it, rounded to 0 and 1", "zeros and ones that are no sample of it", "another image")
    return next((kind for kind in order if kind in kinds), "nothing")


def kind_of(image, p):
    if np.abs(image - known_bernoulli(p).numpy()).max() < 0.01:
        return "a sample of it"
    if not np.isin(image.round(2), (0.0, 1.0)).all():
        return "another image"
    agreement = (image.round() == p.round()).mean()
    if agreement == 1:
        return "it, rounded to 0 and 1"
    # A sample agrees with p rounded at four pixels of five, an unrelated image at every second one.
    return "a sample of it" if 0.7 < agreement < 0.95 else "zeros and ones that are no sample of it"


@number("2.e.ii.1")
@weight(1)
@twin(1)
@pytest.mark.timeout(20)
def test_latent_space_points(hw3_vae, rng, observe):
    """visualize_latent_space shows the mean of q(z|x) of every training image."""
    drawn = latent_space(hw3_vae, rng, observe)[0]
    xy = drawn.xy[np.lexsort(drawn.xy.T[::-1])] if drawn is not None else None
    observe(points_from_left_to_right=xy, rtol=1e-3, atol=1e-3)


@number("2.e.ii.2")
@weight(1)
@twin(1)
@pytest.mark.timeout(20)
def test_latent_space_colours(hw3_vae, rng, observe):
    """visualize_latent_space gives each class its colour."""
    drawn, means, labels = latent_space(hw3_vae, rng, observe)
    points = [] if drawn is None else list(zip(drawn.xy, drawn.colour_groups(), strict=True))
    pairs = set()
    for number_in_order, (xy, colour) in enumerate(points):
        # Points in the wrong places are judged by 2.e.ii.1: then the n-th point stands for the n-th image.
        distances = np.minimum(np.abs(means - xy).max(axis=1), np.abs(means[:, ::-1] - xy).max(axis=1))
        image = int(distances.argmin()) if distances.min() < 1e-3 else number_in_order
        if image < len(labels):
            pairs.add((int(labels[image]), colour))
    colours = {colour for _, colour in pairs}
    observe.exact(
        classes_with_one_colour=sum(len({c for d, c in pairs if d == digit}) == 1 for digit in range(10)),
        colours_with_one_class=sum(len({d for d, c in pairs if c == colour}) == 1 for colour in colours),
    )


def known_sample(mu, sigma_square):
    return mu + 0.5 * sigma_square


def known_sample_z(self, mu, sigma_square):
    return known_sample(mu, sigma_square)


def latent_space(hw3_vae, rng, observe):
    """(points drawn or None, the means [N, 2] that the known encoder gives, labels [N])."""
    labels = torch.repeat_interleave(torch.arange(10), torch.arange(14, 34, 2))[rng.permutation(230)]
    vae, encoder, _, images = vae_around(hw3_vae, rng, labels)
    with (
        mock.patch.object(hw3_vae.VAE, "sample_diagonal_gaussian", staticmethod(known_sample), create=True),
        mock.patch.object(hw3_vae.VAE, "sample_z", known_sample_z, create=True),
        watch_drawing(render=True) as gallery,
    ):
        vae.visualize_latent_space()
    show(observe, gallery, "visualize_latent_space")
    drawn = gallery.fullest()
    return (drawn.points if drawn is not None else None), encoder(images)[0].detach().numpy(), labels.numpy()


@number("2.e.iii.1")
@weight(1)
def test_interpolate_mu(hw3_vae, rng, observe):
    """interpolate_mu(mua, mub, alpha) goes in a straight line from mua at 0 to mub at 1."""
    interpolate = method_of(hw3_vae.VAE, "interpolate_mu")
    mua, mub = rng.normal(3, 2), rng.normal(3, 2)
    observe(at_0=interpolate(mua, mub, 0.0), at_1=interpolate(mua, mub, 1.0))
    observe(at_0_3=interpolate(mua, mub, 0.3))


def known_interpolation(mua, mub, alpha=0.5):
    """On the line between both, but at other places."""
    return mua + (alpha + alpha**2) / 2 * (mub - mua)


@number("2.e.iii.2")
@weight(1)
@twin(1)
@pytest.mark.timeout(20)
def test_interpolation_codes(hw3_vae, rng, observe):
    """visualize_inter_class_interpolation decodes 11 codes between each of 3 pairs of images of different classes."""
    _, decoder, means, labels = interpolation(hw3_vae, rng)
    lines = lines_of(decoder)
    ends = [(image_at(line[0], means), image_at(line[-1], means)) for line in lines]
    observe.exact(
        pairs=len(lines),
        different_pairs=len({frozenset(pair) for pair in ends}),
        ends_of_the_lines=sorted({ends_in_words(*pair, means, labels) for pair in zip(lines, ends, strict=True)}),
    )
    if len(lines) and len({len(line) for line in lines}) == 1:
        observe(steps_along_each_line=torch.stack([steps_of(line) for line in lines]), rtol=1e-3, atol=1e-3)
    else:
        observe.exact(codes_on_each_line=[len(line) for line in lines][:50])


@number("2.e.iii.3")
@weight(1)
@twin(1)
@pytest.mark.timeout(20)
def test_interpolation_figure(hw3_vae, rng, observe):
    """visualize_inter_class_interpolation draws p(x|z) along each line, in order."""
    gallery, decoder, _, _ = interpolation(hw3_vae, rng, render=True)
    show(observe, gallery, "visualize_inter_class_interpolation")
    lines = lines_of(decoder)
    found = {drawn_in_words(gallery, [decoder.picture(code).numpy() for code in line]) for line in lines}
    observe.exact(images_of_each_line=sorted(found))


def interpolation(hw3_vae, rng, *, render=False):
    """(gallery, decoder, means of the training images, their labels) after the student's drawing."""
    labels = each_class(rng, 2000)
    vae, encoder, decoder, images = vae_around(hw3_vae, rng, labels)
    with (
        mock.patch.object(hw3_vae.VAE, "interpolate_mu", staticmethod(known_interpolation), create=True),
        watch_drawing(render=render) as gallery,
    ):
        vae.visualize_inter_class_interpolation()
    with torch.no_grad():
        return gallery, decoder, encoder(images)[0], labels


def lines_of(decoder):
    """What was decoded, in order, cut into runs of codes that lie on one straight line each."""
    codes = list(decoder.decoded())
    if len(codes) > PAIRS * ALPHAS:
        codes = different_codes(decoder)
    # Some go through the pairs inside the loop over alpha.
    by_alpha = [code for start in range(PAIRS) for code in codes[start::PAIRS]]
    for ordered in (codes, by_alpha):
        lines = [ordered[start : start + ALPHAS] for start in range(0, len(ordered), ALPHAS)]
        if len(codes) == PAIRS * ALPHAS and all(on_line(code, line) for line in lines for code in line):
            return lines
    return min(runs_of(codes), runs_of(by_alpha), key=len)


def runs_of(codes):
    runs = []
    for code in codes:
        if runs and (len(runs[-1]) < 2 or on_line(code, runs[-1])):
            runs[-1].append(code)
        else:
            runs.append([code])
    return runs


def on_line(code, run):
    along, across = run[-1] - run[0], code - run[0]
    return bool((along[0] * across[1] - along[1] * across[0]).abs() <= 1e-4 * along.norm() * across.norm())


def image_at(code, means):
    distance, index = (means - code).abs().amax(dim=1).min(dim=0)
    return int(index) if float(distance) < 1e-3 else None


def ends_in_words(line, images, means, labels):
    if None not in images:
        return "two classes" if labels[images[0]] != labels[images[1]] else "one class"
    centres = torch.stack([means[labels == digit].mean(dim=0) for digit in range(10)])
    if None not in (image_at(line[0], centres), image_at(line[-1], centres)):
        return "averages over classes"
    return "not the means of two training images"


def steps_of(line):
    """Positions of the codes between the ends of their line: 0 ... 1, the same from either end."""
    codes = torch.stack(line)
    along = codes[-1] - codes[0]
    steps = ((codes - codes[0]) @ along / along.square().sum()).sort().values
    back = (1 - steps).sort().values
    return steps if float(steps.sum()) <= float(back.sum()) else back


def drawn_in_words(gallery, tiles):
    """How the images of one line were drawn: all in one figure, along a row or a column, in their order?"""
    found = [gallery.find(tile) for tile in tiles]
    pictures = set.intersection(*[{place.picture for place in places} for places in found])
    if not pictures:
        return "drawn, but not in one figure" if all(found) else "not drawn"
    for picture in sorted(pictures):
        for along, across in (("left", "top"), ("top", "left")):
            # An image at the end of two lines is found twice, so the level is that of an image between the ends.
            for level in {getattr(place, across) for place in found[len(found) // 2] if place.picture == picture}:
                positions = [
                    sorted(
                        getattr(place, along)
                        for place in places
                        if place.picture == picture and abs(getattr(place, across) - level) < 0.01
                    )
                    for places in found
                ]
                if ascend(positions) or ascend(positions[::-1]):
                    return "in order along one line"
    return "in one figure, but not in order along one line"


def ascend(positions):
    """Whether one position can be chosen from each sorted list so that they ascend."""
    last = -1.0
    for choice in positions:
        after = [position for position in choice if position > last]
        if not after:
            return False
        last = after[0]
    return True
