"""A DataLoader that asks for worker processes gives the same batches without, and one that does not is left alone."""

from __future__ import annotations

import pytest
from made_up import LIMITS, REPLY_LIMITS, a_job

from autograder.observation import Observation
from autograder.sandbox.runner import Sandbox

NOTE = "A DataLoader asks for worker processes; it was run without."
SETUP = (
    "import torch\nfrom torch.utils.data import DataLoader, TensorDataset\nDATA = TensorDataset(torch.arange(8.0))\n"
)


def batches(sandbox: Sandbox, loader: str) -> Observation:
    student = f"{SETUP}def batches():\n    return torch.stack([batch for (batch,) in {loader}])\n"
    outcome = sandbox.run(a_job("observe(x=hw.batches())", student), LIMITS, REPLY_LIMITS)
    assert outcome.observation is not None, f"{outcome.ending} {outcome.detail} {outcome.output}"
    assert outcome.observation.failure is None, outcome.observation.failure
    return outcome.observation


def values(observation: Observation) -> list[list[float]]:
    return observation.value(observation.entries[0]).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "options",
    [
        "batch_size=2, num_workers=2",
        "2, False, None, None, 2",
        "batch_size=2, num_workers=2, prefetch_factor=4, persistent_workers=True",
        "batch_size=2, num_workers=1, multiprocessing_context='fork', worker_init_fn=print, pin_memory=True",
        "batch_size=2, num_workers=2, timeout=30",
    ],
)
def test_it_loads_in_the_main_process(sandbox: Sandbox, options: str) -> None:
    observation = batches(sandbox, f"DataLoader(DATA, {options})")
    assert values(observation) == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]
    assert observation.header.notes == (NOTE,)


def test_shuffling_is_the_same(sandbox: Sandbox) -> None:
    alone = batches(sandbox, "DataLoader(DATA, batch_size=2, shuffle=True)")
    asking = batches(sandbox, "DataLoader(DATA, batch_size=2, shuffle=True, num_workers=2)")
    assert values(alone) == values(asking)
    assert alone.header.notes == ()


@pytest.mark.parametrize("options", ["batch_size=4", "batch_size=4, num_workers=0"])
def test_without_workers_nothing_changes(sandbox: Sandbox, options: str) -> None:
    observation = batches(sandbox, f"DataLoader(DATA, {options})")
    assert values(observation) == [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
    assert observation.header.notes == ()


def test_several_loaders_are_noted_once(sandbox: Sandbox) -> None:
    loader = "[*DataLoader(DATA, 4, num_workers=1), *DataLoader(DATA, 4, num_workers=1)]"
    assert batches(sandbox, loader).header.notes == (NOTE,)


def test_wrong_options_are_still_wrong(sandbox: Sandbox) -> None:
    student = f"{SETUP}def f():\n    return DataLoader(DATA, num_workers=2, bach_size=3)\n"
    outcome = sandbox.run(a_job("hw.f()", student), LIMITS, REPLY_LIMITS)
    assert outcome.observation is not None
    assert outcome.observation.failure is not None
    assert outcome.observation.failure.type == "TypeError"
    assert "bach_size" in outcome.observation.failure.message


def test_a_network_is_not_compiled(sandbox: Sandbox) -> None:
    """torch.compile would run a C++ compiler for half a minute."""
    student = "import torch\n@torch.compile\ndef f(x):\n    return 2 * x\n"
    outcome = sandbox.run(a_job("import torch\nobserve(x=hw.f(torch.ones(2)))", student), LIMITS, REPLY_LIMITS)
    assert outcome.observation is not None
    assert outcome.observation.failure is None
    assert values(outcome.observation) == [2.0, 2.0]
