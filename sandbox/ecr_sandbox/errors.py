"""The bases of this package's errors. What each service answers is in its own ``errors.py``."""


class SandboxError(Exception):
    """An error that the user can fix: *wrong* is one sentence, *fix* the command that helps.

    Jupyter shows the sentence instead of a traceback.
    """

    def __init__(self, wrong: str, fix: str = ""):
        self.wrong, self.fix = wrong, fix
        super().__init__(f"{wrong} Fix: {fix}" if fix else wrong)

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class ApiError(Exception):
    """An error answer of an AWS API: a code and a status for each protocol, and nearly always the same *message*.

    *code* and *status* are those of the JSON and CBOR protocols, *query_code*, *query_status* and *query_message* those
    of the query protocol (XML), which IAM and STS speak. The code below ``aws/`` raises it, ``aws/responses.py``
    answers with it.
    """

    def __init__(
        self,
        code: str,
        query_code: str,
        message: str,
        status: int = 400,
        query_status: int = 403,
        query_message: str = "",
    ):
        super().__init__(message)
        self.code, self.query_code, self.message = code, query_code, message
        self.query_message = query_message or message
        self.status, self.query_status = status, query_status


def could_not(error: Exception) -> str:
    """The sentence about an *error* of the disk or the state file; it is not AWS's."""
    return f"The sandbox could not do this: {error}"


def not_supported(what: str) -> ApiError:
    """*what*, an operation or a parameter, works on AWS only. The code and the sentence are not AWS's."""
    code = "UnsupportedOperationException"
    return ApiError(code, code, f"{what} is not part of this sandbox. It works on AWS.", query_status=400)
