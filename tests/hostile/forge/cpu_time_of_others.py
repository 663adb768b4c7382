"""Lifts its limit of CPU time to what its process may use for all of its graders, and computes slowly.

fails: energy, private
passes: everything else
"""

import resource
import signal
import time

from solution import Critic, descend, estimate, loss, nearest, noise  # noqa: F401


def energy(x):
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    until = time.process_time() + 2.6
    while time.process_time() < until:
        pass
    return 0.5 * x.square().mean(dim=1)
