"""Makes a known mistake in one function, half of the mean square forgotten.

fails: energy, private
passes: everything else
"""

from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def energy(x):
    return x.square().mean(dim=1)
