"""Uses what a decent program may: threads, temporary files, pickles, an event loop, a little memory.

passes: everything
"""

import asyncio
import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor

import solution
import torch
from solution import Critic as Honest
from solution import descend, estimate, noise  # noqa: F401


def energy(x):
    with ThreadPoolExecutor(4) as pool:
        return torch.stack(list(pool.map(lambda row: 0.5 * row.square().mean(), x)))


def nearest(x, centres):
    async def one(row):
        await asyncio.sleep(0)
        return int((row - centres).square().sum(1).argmin())

    async def every():
        return await asyncio.gather(*(one(row) for row in x))

    return asyncio.run(every())


class Critic(Honest):
    def forward(self, x):
        with tempfile.NamedTemporaryFile(suffix=".pt") as file:
            torch.save(self.state_dict(), file.name)
            self.load_state_dict(torch.load(file.name))
        with tempfile.TemporaryFile() as file:
            pickle.dump(x, file)
            file.seek(0)
            x = pickle.load(file)
        return super().forward(x)


def loss(real, fake):
    table = torch.zeros(50_000_000)  # 200 MB
    return solution.loss(real, fake) + table[:1].sum()
