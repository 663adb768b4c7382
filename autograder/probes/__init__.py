"""What graders look with: layers as executed, parameters, initial weights, gradients, training, figures.

A probe runs where the student's code runs. It holds no answer, so that there is nothing to
read; and no point may hang on its word alone, because it could be patched there.
"""
