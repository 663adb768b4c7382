"""Calls main() without a guard, which parses arguments and trains for two hundred epochs.

passes: everything
"""

import argparse
import time

from solution import Critic, descend, energy, estimate, loss, nearest, noise  # noqa: F401


def train(epochs):
    critic = Critic()
    for _ in range(epochs):
        time.sleep(0.1)
    return critic


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    train(arguments.epochs)


main()
