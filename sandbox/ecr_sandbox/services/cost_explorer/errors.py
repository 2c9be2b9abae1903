"""Cost Explorer's errors, each with its source."""

from moto.core.exceptions import JsonRESTError


class ValidationException(JsonRESTError):
    """A parameter that Cost Explorer does not accept."""

    code = 400

    def __init__(self, message: str, error: str = "ValidationException"):
        super().__init__(error, message)


def start_after_end() -> ValidationException:
    """https://github.com/zoph-io/instance-watcher/issues/18"""
    return ValidationException("Start date (and hour) should be before end date (and hour)")


def end_too_late() -> ValidationException:
    """https://github.com/aws/aws-sdk-js/issues/2732"""
    return ValidationException("end date past the beginning of next month")


def too_old_for_hours(days: int) -> ValidationException:
    """https://github.com/aws/aws-sdk-net/issues/1773"""
    return ValidationException(
        f"start date is too old for hourly, the max supported days for hourly granularity is {days} days"
    )


def too_old(months: int) -> ValidationException:
    """As several public tools print it; an account must enable more than 14 months."""
    return ValidationException(f"You haven't enabled historical data beyond {months} months")


def no_data() -> ValidationException:
    """The sentence is AWS's. Its use for a start in the future is our assumption."""
    return ValidationException(
        "Data is not available. Please try to adjust the time period."
        " If just enabled Cost Explorer, data might not be ingested yet",
        "DataUnavailableException",
    )


def invalid_time(name: str, text: str, form: str) -> ValidationException:
    """Seen with an empty date in a public log; the form for hours is the API reference's."""
    return ValidationException(f"{name} time {text} is invalid. Valid format is: {form}.")


def invalid_match_options(unknown: set[str]) -> ValidationException:
    """The sentence is ours."""
    return ValidationException(f"MatchOptions {', '.join(sorted(unknown))} are not valid here")


def invalid_metric(name: str, valid: tuple[str, ...]) -> ValidationException:
    """The sentence is ours."""
    return ValidationException(f"Metric {name} is invalid. Valid values are {', '.join(valid)}")


def too_many_groups() -> ValidationException:
    """As quoted in a public bug report."""
    return ValidationException("Only two values for GroupBy are allowed")


def invalid_group(dimensions: str) -> ValidationException:
    """As printed for GetCostAndUsageWithResources."""
    return ValidationException(f"Group Definition dimension is invalid. Valid values are {dimensions}")


def not_supported(what: str) -> ValidationException:
    """Not an error of AWS: what the sandbox does not support."""
    return ValidationException(f"{what} are not part of this sandbox")
