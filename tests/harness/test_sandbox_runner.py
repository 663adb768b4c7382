"""Real children of a real zygote: what each limit does when it is hit, and that it is the limit that does it.

Every limit has a negative control: the same code under a larger limit gives an observation.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from made_up import LIMITS, MEGABYTE, REPLY_LIMITS, a_job

from autograder.errors import UserError
from autograder.observation import Observation
from autograder.sandbox.channels import ReplyLimits
from autograder.sandbox.protocol import ChildLimits, Job, Source
from autograder.sandbox.replies import framed
from autograder.sandbox.runner import Outcome, Sandbox, SandboxError


class Runs:
    """Runs a grader's body in the session's sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def __call__(
        self,
        body: str,
        student: str = "",
        *,
        limits: ChildLimits = LIMITS,
        reply: ReplyLimits = REPLY_LIMITS,
        **job: Any,
    ) -> Outcome:
        return self.sandbox.run(a_job(body, student, **job), limits, reply)

    def told(self, body: str, student: str = "", **how: Any) -> Any:
        """What the body observed exactly as `told`."""
        outcome = self(body, student, **how)
        assert outcome.observation is not None, f"{outcome.ending} {outcome.detail} {outcome.output}"
        assert outcome.observation.failure is None, outcome.observation.failure
        entry = outcome.observation.entry("told")
        assert entry is not None
        return json.loads(entry.text)

    def raised(self, body: str, student: str = "", **how: Any) -> tuple[str, str]:
        """The type and text of the exception that ended the body."""
        outcome = self(body, student, **how)
        assert outcome.observation is not None, f"{outcome.ending} {outcome.detail} {outcome.output}"
        assert outcome.observation.failure is not None
        return outcome.observation.failure.type, outcome.observation.failure.message


@pytest.fixture
def run(sandbox: Sandbox) -> Runs:
    return Runs(sandbox)


@pytest.fixture
def seeing(bare_sandbox: Sandbox) -> Runs:
    """The same without the layers of isolation, so that a child can look into /proc and start programs."""
    return Runs(bare_sandbox)


def limits(**changes: Any) -> ChildLimits:
    return msgspec.structs.replace(LIMITS, **changes)


