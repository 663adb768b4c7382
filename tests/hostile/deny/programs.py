"""Starts other programs that outlive it: a shell in the background, Python, with subprocess and posix_spawn.

fails: loss
passes: everything else
control: reached
"""

import contextlib
import os
import subprocess
import sys

from accomplice import reached
from solution import Critic, descend, energy, estimate, nearest, noise  # noqa: F401


def loss(real, fake):
    wait = "import time; time.sleep(20)"
    done = []
    with contextlib.suppress(OSError):
        subprocess.Popen([sys.executable, "-c", wait], start_new_session=True)
        done.append("Popen")
    with contextlib.suppress(OSError):
        if os.system("(sleep 20 &)") == 0:
            done.append("system")
    with contextlib.suppress(OSError):
        os.posix_spawn("/bin/sleep", ["sleep", "20"], {}, setsid=True)
        done.append("posix_spawn")
    if done:
        reached(", ".join(done))
    os.execv("/bin/sleep", ["sleep", "20"])
