"""What the notebooks print: tables, sizes and live output."""

from .docker_output import steady
from .live_cell import live, register_magics
from .tables import size, table

__all__ = ["live", "register_magics", "size", "steady", "table"]
