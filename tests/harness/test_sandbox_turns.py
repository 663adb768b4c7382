"""Several jobs in one child: each as if it were alone, and none where the one before left a trace."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from made_up import LIMITS, REPLY_LIMITS, a_job

from autograder.sandbox.channels import ReplyLimits
from autograder.sandbox.protocol import pack, unpack
from autograder.sandbox.runner import Outcome, Sandbox

QUIET = "observe(x=1)"
Bodies = list[str]


def in_turn(sandbox: Sandbox, bodies: Bodies, student: str = "", **limits: Any) -> list[Outcome]:
    jobs = [a_job(body, student, id=f"job {number}") for number, body in enumerate(bodies)]
    return sandbox.run_in_turn(jobs, msgspec.structs.replace(LIMITS, **limits), REPLY_LIMITS).outcomes


def values(outcomes: list[Outcome], name: str = "x") -> list[Any]:
    seen = [outcome.observation for outcome in outcomes]
    return [each.value(entry).tolist() for each in seen if each for entry in each.entries if entry.name == name]


def test_every_job_is_answered(sandbox: Sandbox) -> None:
    taken: list[Outcome] = []
    jobs = [a_job(f"observe(x={number})", id=f"job {number}") for number in range(5)]
    ran = sandbox.run_in_turn(jobs, LIMITS, REPLY_LIMITS, taken.append)
    outcomes = ran.outcomes
    assert ran.cpu_seconds >= sum(outcome.cpu_seconds for outcome in outcomes) - 1e-9
    assert [outcome.ending for outcome in outcomes] == ["replied"] * 5
    assert values(outcomes) == [0, 1, 2, 3, 4]
    assert taken == outcomes[:-1], "the last one is known when the child has ended"
    assert all(outcome.wall_seconds >= 0 and outcome.cpu_seconds >= 0 for outcome in outcomes)
    assert outcomes[-1].peak_mb > 10


def test_jobs_are_sent_with_their_common_part_once() -> None:
    jobs = [a_job(QUIET, "x = 1" * 1000, id=str(number), seed=number) for number in range(8)]
    assert unpack(pack(jobs)) == jobs
    assert len(pack(jobs)) < 2 * len(pack(jobs[:1]))


def test_each_begins_with_fresh_modules_and_the_same_seeds(sandbox: Sandbox) -> None:
    """Module globals, generators, the working folder and open figures are the next one's alone."""
    student = """
        import os, random
        import numpy as np
        import torch
        from matplotlib import pyplot as plt
        calls = []
        def count():
            calls.append(1)
            open(f"calls {len(os.listdir())}", "w").close()
            os.makedirs("a/b", exist_ok=True)
            plt.figure()
            return np.array([len(calls), len(os.listdir()), len(plt.get_fignums())])
        def draw():
            return np.array([float(torch.rand(())), float(np.random.rand()), random.random()])
    """
    sandbox.preload({"matplotlib.pyplot"})  # the import of a library is a trace
    outcomes = in_turn(sandbox, ["observe(x=hw.count(), drawn=hw.draw(), given=rng.normal(3))"] * 3, student)
    assert len(outcomes) == 3
    alone = in_turn(sandbox, ["observe(x=hw.count(), drawn=hw.draw(), given=rng.normal(3))"], student)
    for name in ("x", "drawn", "given"):
        assert len(values(alone, name)) == 1
        assert values(outcomes, name) == values(alone, name) * 3


@pytest.mark.parametrize(
    "trace",
    [
        "import builtins; builtins.sum = max",
        "import torch; torch.relu = torch.tanh",
        "import torch.nn.functional as F; F.softmax = None",
        "import torch; torch.nn.Linear.reset_parameters = lambda self: None",
        "import torch; torch.Tensor.mean = torch.Tensor.sum",
        "import torch; del torch.nn.functional.elu",
        "import torch; torch.set_default_dtype(torch.float64)",
        "import torch; torch.set_grad_enabled(False)",
        "import torch; torch.set_default_device('meta')",
        "import torch; torch.use_deterministic_algorithms(True)",
        "import torch; torch.set_num_threads(2)",
        "import torch; torch.autograd.set_detect_anomaly(True)",
        "import torch; torch.nn.modules.module.register_module_forward_hook(lambda *_: None)",
        "import numpy; numpy.mean = numpy.median",
        "import numpy; numpy.seterr(all='raise')",
        "import numpy; numpy.set_printoptions(precision=1)",
        "import random; random.random = lambda: 4",
        "import os; os.environ['SEEN'] = '1'",
        "import os; os.mkdir('away'); os.chdir('away')",
        "import sys; sys.path.append('.')",
        "import sys; sys.setrecursionlimit(5000)",
        "import sys; sys.stdout = sys.stderr",
        "import sys; sys.meta_path.append(None)",
        "import sys, types; sys.modules['notes'] = types.ModuleType('notes')",
        "import gc; gc.disable()",
        "import warnings; warnings.simplefilter('error')",
        "import signal; signal.signal(signal.SIGALRM, lambda *_: None)",
        "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
        "import wave",
    ],
)
def test_a_trace_ends_the_child(sandbox: Sandbox, trace: str) -> None:
    """The control is every other test: without a trace the next job is done."""
    outcomes = in_turn(sandbox, ["hw.f(); observe(x=1)", QUIET], f"def f():\n    {trace}\n")
    assert [outcome.ending for outcome in outcomes] == ["replied"]


