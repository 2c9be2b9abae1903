"""Lambda, as far as it has to do with images: who may make a function of which image. Loaded by its first call."""

from .api import control

__all__ = ["control"]
