"""CloudWatch Logs: FilterLogEvents by the prefix of streams, which moto does not look at.

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
        asked = ("startTime", "endTime", "limit", "nextToken", "filterPattern")
        given: list[Any] = [self._get_param(each) for each in asked]
        events, token, searched = self.logs_backend.filter_log_events(group, names, *given, interleaved=True)
        return json.dumps({"events": events, "nextToken": token, "searchedLogStreams": searched})


def install() -> None:
    """Put this class in the place of moto's. To be called before moto answers anything."""
    moto.logs.urls.url_paths["{0}/$"] = Response.dispatch
