"""The rows of the doctor: ``{"name", "ok", "text", "detail", "fix"}``."""

Row = dict


def ok(name: str, text: str, detail: str = "") -> Row:
    """A prerequisite that is met; *text* is the same on every machine, *detail* has its versions and figures."""
    return {"name": name, "ok": True, "text": text, "detail": detail, "fix": ""}


def miss(name: str, text: str, fix: str) -> Row:
    """A prerequisite that is not met, and the command that fixes it."""
    return {"name": name, "ok": False, "text": text, "detail": text, "fix": fix}
