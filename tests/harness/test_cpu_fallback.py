"""Code that asks for a GPU runs on the CPU, however it asks; code that does not is left alone."""

from __future__ import annotations

import pytest
from made_up import LIMITS, REPLY_LIMITS, a_job

from autograder.observation import Observation
from autograder.sandbox.cpu_fallback import asks_for_gpu
from autograder.sandbox.runner import Sandbox

NOTE = "The code asks for a GPU; it was run on the CPU."

NOTED = """
torch.zeros(2).cuda()
torch.zeros(2).cuda(0)
torch.zeros(2).cuda(device="cuda:0")
torch.zeros(2).to("cuda")
torch.zeros(2).to("cuda:1", non_blocking=True)
torch.zeros(2).to(torch.device("cuda", 0))
torch.zeros(2).to(device="cuda", dtype=torch.float64)
torch.zeros(2).to(0)
torch.zeros(2, device=0)
torch.zeros(2, device="cuda")
torch.tensor([1.0], device="cuda:0")
torch.randn(2, device=torch.device("cuda"))
torch.ones_like(torch.zeros(2), device="cuda")
torch.zeros(2).new_zeros(3, device="cuda")
torch.zeros(2).type("torch.cuda.FloatTensor")
torch.zeros(2).pin_memory()
torch.zeros(2).to("mps")
torch.zeros(2, device="mps")
torch.nn.Linear(2, 2).cuda()(torch.zeros(1, 2).cuda())
torch.nn.Linear(2, 2).to("cuda")(torch.zeros(1, 2))
torch.nn.Linear(2, 2, device="cuda").weight
torch.nn.DataParallel(torch.nn.Linear(2, 2).cuda())(torch.zeros(1, 2))
torch.stack([torch.zeros(2).cuda(), torch.zeros(2)])
torch.autograd.Variable(torch.zeros(2).cuda(), requires_grad=True) * 2
torch.distributions.Normal(torch.zeros(2).cuda(), torch.ones(2).cuda()).sample()
torch.randn(2, generator=torch.Generator(device="cuda").manual_seed(1))
torch.eye(3).cuda().cpu().numpy()
torch.set_default_tensor_type("torch.cuda.FloatTensor") or torch.zeros(1)
float(torch.zeros(1).cuda().is_cuda)
"""

SILENT = """
torch.cuda.FloatTensor(2).fill_(1)
torch.cuda.LongTensor([1])
torch.zeros(2).type(torch.cuda.FloatTensor)
torch.nn.Linear(2, 2).type(torch.cuda.FloatTensor).weight
torch.set_default_tensor_type(torch.cuda.FloatTensor) or torch.zeros(1)
torch.set_default_device("cuda") or torch.zeros(1)
torch.cuda.synchronize() or torch.zeros(1)
torch.cuda.synchronize("cuda:0") or torch.zeros(1)
torch.cuda.set_device(0) or torch.zeros(1)
torch.cuda.current_device() or torch.zeros(1)
torch.zeros(len(torch.cuda.get_device_name(0)))
torch.cuda.empty_cache() or torch.zeros(1)
torch.cuda.manual_seed_all(0) or torch.zeros(1)
torch.zeros(2).to("cuda" if torch.cuda.is_available() else "cpu")
torch.randn(2, generator=torch.Generator().manual_seed(1))
"""

LONGER = {
    "device context": ('with torch.device("cuda"):\n    x = torch.zeros(2)', True),
    "numbered device context": ("with torch.cuda.device(0):\n    x = torch.zeros(2)", False),
    "autocast": ("with torch.cuda.amp.autocast():\n    x = torch.zeros(2, 2) @ torch.zeros(2, 2)", False),
    "load": ('torch.save(torch.ones(2), "x.pt")\nx = torch.load("x.pt", map_location="cuda")', False),
    "load, by position": ('torch.save(torch.ones(2), "x.pt")\nx = torch.load("x.pt", "cuda")', False),
    "load, by function": ('torch.save(torch.ones(2), "x.pt")\nx = torch.load("x.pt", lambda s, _: s.cuda())', False),
    "loader": (
        "data = torch.zeros(4, 1)\nx = next(iter(torch.utils.data.DataLoader(data, pin_memory=True))).cuda()",
        True,
    ),
    "training": (
        "net = torch.nn.Linear(2, 1).cuda()\nloss = net(torch.ones(1, 2).cuda()).sum()\nloss.backward()\n"
        "torch.optim.Adam(net.parameters()).step()\nx = net.weight",
        True,
    ),
    "a dtype for everything": (
        "dtype = torch.cuda.FloatTensor\n"
        "net = torch.nn.Linear(2, 1).type(dtype)\nx = net(torch.ones(1, 2).type(dtype))",
        False,
    ),
}


def observed(sandbox: Sandbox, code: str) -> Observation:
    body = "\n".join(f"    {line}" for line in f"{code}\nreturn x".splitlines())
    outcome = sandbox.run(a_job("observe(x=hw.f())", f"import torch\ndef f():\n{body}\n"), LIMITS, REPLY_LIMITS)
    assert outcome.observation is not None, f"{outcome.ending} {outcome.detail} {outcome.output}"
    return outcome.observation


CASES = [
    *((line, f"x = {line}", True) for line in NOTED.strip().splitlines()),
    *((line, f"x = {line}", False) for line in SILENT.strip().splitlines()),
    *((name, code, noted) for name, (code, noted) in LONGER.items()),
]


@pytest.mark.parametrize(("code", "noted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_it_runs_on_the_cpu(sandbox: Sandbox, code: str, noted: bool) -> None:
    observation = observed(sandbox, code)
    assert observation.failure is None, observation.failure
    assert observation.entries[0].array
    assert observation.header.notes == ((NOTE,) if noted else ())


def test_without_it_a_gpu_is_asked_for_in_vain(sandbox: Sandbox) -> None:
    """The negative control: the same request, in words that `asks_for_gpu` does not see."""
    observation = observed(sandbox, 'x = getattr(torch.zeros(2), "cu" + "da")()')
    assert observation.failure is not None
    assert observation.header.notes == ()


def test_the_numbers_are_the_cpus(sandbox: Sandbox) -> None:
    plain = observed(sandbox, "x = torch.nn.Linear(3, 2)(torch.randn(4, 3))")
    moved = observed(sandbox, 'x = torch.nn.Linear(3, 2).cuda()(torch.randn(4, 3).to("cuda"))')
    assert plain.value(plain.entries[0]).tolist() == moved.value(moved.entries[0]).tolist()


def test_the_names_of_devices_in_other_places_are_left_alone(sandbox: Sandbox) -> None:
    observation = observed(sandbox, 'x = torch.zeros(2).cuda()\nnames = {"cuda": 1}\nx = x + names["cuda"]')
    assert observation.value(observation.entries[0]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "text", ["x.cuda()", 'device = "mps"', "x.pin_memory()", "torch.zeros(1, device=0)", "x.to(0)"]
)
def test_sources_that_ask(text: str) -> None:
    assert asks_for_gpu(["pass", text])


@pytest.mark.parametrize("text", ["", "x.to(device)", "pin_memory=True", "lumps = 3", "x.to(torch.float32)"])
def test_sources_that_do_not(text: str) -> None:
    assert not asks_for_gpu([text, "pass"])
