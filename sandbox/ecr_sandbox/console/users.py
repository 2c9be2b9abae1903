"""Switch user: the user or role as which the console calls the API, and the Region."""

from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from ecr_sandbox import settings
from ecr_sandbox.errors import ApiError

from . import client
from .page import REGION, Page

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-central-1", "eu-west-1", "eu-west-3", "ap-northeast-1")


def switch(page: Page) -> Response:
    """Choose a user or a role of either account."""
    if page.is_post and (arn := page.request.form.get("user", "")):
        try:
            client.assume(arn) if ":role/" in arn else page.key_of(arn)
        except ClientError as error:
            page.report(error)
        except ApiError as error:
            page.status, page.error = 400, {"code": error.code, "message": error.message}
        else:
            return _switched(page, arn)
    choices = {account: _choices(page, account) for account in (settings.ACCOUNT, settings.OTHER_ACCOUNT)}
    return page.render("switch_user.html", choices=choices, regions=sorted({*REGIONS, settings.REGION, page.region}))


def _switched(page: Page, arn: str) -> Response:
    response = page.redirect(page.url("/"))
    page.set_cookie(response, "user", arn)
    region = page.request.form.get("region", "")
    page.set_cookie(response, "region", region if REGION.fullmatch(region) else settings.REGION)
    return response


def _choices(page: Page, account: str) -> list[str]:
    """The ARNs of the users and roles of *account*; only the administrator, if IAM does not let them list."""
    iam = client.client("iam", settings.REGION, client.ADMINISTRATORS[account])
    try:
        users = [each for part in iam.get_paginator("list_users").paginate() for each in part["Users"]]
        roles = [each for part in iam.get_paginator("list_roles").paginate() for each in part["Roles"]]
    except ClientError as error:
        page.report(error)
        return [f"arn:aws:iam::{account}:user/administrator"]
    return [each["Arn"] for each in users + roles if ":role/aws-service-role/" not in each["Arn"]]
