"""Whether a job has left its process as it found it, as far as the next job in it could notice.

Figures are closed and files in the working folder removed. Looked at are the names in torch's, NumPy's and Python's own
namespaces and classes (who replaces one of their functions changes it for all), their global switches, imported
libraries, threads, and what could not be removed. What this does not see, such as a dictionary deep in a library,
cannot cost anybody a point: see `runner.py`. What it takes for a trace, and is none, costs a fork.
"""

from __future__ import annotations

import _thread
import contextlib
import gc
import os
import shutil
import signal
import sys
import threading
import warnings
from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.datasets import DATA_VARIABLE
from autograder.loading import SubmissionFinder

_NAMESPACES = (
    *("builtins", "math", "os", "os.path", "random", "time"),
    *("matplotlib", "matplotlib.pyplot", "numpy", "numpy.linalg", "numpy.random"),
    *(
        "torch",
        "torch.autograd",
        "torch.distributions",
        "torch.linalg",
        "torch.optim",
        "torch.special",
        "torch.utils.data",
    ),
    *("torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.modules.module", "torch.nn.utils"),
    *("torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.utils"),
)
_CLASSES_OF = ("torch.distributions", "torch.nn", "torch.optim", "torch.utils.data", "torchvision.transforms")
# Modules of these may be imported at any time, as their libraries do themselves.
_OFTEN_IMPORTED = frozenset({"autograder", "encodings", "matplotlib", "numpy", "torch", "torchvision"})
_SWITCHED = ("matplotlib", "numpy", "torch")
_SIGNALS = (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGXCPU)
# What libraries change themselves: an optimiser's class when the first one is made, a class when an object is pickled.
_CHANGES = {"step", "zero_grad", "__slotnames__"}


class Imprint:
    """The state of this process, to be compared with a later one.

    To be made before a student's modules are there: one may have a library's name, and looking at it would run it.

    Args:
        work: the working folder, which holds nothing.
        own: names of the modules that jobs bring along.
    """

    def __init__(self, work: Path, own: Collection[str]) -> None:
        self._work = work
        self._own = frozenset(own)
        self._libraries = {name: sys.modules[name] for name in _SWITCHED if name in sys.modules}
        self._spaces = _spaces()
        self._held = [list(space.values()) for space in self._spaces]  # none of these addresses is given to another
        self._identities = [_identity(space) for space in self._spaces]
        self._state = self._look()

    def holds(self) -> bool:
        """Whether the process is as it was; not so where it cannot be looked at any more."""
        try:
            _close_figures()
            _empty(self._work)
            return self._look() == self._state and all(
                identity == _identity(space) for identity, space in zip(self._identities, self._spaces, strict=True)
            )
        except Exception:  # a working directory that is gone, a function of Python's that raises
            return False

    def _look(self) -> list[object]:
        foreign = [name.partition(".")[0] for name in sys.modules if name not in self._own]
        state: list[object] = [
            sorted(set(foreign)),
            sum(library not in _OFTEN_IMPORTED for library in foreign),
            os.listdir(self._work),
            *_switches_of_python(),
        ]
        if "matplotlib" in self._libraries:
            state.append(dict(dict.items(self._libraries["matplotlib"].rcParams)))  # its own `items` chooses a backend
        if "numpy" in self._libraries:
            numpy = self._libraries["numpy"]
            state += [numpy.geterr(), str(numpy.get_printoptions())]
        if "torch" in self._libraries:
            state += _switches_of_torch(self._libraries["torch"])
        return state


def _spaces() -> list[Any]:
    modules = [sys.modules[name] for name in _NAMESPACES if name in sys.modules]
    spaces: list[Any] = [module.__dict__ for module in modules]
    classes = {
        value
        for name in _CLASSES_OF
        for value in getattr(sys.modules.get(name), "__dict__", {}).values()
        if isinstance(value, type)
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        classes |= {torch.Tensor, *(ancestor for each in classes for ancestor in each.__mro__)}
        kl = getattr(sys.modules.get("torch.distributions.kl"), "_KL_REGISTRY", None)
        if kl is not None:
            spaces.append(kl)
    return [*spaces, *(vars(each) for each in classes if each.__module__ != "builtins")]


def _identity(space: Any) -> dict[object, int]:
    """Which object each name stands for; modules aside, which importing them puts there."""
    return {
        name: id(value) for name, value in space.items() if not isinstance(value, ModuleType) and name not in _CHANGES
    }


def _switches_of_python() -> list[object]:
    return [
        list(sys.path),
        [id(finder) for finder in sys.meta_path if not isinstance(finder, SubmissionFinder)],
        {name: value for name, value in os.environ.items() if name != DATA_VARIABLE},
        Path.cwd(),
        threading.active_count(),
        _thread._count(),  # those that threading does not know
        sys.getrecursionlimit(),
        sys.gettrace(),
        sys.getprofile(),
        id(sys.stdout),
        id(sys.stderr),
        gc.isenabled(),
        [signal.getsignal(number) for number in _SIGNALS],
        signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        [id(each) for each in warnings.filters],
    ]


def _switches_of_torch(torch: Any) -> list[object]:
    hooks = vars(torch.nn.modules.module)
    return [
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        str(torch._C._get_default_device()),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
        torch.is_autocast_enabled("cpu"),
        [len(hooks[name]) for name in hooks if name.startswith("_global_") and isinstance(hooks[name], dict)],
    ]


def _empty(folder: Path) -> None:
    for each in os.scandir(folder):
        with contextlib.suppress(OSError):
            if each.is_dir(follow_symlinks=False):
                shutil.rmtree(each)
            else:
                Path(each).unlink()


def _close_figures() -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
