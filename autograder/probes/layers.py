"""The layers that a network executes, in order, however its author spelt them.

A module `nn.ReLU()`, a call `F.relu(x)`, `x.clamp(min=0)` and `torch.maximum(x, zero)` are one
layer to a reader of the handout. They meet below Python's surface, where torch dispatches
operators: there this probe listens. What only reshapes is left out, and arithmetic between two
layers is named by what it does to the numbers that pass through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

Layer: TypeAlias = "dict[str, str | int | bool | list[int]]"
"""For example {"layer": "LeakyReLU", "slope": "0.2"} or {"layer": "Linear", "channels": 1568, "bias": True}."""

_MAKES_NEW = {"empty", "zeros", "ones", "full", "new_empty", "new_zeros", "new_ones", "new_full"} | {
    f"{name}_like" for name in ("empty", "zeros", "ones", "full", "rand", "randn", "randint")
}
_RANDOM = {"bernoulli", "rand", "randn", "rand_like", "randn_like", "randint", "normal", "uniform", "native_dropout"}
_RESHAPES = {
    *("view", "_unsafe_view", "reshape", "_reshape_alias", "alias", "detach", "clone", "contiguous", "lift_fresh"),
    *("t", "transpose", "permute", "squeeze", "unsqueeze", "flatten", "unflatten", "expand", "select", "slice"),
    *("as_strided", "unbind", "split", "split_with_sizes", "chunk", "_to_copy", "copy", "view_as", "movedim"),
    *("_conj", "resolve_conj", "resolve_neg", "stack", "cat"),
}
_CONVOLUTIONS = {"convolution", "_convolution", "mkldnn_convolution", "conv2d"}
_PRODUCTS = {"addmm", "mm", "matmul", "linear", "bmm", "baddbmm", "mv", "addmv", "dot"}
_POOLS = {"max_pool2d", "max_pool2d_with_indices", "mkldnn_max_pool2d"}
_NAMED: Mapping[str, str] = {
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "softplus": "Softplus",
    "log_sigmoid_forward": "LogSigmoid",
    "_prelu_kernel": "PReLU",
    "rrelu_with_noise": "RReLU",
    "hardtanh": "Hardtanh",
    "native_dropout": "Dropout",
}
_OTHER_LAYERS: Mapping[str, str] = {
    "native_batch_norm": "BatchNorm",
    "_native_batch_norm_legit": "BatchNorm",
    "_native_batch_norm_legit_no_training": "BatchNorm",
    "_batch_norm_with_update": "BatchNorm",
    "native_group_norm": "GroupNorm",
    "native_layer_norm": "LayerNorm",
    "avg_pool2d": "AvgPool2d",
    "_adaptive_avg_pool2d": "AdaptiveAvgPool2d",
    "adaptive_max_pool2d": "AdaptiveMaxPool2d",
    "_softmax": "Softmax",
    "_log_softmax": "LogSoftmax",
    "pixel_shuffle": "PixelShuffle",
    "constant_pad_nd": "Pad",
    "reflection_pad2d": "ReflectionPad2d",
    "replication_pad2d": "ReplicationPad2d",
}
_UPSAMPLES: Mapping[str, str] = {
    "upsample_nearest2d": "nearest",
    "_upsample_nearest_exact2d": "nearest",
    "upsample_bilinear2d": "bilinear",
    "_upsample_bilinear2d_aa": "bilinear",
    "upsample_bicubic2d": "bicubic",
    "_upsample_bicubic2d_aa": "bicubic",
}


def layers_of(net: nn.Module, *inputs: torch.Tensor) -> list[Layer]:
    """The layers through which `net(*inputs)` sends its inputs, in the order of execution.

    Reshapes are left out. Of a layer's hyper-parameters those are told that the handout's tables
    have: kernel, stride and padding as [height, width], output channels, bias, slope (text, to
    four digits), the scale and mode of an upsampling; dilation and groups only where they are
    not 1. Work whose result does not reach the output is left out as well.

    Use inputs that give every layer numbers of both signs: arithmetic that spells a non-linearity
    is recognised by its values.

    Raises:
        whatever `net` raises.
    """
    with torch.no_grad():
        recorder = _Recorder()
        with recorder:
            output = net(*inputs)
    calls = _reaching(recorder.calls, inputs, output)
    return _merge(_name_layers(calls))


@dataclass
class _Call:
    """One operator as torch dispatched it; `before` and `after` are flat copies of what it read and wrote."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    sources: list[torch.Tensor]
    results: list[torch.Tensor]
    before: list[torch.Tensor]
    after: torch.Tensor | None
    flow: list[int] = field(default_factory=list)
    noisy: bool = False

    def argument(self, position: int, default: Any = None) -> Any:
        return self.args[position] if len(self.args) > position else default