def gone(pid: int) -> bool:
    """Whether a process has ended and was waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# --- a job that goes well -------------------------------------------------------------------------------------------


def test_an_observation_comes_back(run: Runs) -> None:
    outcome = run("observe(y=hw.twice(rng.uniform(2, 3)))\nprint('so far')", "def twice(x):\n    return 2 * x")
    assert outcome.ending == "replied"
    assert outcome.detail == ""
    assert outcome.output == "so far\n"
    observation = outcome.observation
    assert observation is not None
    assert observation.failure is None
    assert observation.header.job == "a job"
    assert observation.header.asked == {"hw": ("twice",)}
    assert observation.header.torch
    assert observation.value(observation.entries[0]).shape == (2, 3)
    assert 0 < outcome.cpu_seconds < 5
    assert 0 < outcome.wall_seconds < 20
    assert outcome.peak_mb > 10


def test_the_same_job_gives_the_same_observation(run: Runs) -> None:
    body = """
        import torch, random, numpy as np
        observe(a=torch.rand(3), b=random.random(), c=np.random.rand(2), d=rng.normal(4))
    """

    def values(observation: Observation | None) -> list[list[float]]:
        assert observation is not None
        return [np.ravel(observation.value(entry)).tolist() for entry in observation.entries]

    first, again, other = run(body), run(body), run(body, seed=9, student_seed=9)
    assert values(first.observation) == values(again.observation)
    assert all(a != b for a, b in zip(values(first.observation), values(other.observation), strict=True))


def test_children_share_nothing(run: Runs) -> None:
    """Neither what one leaves in a module nor a file in its folder is there for the next."""
    body = """
        import os, torch
        observe.exact(told=[hasattr(torch, "left_behind"), os.path.exists("file"), os.getcwd()])
        torch.left_behind = True
        open("file", "w").write("x")
    """
    first, second = run.told(body), run.told(body)
    assert first[:2] == second[:2] == [False, False]
    assert first[2] != second[2]


def test_jobs_run_at_once_from_several_threads(run: Runs) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(
            pool.map(lambda number: run("import time; time.sleep(1); observe(x=1)", id=str(number)), range(6))
        )
    assert [outcome.observation.header.job for outcome in outcomes if outcome.observation] == list("012345")
    assert time.monotonic() - started < 5  # one after the other they would sleep for 6 seconds


def test_what_was_observed_before_an_exception_is_kept(run: Runs) -> None:
    outcome = run("observe(x=1.0)\nhw.f()", "def f():\n    raise ValueError('no')")
    assert outcome.ending == "replied"
    assert outcome.observation is not None
    assert [entry.name for entry in outcome.observation.entries] == ["x"]
    assert outcome.observation.failure is not None
    assert outcome.observation.failure.kind == "raised"


# --- CPU time -------------------------------------------------------------------------------------------------------

SPIN = "import time\nwhile time.process_time() < 1.6: pass\nobserve(x=1)"


def test_cpu_time(run: Runs) -> None:
    outcome = run(SPIN, limits=limits(cpu_seconds=1))
    assert (outcome.ending, outcome.detail) == ("cpu", "1 s of CPU time")
    assert outcome.observation is None
    assert run(SPIN).ending == "replied"


def test_cpu_time_cannot_be_ignored(run: Runs) -> None:
    ignore = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    assert run(ignore, limits=limits(cpu_seconds=1)).ending == "cpu"


def test_what_was_printed_before_the_end_is_kept(run: Runs) -> None:
    outcome = run("import time\nprint('epoch 1')\nprint('epoch 2')\ntime.sleep(60)", limits=limits(wall_seconds=0.6))
    assert outcome.output == "epoch 1\nepoch 2\n"


# --- wall time ------------------------------------------------------------------------------------------------------

SLEEP = "import time\ntime.sleep(1.2)\nobserve(x=1)"


def test_wall_time(run: Runs) -> None:
    outcome = run(SLEEP, limits=limits(wall_seconds=0.6))
    assert (outcome.ending, outcome.detail) == ("time", "0.6 s of wall time")
    assert outcome.observation is None
    assert run(SLEEP).ending == "replied"


def test_input_answers_at_once_and_there_is_nothing_to_read(run: Runs) -> None:
    assert run.told("import sys\nobserve.exact(told=[input('your name? '), sys.stdin.read()])") == ["", ""]


def test_wall_time_ends_a_child_that_blocks_every_signal(run: Runs) -> None:
    body = """
        import signal, time
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
        time.sleep(30)
    """
    assert run(body, limits=limits(wall_seconds=0.5)).ending == "time"


# --- memory ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allocate", "error"),
    [
        ("import torch; block = torch.zeros(75_000_000)", "RuntimeError"),
        ("import numpy as np; block = np.zeros(37_500_000)", "MemoryError"),
        ("block = bytearray(300_000_000)", "MemoryError"),
        ("import mmap; block = mmap.mmap(-1, 300_000_000)", "OSError"),
    ],
    ids=["torch", "numpy", "python", "shared mapping"],
)
def test_memory(run: Runs, allocate: str, error: str) -> None:
    kind, _ = run.raised(allocate, limits=limits(memory_bytes=200 * MEGABYTE))
    assert kind in (error, f"_Array{error}")
    assert run.told(f"{allocate}\nobserve.exact(told=1)", limits=limits(memory_bytes=600 * MEGABYTE)) == 1


def test_memory_is_counted_beside_what_torch_has_mapped(run: Runs) -> None:
    """The zygote alone maps gigabytes, and a child with 100 MB can still use a network."""
    body = "import torch\nobserve(x=torch.nn.Conv2d(1, 8, 3)(torch.zeros(4, 1, 28, 28)).sum() * 0)"
    assert run(body, limits=limits(memory_bytes=100 * MEGABYTE)).ending == "replied"


# --- files ----------------------------------------------------------------------------------------------------------

WRITE = "with open('file', 'wb') as file: file.write(bytes(2_000_000))\nobserve.exact(told=1)"


def test_file_size(run: Runs) -> None:
    kind, message = run.raised(WRITE, limits=limits(file_bytes=1_000_000))
    assert kind == "OSError"
    assert "[Errno 27]" in message
    assert run.told(WRITE, limits=limits(file_bytes=3_000_000)) == 1


OPEN = "held = [open('/dev/null') for _ in range(100)]\nobserve.exact(told=len(held))"


def test_open_files(run: Runs) -> None:
    kind, message = run.raised(OPEN, limits=limits(open_files=64))
    assert kind == "OSError"
    assert "[Errno 24]" in message
    assert run.told(OPEN) == 100


def test_a_child_that_has_opened_every_file_still_replies(run: Runs) -> None:
    body = """
        held = []
        try:
            while True:
                held.append(open("/dev/null"))
        except OSError:
            observe.exact(told=len(held) > 100)
    """
    assert run.told(body) is True


def test_no_core_is_dumped(run: Runs) -> None:
    body = "import resource\nobserve.exact(told=resource.getrlimit(resource.RLIMIT_CORE))"
    assert run.told(body) == [0, 0]


# --- what is read from a child --------------------------------------------------------------------------------------


def test_output_cap(run: Runs) -> None:
    body = "print('x' * 10_000)\nobserve(x=1)"
    assert run(body, reply=ReplyLimits(reply=MEGABYTE, output=1000)).output == "x" * 1000
    assert run(body, reply=ReplyLimits(reply=MEGABYTE, output=20_000)).output == "x" * 10_000 + "\n"


def test_a_flood_of_output_ends_nothing_and_is_not_kept(run: Runs) -> None:
    body = "import sys\nfor _ in range(100): sys.stdout.write('x' * 500_000)\nobserve(x=1)"
    outcome = run(body, reply=ReplyLimits(reply=MEGABYTE, output=1000))
    assert outcome.ending == "replied"
    assert len(outcome.output) == 1000


def test_output_that_is_no_text(run: Runs) -> None:
    outcome = run("import os\nos.write(1, bytes(range(256)))\nos.write(2, b'!')\nobserve(x=1)")
    assert outcome.output.endswith("\ufffd!")


def test_reply_cap(run: Runs) -> None:
    body = "import numpy as np\nobserve(x=np.zeros(50_000))"
    outcome = run(body, reply=ReplyLimits(reply=100_000, output=1000))
    assert (outcome.ending, outcome.observation) == ("too much", None)
    assert run(body, reply=ReplyLimits(reply=500_000, output=1000)).ending == "replied"


def test_a_flood_of_replies_is_not_kept(run: Runs) -> None:
    body = "import os\nfor _ in range(100): os.write(3, bytes(1_000_000))\nos._exit(0)"
    outcome = run(body, reply=ReplyLimits(reply=100_000, output=1000))
    assert (outcome.ending, outcome.observation) == ("too much", None)


# --- processes that are left behind ---------------------------------------------------------------------------------

DAEMON = """
    import os, time
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.write(tell, f"{os.getpid()} {os.getsid(0)} {os.getpgid(0)}".encode())
            time.sleep(60)
        os._exit(0)
    os.wait()
    pid, session, group = map(int, os.read(told, 100).split())
