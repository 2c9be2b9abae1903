"""The few names and places that every part of the tutorial agrees on."""

from ecr_sandbox.settings import *  # noqa: F403
from ecr_sandbox.settings import PROJECT, base_image_layout, port, state, target  # noqa: F401
