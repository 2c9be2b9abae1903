"""Tags in calls: their condition keys, and the permission that a call needs which creates something with tags.

Sources: Service Authorization Reference, "API operations" of each service, which names the tagging action for each
operation that takes tags; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .requests import AuthorizationRequest, Call, Facts

PARAMETERS = ("tags", "Tags", "ResourceTags")
KEY_PARAMETERS = ("tagKeys", "TagKeys", "ResourceTagKeys")
# In the query protocols: of IAM, and of EC2
IN_QUERY = re.compile(r"(Tags\.member\.\d+|(?:TagSpecification\.\d+\.)?Tag\.\d+)\.Key")
KEY_IN_QUERY = re.compile(r"TagKeys\.member\.\d+")
IN_LOWER_CASE = ("ecs",)  # the services whose models have a tag's ``key`` and ``value``; in others: ``Key``, ``Value``
# The operations that only add or remove tags need no further permission.
ONLY_TAGS = re.compile(r"(Tag|Untag)[A-Z]\w*|(Create|Delete)Tags")
ACTIONS = {"ec2": "CreateTags", "sqs": "TagQueue"}  # of other services, except IAM: TagResource
# The operations of IAM whose tagging action has another name: iam:TagUser belongs to CreateUser.
ACTIONS_OF_IAM = {"CreateVirtualMFADevice": "TagMFADevice", "UploadServerCertificate": "TagServerCertificate"}
INSTEAD = {"logs": "logs:TagLogGroup"}  # CreateLogGroup, API reference: "either" of the two permissions
WITH_CREATE_ACTION = ("ec2", "ecs")  # their tagging action has the condition key CreateAction
SERVICES_WITHOUT = ("sts",)  # its tags are those of a session, see ``api_authorization.py``


def facts_of(parameters: Mapping[str, Any], service: str = "") -> Facts:
    """The condition keys ``aws:RequestTag/…`` and ``aws:TagKeys`` of a call of *service* with these *parameters*."""
    tags = dict(_tags(parameters, *(("key", "value") if service in IN_LOWER_CASE else ("Key", "Value"))))
    keys = tuple(tags) or tuple(dict.fromkeys(_keys(parameters)))
    return {
        **{f"aws:RequestTag/{key}": value for key, value in tags.items()},
        **({"aws:TagKeys": keys} if keys else {}),
    }


def with_tags(call: Call, requests: list[AuthorizationRequest]) -> list[AuthorizationRequest]:
    """*requests*, those of *call*, with the condition keys of its tags, and the requests for adding these tags."""
    facts = {} if call.service in SERVICES_WITHOUT else facts_of(call.parameters, call.service)
    if not facts:
        return requests
    action, prefix = tagging_action(call), call.action.partition(":")[0]
    known = [
        replace(each, facts={**facts, **each.facts}) if each.action.startswith(f"{prefix}:") else each
        for each in requests
    ]
    if ONLY_TAGS.fullmatch(call.operation) or any(each.action == action for each in known):
        return known
    about = {f"{call.service}:CreateAction": call.operation} if call.service in WITH_CREATE_ACTION else {}
    main = [each for each in known if each.action == call.action]
    instead = INSTEAD.get(call.service, "")
    return known + [replace(each, action=action, facts={**each.facts, **about}, instead=instead) for each in main]


def tagging_action(call: Call) -> str:
    """The action that adds the tags of *call* to what it creates."""
    if call.service == "iam":
        tag = f"Tag{call.operation.removeprefix('Create')}"
        return f"iam:{ACTIONS_OF_IAM.get(call.operation, tag)}"
    return f"{call.action.partition(':')[0]}:{ACTIONS.get(call.service, 'TagResource')}"


def _tags(parameters: Mapping[str, Any], key: str, value: str) -> Iterator[tuple[str, str]]:
    """Every tag of a call: a list of keys and values, a map, or the flat names of the query protocols."""
    for name in PARAMETERS:
        tags = parameters.get(name)
        if isinstance(tags, Mapping):
            yield from ((str(each), str(tags[each])) for each in tags)
        elif isinstance(tags, list):
            yield from ((str(tag.get(key)), str(tag.get(value, ""))) for tag in tags if isinstance(tag, Mapping))
    for name, text in parameters.items():
        if found := IN_QUERY.fullmatch(name):
            yield str(text), str(parameters.get(f"{found[1]}.Value", ""))


def _keys(parameters: Mapping[str, Any]) -> Iterator[str]:
    for name in KEY_PARAMETERS:
        keys = parameters.get(name)
        yield from map(str, keys if isinstance(keys, list) else [])
    yield from (str(key) for name, key in parameters.items() if KEY_IN_QUERY.fullmatch(name))
