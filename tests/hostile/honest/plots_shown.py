"""Shows and saves pictures while it calculates, with a backend that wants a screen.

passes: everything
"""

import os

import matplotlib

matplotlib.use("TkAgg")
import matplotlib.pyplot as plt  # noqa: E402
from solution import Critic as Honest  # noqa: E402
from solution import descend, energy, estimate, loss, nearest, noise  # noqa: E402, F401


class Critic(Honest):
    def forward(self, x):
        logits = super().forward(x)
        os.makedirs("results", exist_ok=True)
        plt.plot(logits.detach().numpy())
        plt.savefig("results/logits.png")
        plt.show()
        plt.close()
        return logits
