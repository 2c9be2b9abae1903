"""The one exception a learner meets: a sentence that says what is wrong, and what mends it."""


class LabError(Exception):
    """Something the learner can mend; Jupyter shows its one sentence instead of a traceback."""

    def __init__(self, wrong: str, mend: str = ""):
        self.wrong, self.mend = wrong, mend
        super().__init__(f"{wrong} Mend: {mend}" if mend else wrong)

    def _render_traceback_(self) -> list[str]:
        return [str(self)]
