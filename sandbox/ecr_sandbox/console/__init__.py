"""The web console under ``/console``: pages that call the sandbox's API with boto3, as a user whom you choose.

``pages.py`` has the paths; each area has a module with its views, and a template for each page.
"""

from .page import Sandbox
from .pages import pages

__all__ = ["Sandbox", "pages"]