"""


def test_a_daemon_that_has_left_its_session_dies_with_the_child(seeing: Runs) -> None:
    pid, session, group, own = seeing.told(
        f"{textwrap.dedent(DAEMON)}\nos.kill(pid, 0)\nobserve.exact(told=[pid, session, group, os.getpgid(0)])"
    )
    assert (
        pid == session == group != own
    )  # the control: it lived, and killing the child's group would not have reached it
    assert gone(pid)


def test_a_daemon_of_a_child_that_is_killed_dies_too(seeing: Runs) -> None:
    body = f"{textwrap.dedent(DAEMON)}\nprint(pid)\ntime.sleep(60)"
    outcome = seeing(body, limits=limits(wall_seconds=1))
    assert outcome.ending == "time"
    assert gone(int(outcome.output))


def test_a_process_of_its_own_group_dies_with_the_child(seeing: Runs) -> None:
    pid = seeing.told("import subprocess\nobserve.exact(told=subprocess.Popen(['sleep', '60']).pid)")
    assert gone(pid)


def test_a_thread_does_not_keep_the_child_alive(run: Runs) -> None:
    body = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nobserve.exact(told=1)"
    assert run.told(body, limits=limits(wall_seconds=15)) == 1


def test_a_daemon_that_holds_the_pipes_open_does_not_hold_up_the_runner(seeing: Runs) -> None:
    body = "import subprocess\nsubprocess.Popen(['sleep', '60'], close_fds=False, pass_fds=[3])\nobserve.exact(told=1)"
    assert seeing.told(body, limits=limits(wall_seconds=15)) == 1


def test_one_childs_strays_are_killed_and_another_child_is_not(seeing: Runs) -> None:
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(seeing.told, "import time; time.sleep(1.5); observe.exact(told=1)")
        pid = pool.submit(seeing.told, f"{textwrap.dedent(DAEMON)}\nobserve.exact(told=pid)").result()
        assert gone(pid)
        assert slow.result() == 1


# --- what a child can see -------------------------------------------------------------------------------------------


def test_a_child_has_no_descriptor_but_its_own(seeing: Runs) -> None:
    """Input, output twice, the reply; the fifth is the one that lists them."""
    body = "import os\nobserve.exact(told=sorted(map(int, os.listdir('/proc/self/fd'))))"
    assert seeing.told(body) == [0, 1, 2, 3, 4]


def test_the_zygote_has_more(seeing: Runs) -> None:
    """The control of the above: there was something to close."""
    body = "import os\nobserve.exact(told=len(os.listdir(f'/proc/{os.getppid()}/fd')))"
    assert seeing.told(body) > 5


def test_a_program_that_a_child_starts_has_no_reply_to_write(seeing: Runs) -> None:
    body = """
        import subprocess
        listed = subprocess.run(["ls", "/proc/self/fd"], close_fds=False, capture_output=True, text=True).stdout
        observe.exact(told=listed.split())
    """
    assert seeing.told(body) == ["0", "1", "2", "3"]  # 3 is the listing's own


def test_the_environment_holds_what_is_needed_and_nothing_else(run: Runs) -> None:
    environment, folder = run.told("import os\nobserve.exact(told=[dict(os.environ), os.getcwd()])")
    torchs_own = {
        name for name in environment if name.startswith("TORCHINDUCTOR")
    }  # set by some of its modules on import
    assert sorted(environment.keys() - torchs_own) == [
        *("AUTOGRADER_DATA", "HOME", "LANG", "LOGNAME", "MKL_NUM_THREADS", "MPLBACKEND", "MPLCONFIGDIR"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "TMPDIR"),
        *("TORCHDYNAMO_DISABLE", "USER"),
    ]
    assert environment["AUTOGRADER_DATA"] == "/nowhere"
    assert environment["HOME"] == environment["TMPDIR"] == folder


def test_the_secret_of_the_grader_process_is_nowhere(seeing: Runs) -> None:
    """Neither in the environment nor on the stack that the zygote was started with."""
    from made_up import SECRET

    body = """
        import os
        started_with = [open(f"/proc/{pid}/environ", "rb").read().decode() for pid in ("self", os.getppid())]
        observe.exact(told=[*started_with, repr(os.environ)])
    """
    texts = seeing.told(body)
    assert all("PYTHONHASHSEED" in text for text in texts)  # the control: there was something to read
    assert not any(SECRET in text for text in texts)


def test_the_folder_is_empty_private_and_removed(run: Runs) -> None:
    body = """
        import os
        before = os.listdir()
        os.mkdir("deep")
        open("deep/file", "w").write("x")
        observe.exact(told=[before, os.getcwd(), os.stat(".").st_mode & 0o777])
    """
    before, folder, mode = run.told(body)
    assert before == []
    assert mode == 0o700
    assert not Path(folder).exists()


def test_neither_the_reference_nor_the_graders_can_be_imported(run: Runs) -> None:
    body = """
        import importlib.util, sys
        found = [importlib.util.find_spec(name) is not None for name in ("reference", "tests", "student_template")]
        observe.exact(told=[found, "" in sys.path, importlib.util.find_spec("autograder") is not None])
    """
    assert run.told(body) == [[False, False, False], False, True]


def test_the_trusted_side_is_not_loaded(run: Runs) -> None:
    body = """
        import sys
        trusted = ("judging", "comparison", "manifest", "diagnosis", "grading", "gradescope", "recording", "variants")
        observe.exact(told=[name for name in trusted if f"autograder.{name}" in sys.modules])
    """
    assert run.told(body) == []


def test_the_child_is_set_up_for_reproducible_numbers(run: Runs) -> None:
    body = "import torch, matplotlib\nobserve.exact(told=[torch.get_num_threads(), matplotlib.get_backend().lower()])"
    assert run.told(body) == [1, "agg"]


def test_a_traced_child_tells_the_modules_that_could_be_preloaded(run: Runs) -> None:
    outcome = run("import scipy.stats\nobserve(x=1)", trace=True)
    assert outcome.observation is not None
    assert "scipy.stats" in outcome.observation.header.imported


# --- how a child ends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "ending", "detail"),
    [
        ("import os; os._exit(0)", "no reply", ""),
        ("import os; os._exit(3)", "exit", "3"),
        ("import os; os._exit(70)", "exit", "70"),
        ("import ctypes; ctypes.string_at(0)", "signal", "SIGSEGV"),
        ("import os; os.abort()", "signal", "SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal", "SIGKILL"),
        ("import os, signal; os.kill(os.getpid(), 40)", "signal", "signal 40"),
        ("import os; os.write(3, b'junk'); os._exit(0)", "bad reply", "it breaks off after 4 bytes"),
        (f"import os; os.write(3, {framed(b'junk')}); os._exit(0)", "bad reply", "it does not begin as a frame does"),
        ("import os; os.close(3)", "exit", "70"),
        ("import os; os.closerange(0, 64); os._exit(0)", "no reply", ""),
    ],
)
def test_endings(run: Runs, body: str, ending: str, detail: str) -> None:
    outcome = run(body)
    assert (outcome.ending, outcome.detail) == (ending, detail)
    assert outcome.observation is None


@pytest.mark.parametrize(
    "how", ["exit()", "quit(3)", "import sys; sys.exit('bye')", "raise SystemExit", "raise KeyboardInterrupt"]
)
def test_leaving_python_is_an_observation(run: Runs, how: str) -> None:
    outcome = run("observe(x=1)\nhw.f()", f"def f():\n    {how}")
    assert outcome.ending == "replied"
    assert outcome.observation is not None
    assert outcome.observation.failure is not None
    assert outcome.observation.failure.kind == "exit"
    assert len(outcome.observation.entries) == 1


FORGE = """
    import os
    from autograder.observation import Header, encode_frame
    from autograder.sandbox.replies import framed
    os.write(3, framed(encode_frame(Header(job={job!r}), {{}})))
    os._exit({code})
