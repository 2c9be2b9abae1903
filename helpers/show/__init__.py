"""What the notebooks print: tables, sizes, pages and live output."""

from .docker_output import steady
from .live_cell import live, register_magics
from .pages import page
from .tables import size, table

__all__ = ["live", "page", "register_magics", "size", "steady", "table"]