def test_what_libraries_do_themselves_is_no_trace(sandbox: Sandbox) -> None:
    body = """
        import copy, pickle, torch
        net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
        torch.optim.Adam(net.parameters()).step()
        torch.save(net.state_dict(), "net.pt")
        copy.deepcopy(net)(torch.ones(2)).sum().backward()
        torch.distributions.Normal(0.0, 1.0).sample()
        observe(x=1)
    """
    sandbox.preload({"torch._dynamo"})
    assert len(in_turn(sandbox, [body, body, QUIET])) == 3


@pytest.mark.parametrize("end", ["raise ValueError('no')", "import sys; sys.exit(3)"])
def test_an_exception_ends_the_child(sandbox: Sandbox, end: str) -> None:
    """It is told, of the first as of a later one."""
    outcomes = in_turn(sandbox, [QUIET, end, QUIET])
    assert [outcome.ending for outcome in outcomes] == ["replied", "replied"]
    assert outcomes[1].observation is not None
    assert outcomes[1].observation.failure is not None
    assert len(in_turn(sandbox, [end, QUIET])) == 1


@pytest.mark.parametrize(
    "end", ["import os; os._exit(0)", "import os; os.abort()", "import os; os.write(3, b'x' * 100); os._exit(0)"]
)
def test_a_child_that_dies_takes_nothing_along(sandbox: Sandbox, end: str) -> None:
    outcomes = in_turn(sandbox, ["observe(x=1)", "observe(x=2)", end, QUIET])
    assert [outcome.ending for outcome in outcomes] == ["replied", "replied"]
    assert values(outcomes) == [1, 2]


@pytest.mark.parametrize("wait", ["while True: pass", "import time; time.sleep(600)"])
def test_time_is_each_jobs_own(sandbox: Sandbox, wait: str) -> None:
    """Three that use most of what each may; then one that does not end, and takes no more than its own."""
    busy = "import time\nuntil = time.process_time() + 0.8\nwhile time.process_time() < until: pass\nobserve(x=1)"
    outcomes = in_turn(sandbox, [busy, busy, busy, wait, QUIET], cpu_seconds=1.0, wall_seconds=10.0)
    assert [outcome.ending for outcome in outcomes] == ["replied"] * 3
    first = in_turn(sandbox, [wait, QUIET], cpu_seconds=1.0, wall_seconds=3.0)
    assert [outcome.ending for outcome in first] == ["time" if "sleep" in wait else "cpu"]


def test_a_reply_beyond_its_cap_costs_nothing_that_was_said(sandbox: Sandbox) -> None:
    jobs = [a_job(QUIET, id="a"), a_job("import torch\nobserve(x=torch.zeros(200_000))", id="b")]
    outcomes = sandbox.run_in_turn(jobs, LIMITS, ReplyLimits(reply=100_000, output=100)).outcomes
    assert [outcome.ending for outcome in outcomes] == ["replied"]
    alone = sandbox.run_in_turn(jobs[1:], LIMITS, ReplyLimits(reply=100_000, output=100)).outcomes
    assert [outcome.ending for outcome in alone] == ["too much"]


FORGE = """
    import os
    from autograder.observation import Header, encode_frame
    from autograder.sandbox.replies import framed
    def say(*jobs):
        for job in jobs:
            os.write(3, framed(encode_frame(Header(job=job), {{}})))
        {then}
"""


def test_a_forged_frame_is_one_jobs_alone(sandbox: Sandbox) -> None:
    """It is data like any other; a frame out of turn, and all after it, is none."""
    out_of_turn = in_turn(sandbox, ["hw.say('job 0', 'job 2')", QUIET, QUIET], FORGE.format(then="os._exit(0)"))
    assert [outcome.ending for outcome in out_of_turn] == ["replied"]
    assert [o.ending for o in in_turn(sandbox, ["hw.say('job 1')", QUIET], FORGE.format(then=""))] == ["bad reply"]
    many = in_turn(sandbox, ["hw.say('job 0', 'job 1', 'job 2')", QUIET], FORGE.format(then="os._exit(0)"))
    assert [outcome.ending for outcome in many] == ["replied"], "more was said than asked, so the last does not count"


def test_the_cpu_time_that_is_told_is_within_the_childs(sandbox: Sandbox) -> None:
    """What a child says of its later jobs is taken no further than that."""
    student = """
        import time
        def lie():
            time.process_time = lambda: -1e9 if not hasattr(time, "lied") else float("nan")
    """
    busy = "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until: pass\nobserve(x=1)"
    outcomes = in_turn(sandbox, [busy, busy])
    assert all(outcome.cpu_seconds >= 0.25 for outcome in outcomes)
    lied = in_turn(sandbox, [QUIET, "hw.lie()\nobserve(x=1)"], student)
    assert all(0 <= outcome.cpu_seconds < 20 for outcome in lied)
