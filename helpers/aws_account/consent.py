"""The consent of the learner before anything is created in an account, and again before a cell that costs money.

Without a terminal, ``ECR_TUTORIAL_CONFIRM=<account>`` is the consent; several accounts are separated by commas. A
production account needs ``ECR_TUTORIAL_CONFIRM_PRODUCTION=<account>`` too.
"""

import os
import re
from typing import TYPE_CHECKING

from ecr_sandbox import prices
from helpers import state_file
from helpers.errors import LabError

from .answers import answer

if TYPE_CHECKING:
    import boto3

    from helpers.lab import Lab

FILE = "aws-confirmed.json"
CONFIRM, CONFIRM_PRODUCTION = "ECR_TUTORIAL_CONFIRM", "ECR_TUTORIAL_CONFIRM_PRODUCTION"
PRODUCTION = re.compile(r"(?<![a-z])(prod|prd|production|live|main|master)(?![a-z])", re.IGNORECASE)

_agreed: set[tuple[str, str]] = set()  # what this process was allowed to spend: (account, key of the use)


def confirm(account: str, region: str, session: "boto3.Session | None" = None) -> None:
    """Ask once for each account and Region; the answer yes is remembered in the state folder.

    LabError if the answer is not yes, or if there is no terminal and the variables do not name the account.
    """
    place = f"{account}/{region}"
    if place not in _confirmed():
        _ask_for_account(account, region, session or _default_session())
        with state_file.locked(FILE):
            state_file.write(FILE, [*_confirmed(), place])


def confirm_cost(lab: "Lab", key: str) -> None:
    """On AWS, print what the next cells cost and ask once for each kernel; in the sandbox do nothing.

    *key* is that of a use in ``data/course_on_aws.json``, or ``enhanced_scan``. LabError if the answer is not yes.
    """
    if lab.target == "sandbox" or (lab.account, key) in _agreed:
        return
    from helpers.costs import course

    use = course.enhanced_scans() if key == "enhanced_scan" else course.uses()[key]
    print(f"  This costs about ${use.usd:.2f}: {use.what}.")
    if not _is_named(CONFIRM, lab.account) and not _ask("Continue? (yes/no) ", CONFIRM, lab.account):
        raise LabError("Nothing was started: you did not answer yes.", "run the cell again to answer yes")
    _agreed.add((lab.account, key))


def production_reason(session: "boto3.Session", account: str, alias: str) -> str:
    """Why this may be an account that others depend on: a sentence, or "" if nothing says so."""
    if PRODUCTION.search(session.profile_name):
        return f"The profile {session.profile_name} is named like one for production."
    if PRODUCTION.search(alias):
        return f"The account's alias {alias} is named like one for production."
    organization = answer(session, "organizations", "describe_organization")[0].get("Organization", {})
    if organization.get("MasterAccountId") == account:
        return f"{account} is the management account of an organization."
    return ""


def _ask_for_account(account: str, region: str, session: "boto3.Session") -> None:
    """Print what will be created and what it costs, and ask; LabError unless each answer is yes."""
    if os.environ.get(CONFIRM) and not _is_named(CONFIRM, account):
        raise LabError(
            f"{CONFIRM} is {os.environ[CONFIRM]}, but these credentials belong to account {account}.",
            "use that account's credentials, or confirm this one",
        )
    alias = (answer(session, "iam", "list_account_aliases")[0].get("AccountAliases") or [""])[0]
    reason = production_reason(session, account, alias)
    if not _is_named(CONFIRM, account):
        print(_notice(session))
        name = f"{account} ({alias})" if alias else account
        _demand(f"Work in account {name}, region {region}? (yes/no) ", CONFIRM, account)
    if reason and not _is_named(CONFIRM_PRODUCTION, account):
        print(f"  {reason}")
        _demand("Work in it nevertheless? (yes/no) ", CONFIRM_PRODUCTION, account)


def _notice(session: "boto3.Session") -> str:
    """What the course creates, and what all of it costs."""
    from helpers.costs import course

    used = [*course.uses().values()]
    scanning = answer(session, "ecr", "get_registry_scanning_configuration")[0]
    if scanning.get("scanningConfiguration", {}).get("scanType") == "ENHANCED":
        used.append(course.enhanced_scans())
    total = sum(round(use.usd, 2) for use in used)
    return "\n".join(
        [
            "  The course creates, and notebook 14 deletes:",
            *(f"  - {kind}" for kind in course.creates()),
            f"  All notebooks together cost about ${total:.2f}, without tax and at the prices of us-east-1:",
            *(f"  ${use.usd:.2f}  {use.what}" for use in used),
            f"  ({prices.facts()['check_live'][0]}, {prices.fact('storage')['as_of']})",
        ]
    )


def _demand(question: str, variable: str, account: str) -> None:
    if not _ask(question, variable, account):
        raise LabError("Nothing was created: you did not answer yes.", "unset ECR_TUTORIAL_TARGET for the sandbox")


def _ask(question: str, variable: str, account: str) -> bool:
    """Whether the answer is yes; LabError if there is no terminal."""
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):  # no terminal; NotImplementedError is IPython's
        raise LabError(
            "This account was not confirmed, and there is no terminal to ask.", f"set {variable}={account}"
        ) from None


def _is_named(variable: str, account: str) -> bool:
    """Whether the variable names this account."""
    return account in re.split(r"[\s,]+", os.environ.get(variable, ""))


def _default_session() -> "boto3.Session":
    from .credentials import session

    return session()


def _confirmed() -> list[str]:
    return state_file.read(FILE, lambda found: isinstance(found, list)) or []
