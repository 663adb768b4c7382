"""Run code that asks for a GPU on the CPU.

Six of twenty-one public GAN submissions call `.cuda()` somewhere. Where they are graded there
is no GPU, and the grade must not depend on that.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from typing import Any

_ASKS_FOR_GPU = re.compile(r"cuda|[\"'](mps|xpu)\b|\.xpu\(|\.pin_memory\(|\bdevice\s*=\s*\d|\.to\(\d")
_GPU = ("cuda", "mps", "xpu")


def asks_for_gpu(sources: Iterable[str]) -> bool:
    """Whether any of the sources names a GPU in any way."""
    return any(_ASKS_FOR_GPU.search(text) for text in sources)


def redirect_to_cpu(note: Callable[[str], None]) -> None:
    """Send every later request for a GPU to the CPU, and note it.

    To be called once, in the child. Covers `.cuda()`, `.to("cuda")`, `device="cuda"`,
    `torch.cuda.FloatTensor`, `map_location`, generators, default devices and synchronisation.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    def used() -> None:
        note("The code asks for a GPU; it was run on the CPU.")

    def on_cpu(value: Any) -> Any:
        if isinstance(value, torch.device) and value.type in _GPU:
            used()
            return torch.device("cpu")
        if isinstance(value, str) and (value.partition(":")[0] in _GPU or value.startswith("torch.cuda.")):
            used()
            return value.replace("torch.cuda.", "torch.") if value.startswith("torch.") else "cpu"
        return value

    def is_index(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def numbered(_: int) -> Any:
        """The device for a GPU's number."""
        used()
        return torch.device("cpu")

    to_gpu = (torch.Tensor.cuda, torch.Tensor.pin_memory, getattr(torch.Tensor, "xpu", None))

    class OnCpu(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func in to_gpu:
                used()
                return args[0]
            kwargs = {name: on_cpu(value) for name, value in (kwargs or {}).items()}
            if is_index(kwargs.get("device")):
                kwargs["device"] = numbered(kwargs["device"])
            if func is torch.Tensor.to and len(args) > 1 and is_index(args[1]):
                args = (args[0], numbered(args[1]), *args[2:])
            return func(*(on_cpu(value) for value in args), **kwargs)

    class Generator(torch.Generator):
        def __new__(cls, device: Any = "cpu") -> Any:
            return super().__new__(cls, device=on_cpu(device))  # type: ignore[call-arg]

    class NoDevice(contextlib.nullcontext[None]):
        def __init__(self, *_: Any) -> None:
            super().__init__()

    for name in ("Float", "Double", "Half", "Long", "Int", "Short", "Byte", "Bool"):
        setattr(torch.cuda, f"{name}Tensor", getattr(torch, f"{name}Tensor"))
    for name, stand_in in {
        "synchronize": lambda *_: None,
        "set_device": lambda *_: None,
        "current_device": lambda: 0,
        "get_device_name": lambda *_: "CPU",
        "device": NoDevice,
    }.items():
        setattr(torch.cuda, name, stand_in)
    setattr(torch, "Generator", Generator)  # noqa: B010
    torch.set_default_device = lambda *_: None

    load = torch.load

    def load_on_cpu(f: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG001
        return load(f, "cpu", *args, **kwargs)

    torch.load = load_on_cpu
    set_type = torch.set_default_tensor_type
    torch.set_default_tensor_type = lambda kind: set_type(on_cpu(kind))
    OnCpu().__enter__()  # type: ignore[no-untyped-call]
