"""Grade PyTorch homework by observing what a submission does."""

__version__ = "0.1.0"