class _Recorder(TorchDispatchMode):
    """Keeps every call, and every tensor alive, so that no storage is used twice."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[_Call] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Otherwise torch imports its compiler to wrap the method below: one second for nothing.
        return False

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        sources = _tensors((args, kwargs))
        before = [source.clone() for source in sources]
        result = func(*args, **kwargs)
        results = _tensors(result)
        # aten.relu_.default -> relu
        name = str(func).split(".")[1].rstrip("_") if "." in str(func) else str(func)
        after = results[0].clone() if results else None
        self.calls.append(_Call(name, args, kwargs, sources, results, before, after))
        return result


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_flatten(tree)[0] if isinstance(leaf, torch.Tensor)]


def _storage(tensor: torch.Tensor) -> int:
    # Views and results of in-place operators share their storage, which is what data flows through.
    return tensor.untyped_storage().data_ptr() if tensor.numel() else id(tensor)


def _reaching(calls: Sequence[_Call], inputs: Iterable[torch.Tensor], output: Any) -> list[_Call]:
    """The calls on the way from the inputs to the output, with the positions of their flowing sources."""
    flowing = {_storage(tensor) for tensor in inputs}
    random: set[int] = set()
    forward = []
    for call in calls:
        reads = [_storage(source) for source in call.sources]
        writes = {_storage(result) for result in call.results}
        if call.name in _RANDOM:
            random |= writes
        if call.name in _MAKES_NEW:
            continue
        call.flow = [position for position, read in enumerate(reads) if read in flowing]
        call.noisy = any(read in random for read in reads)
        if call.flow:
            flowing |= writes
            forward.append(call)
        elif call.noisy:
            random |= writes
    wanted = {_storage(tensor) for tensor in _tensors(output)}
    if not wanted:
        return forward
    kept = []
    for call in reversed(forward):
        if any(_storage(result) in wanted for result in call.results):
            wanted |= {_storage(call.sources[position]) for position in call.flow}
            kept.append(call)
    return kept[::-1]


def _name_layers(calls: Sequence[_Call]) -> Iterator[Layer]:
    between: list[_Call] = []
    for call in calls:
        layer = _parametric(call)
        if layer is None:
            between.append(call)
            continue
        yield from _name_between(between)
        between = []
        yield layer
    yield from _name_between(between)


def _name_between(calls: Sequence[_Call]) -> Iterator[Layer]:
    """Name what happens between two layers that their operators tell."""
    copying = [position for position, call in enumerate(calls) if _grows(call)]
    for start, end in _stretches(calls, copying):
        upsampling = _copied_pixels(calls[start], calls[end])
        if upsampling is not None:
            yield from _name_arithmetic(calls[:start])
            yield upsampling
            yield from _name_arithmetic(calls[end + 1 :])
            return
    yield from _name_arithmetic(calls)


def _stretches(calls: Sequence[_Call], copying: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last position of stretches of `calls` that hold all of `copying` and else begin with reshapes."""
    if not copying:
        return
    start = copying[0]
    while start > 0 and _only_reshapes(calls[start - 1]):
        start -= 1
    for first in range(start, copying[0] + 1):
        for last in range(copying[-1], len(calls)):
            yield first, last


def _only_reshapes(call: _Call) -> bool:
    if call.name not in _RESHAPES:
        return False
    return call.name not in ("stack", "cat") or len(call.sources) == 1


