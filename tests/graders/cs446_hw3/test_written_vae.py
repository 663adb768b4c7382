"""Problem 1: the formulas that its derivations arrive at."""

import math

import numpy as np
from gradescope_utils.autograder_utils.decorators import number, visibility, weight

from autograder.marks import twin
from autograder.probes.answers import as_numbers, ask, choice, choices, given, numbers, table, words

KL_STATEMENTS = (
    "NEVER_NEGATIVE",
    "ZERO_ONLY_IF_EQUAL",
    "SYMMETRIC",
    "TRIANGLE_INEQUALITY",
    "BOUNDED",
    "INFINITE_WHERE_Q_MISSES_P",
    "INFINITE_WHERE_P_MISSES_Q",
    "ADDS_UP",
)
CANDIDATES = ("PRIOR", "LIKELIHOOD", "POSTERIOR", "JOINT")


def binary_data(rng, pixels):
    """Data of so many pixels, and probabilities that are neither 0 nor 1."""
    return {
        "x": rng.numpy.integers(0, 2, pixels).astype(float),
        "y_hat": numbers(rng, pixels, low=0.05, high=0.95),
    }


@number("1.a.1")
@weight(1)
def test_bernoulli_likelihood(hw3_written, rng, observe):
    """bernoulli_likelihood of short vectors."""
    points = [binary_data(rng, pixels) for pixels in (1, 2, 3, 5, 8)]
    ask(observe, "bernoulli_likelihood", hw3_written.bernoulli_likelihood, points, atol=1e-9)


@number("1.a.2")
@weight(2)
@twin(1)
def test_bernoulli_log_likelihood(hw3_written, rng, observe):
    """bernoulli_log_likelihood of short vectors, and of long ones whose likelihood is smaller than any float."""
    points = [binary_data(rng, pixels) for pixels in (1, 3, 8, 784, 5000)]
    ask(observe, "bernoulli_log_likelihood", hw3_written.bernoulli_log_likelihood, points)


@number("1.a.3")
@weight(1)
def test_bernoulli_at_0_and_1(hw3_written, rng, observe):
    """bernoulli_likelihood and bernoulli_log_likelihood where the decoder's output is exactly 0 or 1."""
    sure = rng.numpy.permutation([0.0, 1.0, 1.0, 0.0])
    open_ = binary_data(rng, 2)
    other = np.abs(sure - np.eye(4)[rng.numpy.integers(4)])  # one pixel is not what it must be
    points = [
        {"x": sure, "y_hat": sure},
        {"x": np.append(sure, open_["x"]), "y_hat": np.append(sure, open_["y_hat"])},
        {"x": other, "y_hat": sure},
        {"x": np.append(other, open_["x"]), "y_hat": np.append(sure, open_["y_hat"])},
    ]
    ask(observe, "bernoulli_log_likelihood", hw3_written.bernoulli_log_likelihood, points)
    ask(observe, "bernoulli_likelihood", hw3_written.bernoulli_likelihood, points, atol=1e-9)


@number("1.b.1")
@weight(0)
def test_encoder_output_dimension_is_a_number(hw3_written, observe):
    """encoder_output_dimension gives one whole number (which one is graded unseen)."""
    found = dimension(hw3_written)
    shown = "one whole number" if isinstance(found, int) else f"{found!r}"[:80]
    observe.exact(**{"encoder_output_dimension()": shown})


@number("1.b.2")
@weight(1)
@visibility("after_published")
def test_encoder_output_dimension(hw3_written, observe):
    """encoder_output_dimension gives the right number."""
    observe.exact(encoder_output_dimension=dimension(hw3_written))


def dimension(hw3_written):
    """The student's number as an int, or whatever it is."""
    found = given(hw3_written.encoder_output_dimension)
    value = as_numbers(found, {})
    return int(value) if value is not None and value.ndim == 0 and float(value).is_integer() else found


@number("1.c.1")
@weight(2)
@twin(1)
def test_bound_terms(hw3_written, rng, observe):
    """bound_terms gives the two parts of the bound, which lies below log p(x) and meets it where q is p(z|x)."""
    points = [
        {"q": table(rng, size), "prior": table(rng, size), "likelihood": numbers(rng, size, low=0.1, high=0.9)}
        for size in (2, 3, 4, 5)
    ]
    # Models that are made backwards, from the posterior and p(x), so that both are known.
    evidence = 0.04
    for posterior, prior in ((table(rng, 3), table(rng, 3)), (table(rng, 5), table(rng, 5))):
        model = {"prior": prior, "likelihood": evidence * posterior / prior}
        points += [{"q": posterior, **model}, {"q": np.roll(posterior, 1), **model}]
    terms = ask(observe, "bound_terms", hw3_written.bound_terms, points)
    if terms is None or terms.shape != (8, 2):
        return
    bound = terms[4:, 0] - terms[4:, 1]
    observe.exact(
        bound_stays_below_the_log_likelihood=bool((bound <= math.log(evidence) + 1e-5).all()),
        bound_meets_the_log_likelihood_where_q_is_the_posterior=bool(
            np.allclose(bound[::2], math.log(evidence), rtol=0, atol=1e-4)
        ),
    )


