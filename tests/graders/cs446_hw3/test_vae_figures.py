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
ALPHAS = 11


def vae_around(hw3_vae, rng, labels):
    """The student's VAE around a known encoder and decoder, with one training image per label.

    Returns (vae, encoder, decoder, images).
    """
    encoder, decoder = KnownEncoder(rng, blocks=784, scale=0.3), KnownDecoder(rng, blocks=784, scale=4)
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
        observe.picture(title, drawn.pixels)


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
    codes = []
    for _ in range(10):
        decoder.codes.clear()
        with (
            mock.patch.object(hw3_vae.VAE, "sample_diagonal_gaussian", staticmethod(known_gaussian)),
            mock.patch.object(torch, "manual_seed", return_value=torch.default_generator),
            watch_drawing(),
        ):
            vae.visualize_data_space()
        found = decoder.decoded()
        codes.append(found if len(found) <= ROWS else torch.stack(different_codes(decoder)))
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
        mock.patch.object(hw3_vae.VAE, "sample_diagonal_gaussian", staticmethod(known_gaussian)),
        mock.patch.object(hw3_vae.VAE, "sample_Bernoulli", staticmethod(known_bernoulli)),
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
    observe.exact(
        colours_of_each_class=[len({colour for label, colour in pairs if label == digit}) for digit in range(10)],
        classes_of_each_colour=[
            len({label for label, other in pairs if other == colour}) for colour in sorted({pair[1] for pair in pairs})
        ],
    )


def latent_space(hw3_vae, rng, observe):
    """(points drawn or None, the means [N, 2] that the known encoder gives, labels [N])."""
    labels = torch.repeat_interleave(torch.arange(10), torch.arange(14, 34, 2))[rng.permutation(230)]
    vae, encoder, _, images = vae_around(hw3_vae, rng, labels)
    with watch_drawing(render=True) as gallery:
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
    return mua + alpha**2 * (mub - mua)


@number("2.e.iii.2")
@weight(1)
@twin(1)
@pytest.mark.timeout(20)
def test_interpolation_codes(hw3_vae, rng, observe):
    """visualize_inter_class_interpolation decodes 11 codes between each of 3 pairs of images of different classes."""
    _, decoder, means, labels = interpolation(hw3_vae, rng)
    lines = lines_of(different_codes(decoder))
    ends = [(image_at(line[0], means), image_at(line[-1], means)) for line in lines]
    observe.exact(
        pairs=len(lines),
        different_pairs=len({frozenset(pair) for pair in ends}),
        ends_of_each_line=[ends_in_words(pair, labels) for pair in ends],
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
    lines = lines_of(different_codes(decoder))
    observe.exact(lines=[drawn_in_words(gallery, [decoder.picture(code).numpy() for code in line]) for line in lines])


def interpolation(hw3_vae, rng, *, render=False):
    """(gallery, decoder, means of the training images, their labels) after the student's drawing."""
    labels = each_class(rng, 2000)
    vae, encoder, decoder, images = vae_around(hw3_vae, rng, labels)
    with (
        mock.patch.object(hw3_vae.VAE, "interpolate_mu", staticmethod(known_interpolation)),
        watch_drawing(render=render) as gallery,
    ):
        vae.visualize_inter_class_interpolation()
    with torch.no_grad():
        return gallery, decoder, encoder(images)[0], labels


def lines_of(codes):
    """The codes, in order, cut into runs that lie on one straight line each."""
    for stride in (1, 3):
        if stride > 1 and len(codes) % stride:
            continue
        # Some go through the pairs inside the loop over alpha.
        ordered = [code for start in range(stride) for code in codes[start::stride]]
        lines = runs_of(ordered)
        if len(lines) <= max(3, len(codes) // 6):
            return lines
    return runs_of(codes)


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
    return bool((along[0] * across[1] - along[1] * across[0]).abs() <= 1e-3 * along.norm() * across.norm())


def image_at(code, means):
    distance, index = (means - code).abs().amax(dim=1).min(dim=0)
    return int(index) if float(distance) < 1e-3 else None


def ends_in_words(pair, labels):
    if None in pair:
        return "not the means of two training images"
    return "two classes" if labels[pair[0]] != labels[pair[1]] else "one class"


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
        return f"{sum(bool(places) for places in found)} of {len(tiles)} images drawn, not all in one figure"
    for picture in sorted(pictures):
        places = [next(place for place in of_tile if place.picture == picture) for of_tile in found]
        for along, across in (("left", "top"), ("top", "left")):
            positions = [getattr(place, along) for place in places]
            level = np.ptp([getattr(place, across) for place in places]) < 0.01
            if level and np.unique(np.sign(np.diff(positions))).tolist() in ([1.0], [-1.0]):
                return f"{len(tiles)} images in order along one line"
    return f"{len(tiles)} images, not in order along one line"
