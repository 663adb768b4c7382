"""What a child gives up before it reads its job, layer by layer, in the one order in which that works.

Which layers hold here has been probed (ladder.py). One that holds and then cannot be applied
raises: a child never runs with less than it was meant to have.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
import sys
import time
from pathlib import Path

from autograder.sandbox import landlock, privileges, seccomp
from autograder.sandbox.protocol import ChildLimits, Spawn, Standing

# Descriptors of an isolated child: 0 reads nothing, 1 and 2 are the output, 3 the reply, 4 the job.
REPLY_FD = 3
JOB_FD = 4


def isolate(spawn: Spawn, standing: Standing, user: int, *, zygote: int, job: int, reply: int, output: int) -> None:
    """Leave the zygote's session, descriptors, powers and resources behind.

    Args:
        user: whom to become, where that layer holds.
        zygote: the parent's process id.

    Raises:
        OSError: where a layer that holds cannot be applied.
    """
    own_session()
    own_descriptors(job=job, reply=reply, output=output)
    os.umask(0o077)
    limit_resources(spawn.limits, spawn.jobs)
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):  # a wish, no layer
        privileges.be_killed_first()
    if standing.holds("user"):
        for path in (Path(spawn.scratch), *Path(spawn.scratch).iterdir()):
            os.chown(path, user, user)
        limit_processes(spawn.limits.processes)
        privileges.become(user)
    elif standing.holds("capabilities"):
        privileges.drop_capabilities()
    privileges.forbid_new_privileges()
    privileges.follow_parent(zygote)
    if standing.holds("landlock"):
        landlock.restrict(spawn.readable, (spawn.scratch,))
    if standing.holds("seccomp"):
        seccomp.install()


def own_session() -> None:
    """A session and process group of its own, so that the whole group can be killed."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def own_descriptors(*, job: int, reply: int, output: int) -> None:
    """Keep three descriptors and close every other, the zygote's control socket among them."""
    held = [os.dup(fd) for fd in (job, reply, output)]
    floor = max(held) + 1
    job, reply, output = (os.dup2(fd, floor + index) for index, fd in enumerate(held))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for target, source in ((1, output), (2, output), (REPLY_FD, reply), (JOB_FD, job)):
        os.dup2(source, target)
    os.closerange(JOB_FD + 1, 65_536)
    os.set_inheritable(REPLY_FD, False)
    os.set_inheritable(JOB_FD, False)


def limit_resources(limits: ChildLimits, jobs: int = 1) -> None:
    """CPU time, address space relative to what is mapped now, file size, open files, no cores."""
    cpu = max(1, math.ceil(limits.cpu_seconds))
    _limit(resource.RLIMIT_CPU, cpu, cpu * jobs + 1)
    _limit(resource.RLIMIT_FSIZE, limits.file_bytes)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_CORE, 0)
    mapped = mapped_bytes()
    if mapped:
        _limit(resource.RLIMIT_AS, mapped + limits.memory_bytes)


def allow_cpu(seconds: float) -> None:
    """Let this process use so much CPU time from now on, within what it was given for all of its jobs."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def limit_processes(count: int) -> None:
    """Processes and threads of this user, so it says something for a user of the child's own, and before `become`."""
    _limit(resource.RLIMIT_NPROC, count)


def mapped_bytes() -> int:
    """The address space of this process in bytes; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def _limit(which: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(which)[1]
    wanted = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        wanted, soft = min(wanted, ceiling), min(soft, ceiling)
    resource.setrlimit(which, (soft, wanted))