"""


def test_a_frame_for_another_job_is_refused(run: Runs) -> None:
    outcome = run(FORGE.format(job="another", code=0))
    assert (outcome.ending, outcome.detail) == ("bad reply", "it answers another job")
    assert run(FORGE.format(job="a job", code=0)).ending == "replied"  # data like any other: it still has to be right


def test_two_frames_are_none(run: Runs) -> None:
    body = """
        import os
        from autograder.observation import Header, encode_frame
        from autograder.sandbox.replies import framed
        os.write(3, framed(encode_frame(Header(job="a job"), {})))
        observe(x=1)
    """
    outcome = run(body)
    assert (outcome.ending, outcome.detail) == ("bad reply", "it goes on after its end")


def test_a_bad_job_is_the_harnesss_fault(run: Runs) -> None:
    outcome = run("observe(x=1)", function="no_such_function")
    assert (outcome.ending, outcome.observation) == ("harness", None)
    assert "no_such_function" in outcome.output


def test_a_child_that_cannot_be_isolated_is_the_harnesss_fault(run: Runs) -> None:
    outcome = run("observe(x=1)", limits=limits(open_files=1))
    assert (outcome.ending, outcome.detail) == ("harness", "exit status 70 before the grader was loaded")
    assert outcome.observation is None
    assert "Traceback" in outcome.output


# --- what it may write ------------------------------------------------------------------------------------------------

MANY = """
    import os, time
    for number in range({count}):
        open(f"file{{number}}", "wb").write(b"x" * {size})
    time.sleep({seconds})
    observe(x=1)