def _grows(call: _Call) -> bool:
    """Whether the result has more entries than the data that flowed in: entries were copied."""
    return call.after is not None and call.after.numel() > call.before[call.flow[0]].numel()


def _copied_pixels(first: _Call, last: _Call) -> Layer | None:
    """Nearest-neighbour upsampling spelt as repetition of rows and columns; None where it is something else."""
    source, result = first.before[first.flow[0]], last.after
    if result is None or not source.dim() == result.dim() == 4 or source.shape[:2] != result.shape[:2]:
        return None
    copied = nn.functional.interpolate(source, size=[int(edge) for edge in result.shape[-2:]], mode="nearest")
    return _upsampling(source, result, "nearest") if torch.equal(copied, result) else None


def _parametric(call: _Call) -> Layer | None:
    """A layer that its operator tells; None for arithmetic, element by element."""
    if call.name in _CONVOLUTIONS:
        return _convolution(call)
    if call.name in _PRODUCTS:
        return _linear(call)
    if call.name in _POOLS:
        kernel = _pair(call.argument(1))
        stride = _pair(call.argument(2) or kernel)
        return {"layer": "MaxPool2d", "kernel": kernel, "stride": stride, "padding": _pair(call.argument(3, 0))}
    if call.name in _UPSAMPLES:
        return _upsampling(call.sources[0], call.results[0], _UPSAMPLES[call.name])
    if call.name in _OTHER_LAYERS:
        layer: Layer = {"layer": _OTHER_LAYERS[call.name]}
        if call.name == "constant_pad_nd":
            layer["padding"] = [int(width) for width in call.argument(1)]
            layer["value"] = _text(float(call.argument(2, 0.0)))
        return layer
    return None


def _convolution(call: _Call) -> Layer:
    weight, bias = call.args[1], call.argument(2)
    transposed, groups = False, 1
    stride, padding, dilation = call.argument(3, 1), call.argument(4, 0), call.argument(5, 1)
    if call.name in ("convolution", "_convolution"):
        transposed, groups = bool(call.argument(6, False)), int(call.argument(8, 1))
    layer: Layer = {
        "layer": "ConvTranspose2d" if transposed else "Conv2d",
        "kernel": [int(size) for size in weight.shape[2:]],
        "stride": _pair(stride),
        "padding": _pair(padding),
        "channels": int(call.results[0].shape[-3]),
        "bias": bias is not None,
    }
    if any(size != 1 for size in _pair(dilation)):
        layer["dilation"] = _pair(dilation)
    if groups != 1:
        layer["groups"] = groups
    return layer


def _linear(call: _Call) -> Layer:
    """A product with weights; the weights are the operand that does not depend on the input."""
    first = 1 if call.name.startswith(("add", "badd")) else 0
    bias = bool(first) or (call.name == "linear" and call.argument(2) is not None)
    if first in call.flow and first + 1 in call.flow:
        return {"layer": "product of two activations"}
    left, right = call.sources[first], call.sources[first + 1]
    if call.name == "linear":
        channels = right.shape[0]
    elif first in call.flow:
        channels = right.shape[-1] if right.dim() > 1 else 1
    else:
        channels = left.shape[-2] if left.dim() > 1 else 1
    return {"layer": "Linear", "channels": int(channels), "bias": bias}


