"""CloudWatch Logs: FilterLogEvents by a prefix of stream names, which moto ignores.

Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import json
from typing import Any

import moto.logs.urls
from moto.logs.responses import LogsResponse


class Response(LogsResponse):
    """The API of CloudWatch Logs."""

    def filter_log_events(self) -> str:
        prefix, group = self._get_param("logStreamNamePrefix"), self._get_param("logGroupName")
        if not prefix or group not in self.logs_backend.groups:
            return super().filter_log_events()
        names = [name for name in self.logs_backend.groups[group].streams if name.startswith(prefix)]
        if not names:
            return json.dumps({"events": [], "searchedLogStreams": []})
        parameters = ("startTime", "endTime", "limit", "nextToken", "filterPattern")
        given: list[Any] = [self._get_param(each) for each in parameters]
        events, token, searched = self.logs_backend.filter_log_events(group, names, *given, interleaved=True)
        return json.dumps({"events": events, "nextToken": token, "searchedLogStreams": searched})


def install() -> None:
    """Replace moto's class by this one. Call it before moto's first answer."""
    moto.logs.urls.url_paths["{0}/$"] = Response.dispatch
