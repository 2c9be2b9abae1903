"""What the notebooks print and draw: tables, sizes, live output, and the picture of an image's steps."""

from .docker_output import steady
from .journey import way, write_pictures
from .live_cell import live, register_magics
from .tables import size, table

__all__ = ["live", "register_magics", "size", "steady", "table", "way", "write_pictures"]
