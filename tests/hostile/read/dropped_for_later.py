"""Leaves what one child has seen in places where the child of another grader looks for it.

fails: energy, nearest, private
passes: everything else
control: left
"""

import contextlib
import glob
import os
import sys

from accomplice import MARK, SHARED_FOLDERS, Found, contents
from solution import Critic, descend, estimate, loss, noise  # noqa: F401


def leave_and_look():
    """What other children have left; it is told by the token that a secret would have."""
    frame = sys._getframe()
    while frame.f_back is not None and "job" not in frame.f_locals:
        frame = frame.f_back
    seen = str(frame.f_locals.get("job", ""))
    folders = (*SHARED_FOLDERS, "..", os.path.expanduser("~"), os.environ.get("MPLCONFIGDIR", "."))
    for folder in folders:
        with contextlib.suppress(OSError), open(f"{folder}/{MARK}-{os.getpid()}", "w") as file:
            file.write(seen)
    here = {f"{MARK}-{os.getpid()}"}
    paths = [path for folder in folders for path in glob.glob(f"{folder}/*{MARK}*") + glob.glob(f"{folder}/*/*{MARK}*")]
    return [contents(path).decode() for path in paths if os.path.basename(path) not in here]


def energy(x):
    found = leave_and_look()
    print(found)
    raise Found(found)


def nearest(x, centres):
    found = leave_and_look()
    print(found)
    return found
