"""The base of this package's errors: one sentence that says what is wrong, and the command that fixes it."""


class SandboxError(Exception):
    """An error that the user can fix; Jupyter shows its one sentence instead of a traceback."""

    def __init__(self, wrong: str, fix: str = ""):
        self.wrong, self.fix = wrong, fix
        super().__init__(f"{wrong} Fix: {fix}" if fix else wrong)

    def _render_traceback_(self) -> list[str]:
        return [str(self)]
