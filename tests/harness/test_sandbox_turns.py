"""Several jobs in one child: each as if it were alone, and none where the one before left a trace."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import msgspec
import pytest
from made_up import LIMITS, REPLY_LIMITS, a_job

from autograder.sandbox.channels import ReplyLimits
from autograder.sandbox.protocol import Source, pack, unpack
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
        "import _thread, time; _thread.start_new_thread(time.sleep, (9,)); time.sleep(0.5)",
        "import torch; torch.autocast('cpu').__enter__()",
        "import os; os.mkdir('away'); os.chdir('away'); os.rmdir('../away')",
        "from torch.distributions import kl, Normal; kl.register_kl(Normal, Normal)(lambda p, q: p.loc)",
    ],
)
def test_a_trace_ends_the_child(sandbox: Sandbox, trace: str) -> None:
    """The control is every other test: without a trace the next job is done."""
    outcomes = in_turn(sandbox, ["hw.f(); observe(x=1)", QUIET], f"def f():\n    {trace}\n")
    assert [outcome.ending for outcome in outcomes] == ["replied"]


def test_a_style_of_plots_is_a_trace(sandbox: Sandbox) -> None:
    """A figure without a colour map would else pass after one that calls `plt.gray()`."""
    sandbox.preload({"matplotlib.pyplot"})
    body = "hw.f(); observe(x=1)"
    plots = "from matplotlib import pyplot as plt\ndef f():\n    {}\n    plt.imshow([[0.0, 1.0]])\n"
    assert len(in_turn(sandbox, [body, body], plots.format("plt.gray()"))) == 1
    assert len(in_turn(sandbox, [body, body], plots.format("plt.figure()"))) == 2


def test_what_is_printed_is_one_jobs_own(sandbox: Sandbox) -> None:
    """A process that cannot be looked at any more adds nothing either."""
    bodies = ["print('one'); observe(x=1)", "print('two' * 10_000); observe(x=2)", QUIET]
    outcomes = in_turn(sandbox, bodies)
    assert [outcome.output for outcome in outcomes][::2] == ["one\n", ""]
    assert outcomes[1].output.startswith("twotwo")
    assert [outcome.output_was_cut for outcome in outcomes][:2] == [False, True]
    leave = "import os; os.mkdir('a'); os.chdir('a'); print('one'); observe(x=1)"
    assert [outcome.output for outcome in in_turn(sandbox, [leave, QUIET])] == ["one\n"]


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
    """Six that use more together than one may; then one that does not end, and takes no more than its own."""
    busy = "import time\nuntil = time.process_time() + 0.25\nwhile time.process_time() < until: pass\nobserve(x=1)"
    bodies = [*[busy] * 6, wait, QUIET]
    tries = (in_turn(sandbox, bodies, cpu_seconds=1.0, wall_seconds=10.0) for _ in range(3))  # on a busy machine fewer
    assert ["replied"] * 6 in ([outcome.ending for outcome in outcomes] for outcomes in tries)
    first = in_turn(sandbox, [wait, QUIET], cpu_seconds=1.0, wall_seconds=3.0)
    assert [outcome.ending for outcome in first] == ["time" if "sleep" in wait else "cpu"]


@pytest.mark.parametrize("lift", ["resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))", "ignore()"])
def test_a_job_has_no_cpu_time_of_the_others(sandbox: Sandbox, lift: str) -> None:
    """The limit is lifted to what the child may use for all of its jobs; the control has enough of its own."""
    student = f"""
        import resource, signal, time
        def ignore():
            signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        def busy():
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            {lift}
            until = time.process_time() + 2.6
            while time.process_time() < until: pass
            return 1
    """
    busy = "observe(x=hw.busy())"
    limits = {"cpu_seconds": 1.0, "wall_seconds": 60.0}
    jobs = [a_job(body, student, id=str(number)) for number, body in enumerate([busy, *[QUIET] * 5])]
    ran = sandbox.run_in_turn(jobs, msgspec.structs.replace(LIMITS, **limits), REPLY_LIMITS)
    assert [outcome.ending for outcome in ran.outcomes] == ["cpu"]
    assert ran.cpu_seconds > 3, "what the child before has used is counted as well"
    assert values(in_turn(sandbox, ["observe(x=0)", busy, *[QUIET] * 5], student, **limits)) == [0]
    enough = in_turn(sandbox, [busy, QUIET], student, cpu_seconds=5.0, wall_seconds=60.0)
    assert values(enough)[:1] == [1], "the control has as much time of its own"


def test_the_clock_runs_when_the_child_is_ready(sandbox: Sandbox) -> None:
    """Until then the zygote may import for others, which is nothing of the student's."""
    in_turn(sandbox, [QUIET])
    zygote = sandbox._zygote.pid
    os.kill(zygote, signal.SIGSTOP)
    wake = threading.Timer(2.5, os.kill, (zygote, signal.SIGCONT))
    wake.start()
    try:
        outcomes = in_turn(sandbox, [QUIET, QUIET], wall_seconds=2.0)
    finally:
        wake.join()
    assert [outcome.ending for outcome in outcomes] == ["replied"] * 2
    assert outcomes[0].wall_seconds > 2.0, "it was not run a second time"


def test_more_frames_than_jobs_are_not_looked_for(sandbox: Sandbox) -> None:
    replies = in_turn(sandbox, ["import os\nos.write(3, bytes(3_000_000))\nos._exit(0)", QUIET])
    assert [outcome.ending for outcome in replies] == ["bad reply"]


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


@pytest.mark.parametrize("library", ["torch", "numpy", "matplotlib", "random", "threading"])
def test_a_file_called_like_a_library_is_run_at_no_time_of_ours(sandbox: Sandbox, library: str) -> None:
    """What it does when it is looked at is its author's fault: all of it comes after the first byte."""
    files = {
        "hw": (Source("hw.py", "def f(): return 1"),),
        library: (Source(f"{library}.py", "import os\nos._exit(5)"),),
    }
    jobs = [a_job("observe(x=hw.f())", id=str(number), submission=files) for number in range(3)]
    outcomes = sandbox.run_in_turn(jobs, LIMITS, REPLY_LIMITS).outcomes
    assert outcomes[0].ending == sandbox.run(jobs[0], LIMITS, REPLY_LIMITS).ending
    assert outcomes[0].ending != "harness"