@number("1.c.2")
@weight(1)
def test_bound_terms_with_zeros(hw3_written, rng, observe):
    """bound_terms where tables have zeros."""
    q, some = np.append(table(rng, 3), 0), numbers(rng, 4, low=0.1, high=0.9)
    full, missing = table(rng, 4), np.append(0, table(rng, 3))
    points = [
        {"q": q, "prior": full, "likelihood": some},
        {"q": q, "prior": np.append(table(rng, 3), 0), "likelihood": some},
        {"q": q, "prior": full, "likelihood": np.append(some[:3], 0)},
        {"q": q, "prior": full, "likelihood": np.append(0, some[:3])},
        {"q": q, "prior": missing, "likelihood": some},
        {"q": np.eye(4)[rng.numpy.integers(4)], "prior": full, "likelihood": some},
    ]
    ask(observe, "bound_terms", hw3_written.bound_terms, points)


@number("1.d.1")
@weight(0)
def test_properties_of_kl_are_statements(hw3_written, observe):
    """properties_of_kl names statements of the list (which ones is graded unseen)."""
    found, wrong = choices(hw3_written.properties_of_kl, KL_STATEMENTS)
    readable = f"some of {', '.join(KL_STATEMENTS)}" if found else "nothing"
    observe.exact(**{"properties_of_kl()": "; ".join(wrong) or readable})


@number("1.d.2")
@weight(2)
@visibility("after_published")
def test_properties_of_kl(hw3_written, observe):
    """properties_of_kl names the statements that hold, and no others."""
    found, _ = choices(hw3_written.properties_of_kl, KL_STATEMENTS)
    observe.exact(**{statement: statement in found for statement in KL_STATEMENTS})


def forms_of_the_elbo(rng):
    """Samples at random, then three models with the nodes that integrate polynomials over q exactly."""
    points = []
    for mu, sigma_square in numbers(rng, 3, 2, low=0.2, high=2.5):
        z = numbers(rng, 8, low=-2, high=2)
        points.append(
            {"log_likelihood": numbers(rng, 8, low=-120, high=-80), "z": z, "mu": mu, "sigma_square": sigma_square}
        )
    nodes, _ = np.polynomial.hermite_e.hermegauss(8)
    x = float(numbers(rng, low=1, high=2))
    for mu, sigma_square, data_matter in ((x / 2, 0.5, True), (-0.5, 2.0, True), (x, 0.25, False)):
        z = mu + math.sqrt(sigma_square) * nodes
        # p(x|z) = N(z, 1), whose posterior is N(x / 2, 1 / 2), or data that say nothing about z.
        log_likelihood = -0.5 * (math.log(2 * math.pi) + (x - z) ** 2) if data_matter else np.full(8, -100.0)
        points.append({"log_likelihood": log_likelihood, "z": z, "mu": mu, "sigma_square": sigma_square})
    return points


def moments_over_q(observe, values, points):
    """Observe expectation and variance of the estimates of the last three points."""
    if values is None or values.shape != (len(points), 8):
        return
    _, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / weights.sum()
    means = values[3:] @ weights
    variances = (values[3:] - means[:, None]) ** 2 @ weights
    where = ("q the posterior", "another q", "data that say nothing about z")
    models = [
        f"{what}: {words({name: point[name] for name in ('mu', 'sigma_square')})}"
        for what, point in zip(where, points[3:], strict=True)
    ]
    observe(**{"expectation over q": means, "variance over q": variances}, at=models)


@number("1.e.1")
@weight(2)
def test_elbo_with_exact_kl(hw3_written, rng, observe):
    """elbo_with_exact_kl gives equation 1: each sample's estimate, and their expectation and variance."""
    points = forms_of_the_elbo(rng)
    moments_over_q(observe, ask(observe, "elbo_with_exact_kl", hw3_written.elbo_with_exact_kl, points), points)


@number("1.e.2")
@weight(2)
@twin(1)
def test_elbo_by_sampling(hw3_written, rng, observe):
    """elbo_by_sampling gives equation 2: each sample's estimate, and their expectation and variance."""
    points = forms_of_the_elbo(rng)
    moments_over_q(observe, ask(observe, "elbo_by_sampling", hw3_written.elbo_by_sampling, points), points)