"""


@pytest.mark.parametrize(
    ("written", "changes", "detail"),
    [
        ({"count": 40, "size": 10}, {"scratch_files": 30}, "30 files"),
        ({"count": 3, "size": 900_000}, {"scratch_bytes": 2**21}, "2 MB of files"),
    ],
)
def test_all_files_together(run: Runs, written: dict[str, int], changes: dict[str, int], detail: str) -> None:
    outcome = run(MANY.format(seconds=30, **written), limits=limits(wall_seconds=20, **changes))
    assert (outcome.ending, outcome.detail) == ("disk", detail)
    assert outcome.wall_seconds < 15
    assert run(MANY.format(seconds=0.6, **written)).ending == "replied"


def test_folders_without_end_are_counted_and_removed(run: Runs) -> None:
    body = """
        import os, time
        for _ in range(3000):
            os.mkdir("d")
            os.chdir("d")
        time.sleep(30)
    """
    outcome = run(body, limits=limits(wall_seconds=20))
    assert (outcome.ending, outcome.detail) == ("disk", "1,000 files")
    assert list(run.sandbox._root.glob("job-*")) == []


def test_the_mode_of_a_file_stays_as_it_is(run: Runs, seeing: Runs) -> None:
    """Landlock does not guard it, and a child of the same user could close our folders. A copy works all the same."""
    body = """
        import os, shutil
        open("file", "w").close()
        os.chmod("file", 0o444)
        shutil.copy2("file", "copy")
        observe.exact(told=os.stat("file").st_mode & 0o777)
    """
    assert run.told(body) == 0o600
    assert seeing.told(body) == 0o444


def test_temporary_files_are_its_own(run: Runs) -> None:
    """Also where a module of the zygote's has asked for the folder of temporary files before."""
    run.sandbox.preload(["torch._dynamo"])
    body = "import os, tempfile\nobserve.exact(told=os.path.dirname(tempfile.mkstemp()[1]) == os.getcwd())"
    assert run.told(body) is True


