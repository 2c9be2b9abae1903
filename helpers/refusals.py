"""On a real account a call that AWS denies is shown as AWS's sentence and the missing permission, without a traceback.

boto3's error has a traceback of some sixty lines, and half of it would be the code of this package.
"""

from collections.abc import Callable

from helpers.errors import denied_action


def register() -> None:
    """Let IPython show such errors of boto3 as ``sentences`` says: it asks each error for ``_render_traceback_``."""
    from botocore.exceptions import ClientError

    ClientError._render_traceback_ = property(_renderer)


def sentences(error: Exception) -> list[str]:
    """The lines that IPython shows for a denied call."""
    action = denied_action(error)
    return [str(error), f"Fix: allow {action} to who called it. docs/aws-policy.json has everything that you need."]


def _renderer(error: Exception) -> Callable[[], list[str]]:
    """What makes these lines; AttributeError for an error that is not a denial: IPython shows its traceback."""
    if not denied_action(error):
        raise AttributeError("_render_traceback_")
    return lambda: sentences(error)
