"""What forms contain: lines, and lines with a key and a value."""


def lines(text: str) -> list[str]:
    """The lines of *text* that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def pairs(text: str) -> list[tuple[str, str]]:
    """The lines ``key=value`` of *text*."""
    parted = (line.partition("=") for line in lines(text))
    return [(key.strip(), value.strip()) for key, _, value in parted]
