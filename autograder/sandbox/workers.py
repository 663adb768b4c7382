"""Load data in the child's own process: worker processes need shared memory, which a confined child has not."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

# Options that a DataLoader refuses without workers.
_ONLY_WITH_WORKERS = ("prefetch_factor", "persistent_workers", "multiprocessing_context", "worker_init_fn", "timeout")


def do_without_workers(sources: Iterable[str], note: Callable[[str], None]) -> None:
    """Make every DataLoader load in the main process, and note it where one asked for workers.

    To be called once, in the child. What is loaded and its order stay the same, but for random
    numbers that a data set draws itself.
    """
    if not any("DataLoader" in text for text in sources):
        return
    from torch.utils.data import DataLoader

    construct = DataLoader.__init__
    signature = inspect.signature(construct)

    def construct_alone(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs)
        if bound.arguments.get("num_workers"):
            bound.arguments["num_workers"] = 0
            for name in _ONLY_WITH_WORKERS:
                bound.arguments.pop(name, None)
            note("A DataLoader asks for worker processes; it was run without.")
        construct(*bound.args, **bound.kwargs)

    DataLoader.__init__ = construct_alone  # type: ignore[method-assign]