def test_a_reply_that_is_too_large_ends_the_child(run: Runs) -> None:
    """It is not waited for until the deadline."""
    outcome = run("import os, time\nos.write(3, b'x' * 9_000_000)\ntime.sleep(30)", limits=limits(wall_seconds=20))
    assert outcome.ending == "too much"
    assert outcome.wall_seconds < 15


def test_output_that_was_cut(run: Runs) -> None:
    assert not run("print('x' * 100)\nobserve(x=1)").output_was_cut
    outcome = run("print('x' * 1_000_000)\nobserve(x=1)")
    assert (outcome.ending, outcome.output_was_cut) == ("replied", True)


# --- the sandbox itself ---------------------------------------------------------------------------------------------


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_no_descriptor_is_leaked(run: Runs) -> None:
    run("observe(x=1)")
    before = open_descriptors()
    for body in ("observe(x=1)", "import os; os._exit(1)", "raise ValueError"):
        run(body)
    assert open_descriptors() == before


def test_preloading_is_for_modules_of_the_list_alone(sandbox: Sandbox, run: Runs) -> None:
    body = "import sys\nobserve.exact(told=['torch.distributions' in sys.modules, 'this' in sys.modules])"
    sandbox.preload(["torch.distributions", "this", "no.such.module"])
    sandbox.preload([])
    assert run.told(body) == [True, False]


@pytest.fixture
def own_sandbox() -> Any:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def _zygote(sandbox: Sandbox) -> int:
    return sandbox._zygote.pid


def test_closing_ends_children_and_removes_folders(own_sandbox: Sandbox) -> None:
    run = Runs(own_sandbox)
    pid, folder = run.told("import os\nobserve.exact(told=[os.getppid(), os.getcwd()])")
    assert pid == _zygote(own_sandbox)
    raised: list[BaseException] = []

    def sleep() -> None:
        try:
            run("import time; time.sleep(60)", limits=limits(wall_seconds=60))
        except SandboxError as error:
            raised.append(error)

    thread = threading.Thread(target=sleep)
    thread.start()
    while not _children(pid):
        time.sleep(0.02)
    (child,) = _children(pid)
    own_sandbox.close()
    thread.join(10)
    assert gone(child)
    assert gone(pid)
    assert not Path(folder).parent.exists()
    assert len(raised) == 1
    with pytest.raises(SandboxError, match="closed"):
        run("observe(x=1)")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_zygote_that_was_killed_is_replaced() -> None:
    before = open_descriptors()
    with Sandbox() as sandbox:
        run = Runs(sandbox)
        first = _zygote(sandbox)
        run("observe(x=1)")
        os.kill(first, 9)
        assert run("observe(x=1)").ending == "replied"
        assert _zygote(sandbox) != first
    assert open_descriptors() == before


def test_what_a_zygote_took_along_is_run_once_more() -> None:
    with Sandbox() as sandbox:
        run = Runs(sandbox)
        run("observe(x=1)")
        outcomes: list[Outcome] = []
        first = _zygote(sandbox)
        thread = threading.Thread(target=lambda: outcomes.append(run("import time; time.sleep(1); observe(x=1)")))
        thread.start()
        while not _children(first):
            time.sleep(0.02)
        os.kill(first, 9)
        thread.join(60)
    assert [outcome.ending for outcome in outcomes] == ["replied"]