def _upsampling(source: torch.Tensor, result: torch.Tensor, mode: str) -> Layer:
    scale = [
        _text(new / old) if new % old else str(new // old)
        for new, old in zip(result.shape[-2:], source.shape[-2:], strict=True)
    ]
    return {"layer": "Upsample", "scale": scale[0] if scale[0] == scale[1] else " x ".join(scale), "mode": mode}


def _name_arithmetic(between: Sequence[_Call]) -> Iterator[Layer]:
    """Name what operators do element by element: all of them as a whole if possible, else bit by bit."""
    calls = [call for call in between if not _only_reshapes(call)]
    if calls and calls[0].name == "add" and _is_bias(calls[0]):
        yield {"layer": "bias", "channels": _bias_size(calls[0])}
        calls = calls[1:]
    if len(calls) > 1:
        whole = _recognise(calls)
        if whole is not None:
            yield from whole
            return
    start = 0
    while start < len(calls):
        for end in range(start + 1, len(calls) + 1):
            layers = _recognise(calls[start:end])
            if layers is not None:
                yield from layers
                start = end
                break
        else:
            yield _fallback(calls[start])
            start += 1


def _recognise(calls: Sequence[_Call]) -> list[Layer] | None:
    """The layers that `calls` amount to ([] for none), or None where their values name nothing."""
    if len(calls) == 1 and calls[0].name in _NAMED:
        return [{"layer": _NAMED[calls[0].name]}]
    if len(calls) == 1 and calls[0].name == "leaky_relu":
        slope = float(calls[0].argument(1, 0.01))
        return [_leaky(slope)]
    if any(call.noisy for call in calls):
        return None
    source, result = calls[0].before[calls[0].flow[0]], calls[-1].after
    if result is None or not (source.is_floating_point() and result.is_floating_point()):
        return None
    return _pointwise(source.flatten(), result.flatten()) if source.numel() == result.numel() else None


def _pointwise(source: torch.Tensor, result: torch.Tensor) -> list[Layer] | None:
    if torch.equal(source, result):
        return []
    positive = source > 0
    if bool(positive.any()) and torch.equal(source[positive], result[positive]) and not bool(positive.all()):
        negative = source < 0
        slopes = result[negative] / source[negative]
        if slopes.numel() and torch.allclose(slopes, slopes[0].expand_as(slopes), rtol=1e-4, atol=1e-6):
            return [_leaky(float(slopes[0]))]
    functions: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "Sigmoid": torch.sigmoid,
        "Tanh": torch.tanh,
        "SiLU": nn.functional.silu,
    }
    for name, function in functions.items():
        if torch.allclose(function(source), result, rtol=1e-4, atol=1e-6):
            return [{"layer": name}]
    return None


def _leaky(slope: float) -> Layer:
    return {"layer": "LeakyReLU", "slope": _text(slope)} if abs(slope) > 1e-9 else {"layer": "ReLU"}


def _fallback(call: _Call) -> Layer:
    return {"layer": "Dropout" if call.noisy and call.name == "mul" else call.name}


def _is_bias(call: _Call) -> bool:
    return len(call.sources) == 2 and len(call.flow) == 1 and _bias_size(call) > 0


def _bias_size(call: _Call) -> int:
    """Entries of an added constant that varies along one axis only; 0 if it is none such."""
    added = call.sources[1 - call.flow[0]]
    return int(added.numel()) if added.numel() == max(added.shape, default=0) else 0


def _merge(layers: Iterable[Layer]) -> list[Layer]:
    """Join what two operators spelt: a product and its bias, zero padding and its convolution."""
    merged: list[Layer] = []
    for layer in layers:
        last = merged[-1] if merged else {}
        padded = _padded(last, layer)
        if layer["layer"] == "bias" and last.get("bias") is False and last.get("channels") == layer["channels"]:
            last["bias"] = True
        elif padded:
            merged[-1] = padded
        else:
            merged.append(dict(layer))
    return merged


def _padded(pad: Layer, convolution: Layer) -> Layer | None:
    """A convolution without padding that follows zero padding, as one layer; None where they are not that."""
    if pad.get("layer") != "Pad" or convolution["layer"] != "Conv2d" or convolution["padding"] != [0, 0]:
        return None
    widths = pad["padding"]
    if pad["value"] != "0" or not isinstance(widths, list) or len(widths) != 4:
        return None
    left, right, top, bottom = widths
    return {**convolution, "padding": [top, left]} if (left, top) == (right, bottom) else None


def _pair(size: Any) -> list[int]:
    sizes = [int(edge) for edge in size] if isinstance(size, (list, tuple)) else [int(size)]
    return sizes * 2 if len(sizes) == 1 else sizes


def _text(number: float) -> str:
    """A number to four significant digits, so that 0.2 stored as float32 reads "0.2"."""
    return f"{number:.4g}"