@number("1.g.1")
@weight(1)
def test_kl_to_itself(hw3_written, rng, observe):
    """kl_to_itself for several Gaussians."""
    points = [{"mu": mu, "sigma": sigma} for mu, sigma in numbers(rng, 4, 2, low=0.3, high=3).tolist()]
    ask(observe, "kl_to_itself", hw3_written.kl_to_itself, points)


@number("1.h.1")
@weight(2)
@twin(1)
def test_kl_equal_variance(hw3_written, rng, observe):
    """kl_equal_variance for several pairs of Gaussians, equal ones among them."""
    points = [
        {"mu_q": mu_q, "mu_p": mu_p, "sigma": sigma}
        for mu_q, mu_p, sigma in zip(
            numbers(rng, 6, low=-3, high=0).tolist(),
            numbers(rng, 6, low=0.5, high=3).tolist(),
            numbers(rng, 6, low=0.2, high=4).tolist(),
            strict=True,
        )
    ]
    points[3] = {**points[3], "mu_q": points[3]["mu_p"], "mu_p": points[3]["mu_q"]}
    points[4] = {**points[4], "mu_p": points[4]["mu_q"]}
    ask(observe, "kl_equal_variance", hw3_written.kl_equal_variance, points)


def diagonal_gaussians(rng, dimensions, *, low=0.2, high=3.0):
    """Two Gaussians of so many dimensions."""
    return {
        "mu_q": numbers(rng, dimensions, low=-2, high=2),
        "sigma_square_q": numbers(rng, dimensions, low=low, high=high),
        "mu_p": numbers(rng, dimensions, low=-2, high=2),
        "sigma_square_p": numbers(rng, dimensions, low=low, high=high),
    }


@number("1.h.2")
@weight(2)
@twin(1)
def test_kl_diagonal(hw3_written, rng, observe):
    """kl_diagonal for Gaussians of one and more dimensions."""
    points = [diagonal_gaussians(rng, dimensions) for dimensions in (1, 2, 2, 3, 5)]
    ask(observe, "kl_diagonal", hw3_written.kl_diagonal, points)


@number("1.h.3")
@weight(1)
def test_kl_diagonal_extremes(hw3_written, rng, observe):
    """kl_diagonal for equal Gaussians, equal variances or means, and variances far from 1."""
    one, two = diagonal_gaussians(rng, 2), diagonal_gaussians(rng, 2)
    points = [
        {**one, "mu_p": one["mu_q"], "sigma_square_p": one["sigma_square_q"]},
        {**two, "sigma_square_p": two["sigma_square_q"]},
        {**two, "mu_p": two["mu_q"]},
        {**one, "sigma_square_q": np.array([1e-6, 1e-4])},
        {**one, "sigma_square_q": np.array([1e6, 1e4])},
        {**two, "sigma_square_p": np.array([1e6, 1e4])},
        {**two, "sigma_square_p": np.array([1e-6, 1e-4])},
    ]
    ask(observe, "kl_diagonal", hw3_written.kl_diagonal, points)


@number("1.i.1")
@weight(2)
@twin(1)
def test_best_q(hw3_written, rng, observe):
    """best_q for several models."""
    points = [{"likelihood": numbers(rng, 4, low=0.1, high=0.9), "prior": table(rng, 4)} for _ in range(4)]
    points += [
        {"likelihood": numbers(rng, 4, low=0.1, high=0.9), "prior": np.full(4, 0.25)},
        {"likelihood": np.full(4, 0.3), "prior": table(rng, 4)},
    ]
    ask(observe, "best_q", hw3_written.best_q, points)


@number("1.i.2")
@weight(1)
def test_best_q_with_zeros(hw3_written, rng, observe):
    """best_q where the prior or the likelihood is 0 for some z, and where all likelihoods are tiny."""
    some = numbers(rng, 4, low=0.1, high=0.9)
    points = [
        {"likelihood": some, "prior": table(rng, 4, zeros=2)},
        {"likelihood": some * np.array([1, 0, 1, 0]), "prior": table(rng, 4)},
        {"likelihood": some * np.array([0, 0, 0, 1]), "prior": table(rng, 4)},
        {"likelihood": some * 1e-20, "prior": table(rng, 4)},
    ]
    ask(observe, "best_q", hw3_written.best_q, points)


@number("1.j.1")
@weight(0)
def test_best_q_equals_is_a_choice(hw3_written, observe):
    """best_q_equals gives one of the four (which one is graded unseen)."""
    _, wrong = choice(hw3_written.best_q_equals, CANDIDATES)
    observe.exact(**{"best_q_equals()": wrong or f"one of {', '.join(CANDIDATES)}"})


@number("1.j.2")
@weight(1)
@visibility("after_published")
def test_best_q_equals(hw3_written, observe):
    """best_q_equals gives the right one of the four."""
    observe.exact(best_q_equals=choice(hw3_written.best_q_equals, CANDIDATES)[0])