def test_zygotes_are_not_replaced_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sandbox.runner.MAX_LAUNCHES", 2)
    with Sandbox() as sandbox:
        run = Runs(sandbox)
        run("observe(x=1)")
        os.kill(_zygote(sandbox), 9)
        run("observe(x=1)")
        os.kill(_zygote(sandbox), 9)
        with pytest.raises(SandboxError, match="the zygote has ended 2 times"):
            run("observe(x=1)")


def test_stopping_ends_what_runs_and_refuses_what_comes(own_sandbox: Sandbox) -> None:
    run = Runs(own_sandbox)
    run("observe(x=1)")
    raised: list[str] = []

    def sleep() -> None:
        try:
            run("import time; time.sleep(60)", limits=limits(wall_seconds=60))
        except SandboxError as error:
            raised.append(error.what)

    thread = threading.Thread(target=sleep)
    thread.start()
    while not _children(_zygote(own_sandbox)):
        time.sleep(0.02)
    own_sandbox.stop("time is up")
    thread.join(10)
    with pytest.raises(SandboxError, match="time is up"):
        run("observe(x=1)")
    assert raised == ["time is up"]
    assert not _children(_zygote(own_sandbox))


def test_a_zygote_that_does_not_answer_is_killed(own_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sandbox.zygote_process.GRACE_SECONDS", 0.2)
    os.kill(_zygote(own_sandbox), signal.SIGSTOP)
    own_sandbox.close()
    assert gone(_zygote(own_sandbox))


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_zygotes_folder_can_be_passed_through(umask: int) -> None:
    """run_autograder has a umask that closes everything; a user that cannot stand there would cost a level."""
    before = os.umask(umask)
    try:
        with Sandbox() as sandbox:
            folders = [sandbox._root, *sandbox._root.iterdir()]
            assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o711, 0o711]
    finally:
        os.umask(before)


def test_no_process_outlives_a_grader_process_that_is_killed(tmp_path: Path) -> None:
    code = f"""
        import os, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from made_up import LIMITS, REPLY_LIMITS, a_job
        from autograder.sandbox.runner import Sandbox
        write = "open({str(tmp_path / "pids")!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')"
        body = "import os, time\\n" + write + "\\ntime.sleep(60)"
        sandbox = Sandbox(max_level=0)  # so that the child can tell its pid
        sandbox.run(a_job(body), LIMITS, REPLY_LIMITS)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    try:
        pids: list[str] = []
        while len(pids) < 2:
            assert process.poll() is None
            time.sleep(0.05)
            pids = (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []
    finally:
        process.kill()
        process.wait()
    stop = time.monotonic() + 10
    while not all(_ended(int(pid)) for pid in pids):
        assert time.monotonic() < stop
        time.sleep(0.05)


def _ended(pid: int) -> bool:
    """Whether a process that is not ours is gone, or a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_torch_that_cannot_be_imported_is_a_user_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sandbox.zygote_process._START", BROKEN_TORCH)
    with Sandbox() as sandbox, pytest.raises(UserError, match="torch cannot be imported: ImportError: libtorch"):
        Runs(sandbox)("observe(x=1)")


BROKEN_TORCH = """
import sys, types
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ImportError("libtorch.so: cannot open")
sys.meta_path.insert(0, Finder())
from autograder.sandbox.zygote import main
main()  # {init!r} {package!r}
"""


def test_a_zygote_that_does_not_start_tells_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sandbox.zygote_process._START", "print('no room')  # {init} {package}")
    with Sandbox() as sandbox, pytest.raises(SandboxError, match="no room"):
        Runs(sandbox)("observe(x=1)")


def test_the_trusted_side_needs_no_torch() -> None:
    code = "import sys, autograder.sandbox.runner, autograder.grading; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_job_that_is_larger_than_a_pipe(run: Runs) -> None:
    assert run.told("observe.exact(told=len(hw.x))", f"x = '{'x' * 2_000_000}'") == 2_000_000


def test_sources_of_every_module_are_there(run: Runs) -> None:
    job: Job = a_job("from util import y\nobserve.exact(told=[hw.x, y])", "from util import y\nx = y + 1")
    job = msgspec.structs.replace(job, given={"util": (Source("util.py", "y = 1\n"), Source("offline.py", "y = 2\n"))})
    outcome = run.sandbox.run(job, LIMITS, REPLY_LIMITS)
    assert outcome.observation is not None
    assert outcome.observation.entries[0].text == "[3, 2]"
