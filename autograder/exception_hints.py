"""What to do about the exceptions that students' PyTorch code raises most often."""

from __future__ import annotations

import re

# (pattern over "Type: message", help). The first that matches is used.
_HINTS: tuple[tuple[str, str], ...] = (
    (
        r"(expected .*(scalar type|dtype|same dtype).*(double|float))|(Double.*Float|Float.*Double)",
        "A float64 value met a float32 one. NumPy's random numbers and arrays are float64: draw noise with "
        "torch.randn or torch.randn_like, or convert with .float().",
    ),
    (
        r"mat1 and mat2 shapes cannot be multiplied|size mismatch, m1",
        "The input of a Linear layer does not have as many features as the layer was declared with. Print the shape "
        "just before that line and check flatten, padding and stride.",
    ),
    (
        r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d|[Ee]xpected [34]D .*input",
        "This layer takes [batch, channels, height, width]. Check the reshape before it.",
    ),
    (
        r"Given groups=1, weight of size|expected input.* to have \d+ channels",
        "The convolution before passes on another number of channels than this one takes.",
    ),
    (
        r"Target size .* must be the same as input size|Using a target size",
        "Logits and labels must have one shape. Make the labels with torch.ones_like or zeros_like of the logits.",
    ),
    (
        r"The size of tensor a .* must match the size of tensor b|could not be broadcast",
        "Two tensors whose shapes do not fit meet in this line. Print both shapes just before it.",
    ),
    (
        r"shape '.*' is invalid for input of size",
        "A view or reshape must keep the number of values. Leave the batch dimension to PyTorch with -1.",
    ),
    (
        r"does not require grad and does not have a grad_fn",
        "The gradient's path is cut: look for .detach(), .item(), .data, torch.no_grad() or a trip through NumPy.",
    ),
    (
        r"a leaf Variable that requires grad is being used in an in-place|modified by an inplace operation",
        "Change parameters under torch.no_grad(), and avoid in-place operations on values that "
        "the backward pass needs.",
    ),
    (
        r"Can't call numpy\(\) on Tensor that requires grad",
        "Call .detach() before .numpy().",
    ),
    (
        r"all elements of input should be between 0 and 1|Expected p_in >= 0 && p_in <= 1",
        "A probability lies outside of [0, 1], or is NaN. Is a sigmoid missing, or a logit taken for a probability?",
    ),
    (
        r"AttributeError: (cannot assign .* before Module.__init__|.*has no attribute '_parameters')",
        "Call super().__init__() first in the constructor of an nn.Module.",
    ),
    (
        r"missing 1 required positional argument: 'self'",
        "This is a class where an object is asked for: `Net()`, not `Net`.",
    ),
    (
        r"'(function|type)' object has no attribute '(modules|parameters|train|eval|to|state_dict)'",
        "A model is an object of nn.Module. Return one, not a function or a class.",
    ),
    (
        r"missing \d+ required positional argument|takes .* positional arguments? but|unexpected keyword argument",
        "The signature differs from the handout's. Keep the arguments' names and order as they are in the template.",
    ),
    (
        r"NameError: name '(\w+)' is not defined",
        "The name is used before it is defined at the top level of the file, or only inside another function.",
    ),
    (
        r"'NoneType' object",
        "Something returned None. Does every path through the function end with a return?",
    ),
    (
        r"ValueError: (math domain error|expected a positive input)",
        "Say what the case of a zero gives before you take the logarithm: math.log takes numbers above 0 alone.",
    ),
    (r"ZeroDivisionError", "Say what the case of a zero gives before you divide by it."),
    (
        r"AttributeError: ([A-Z][A-Z_]*$|type object '\w+' has no attribute '[A-Z][A-Z_]*')",
        "An enumeration has no member of this name. Compare the spelling with the list in your template.",
    ),
    (r"RecursionError", "A function calls itself without end."),
    (
        r"(URLError|gaierror|ConnectionError|ConnectionRefused|Temporary failure in name resolution)",
        "There is no network where this is graded. Load the data through the functions that were given to you.",
    ),
    (
        r"\[Errno 1\]",
        "Where this is graded, code may start no process, use no network and touch no other process. "
        "Do the work in this process; a DataLoader needs num_workers=0.",
    ),
    (
        r"PermissionError",
        "Files can be written below the current folder alone. Use a path that does not begin with / or ..",
    ),
    (
        r"FileNotFoundError",
        "Every grader runs in an empty folder. Load data through hw3_utils, and write a file before reading it.",
    ),
)
_COMPILED = tuple((re.compile(pattern), text) for pattern, text in _HINTS)


def hint(type_name: str, message: str) -> str:
    """What to do about an exception, or "" where nothing general can be said."""
    line = f"{type_name}: {message}"[:2000]
    return next((text for pattern, text in _COMPILED if pattern.search(line)), "")
