"""Operations on the rules of the pull through cache."""

from typing import Any

from moto.core.responses import ActionResult

from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.registry.errors import UpstreamFailure
from ecr_sandbox.services.ecr.errors import (
    LimitExceededException,
    PullThroughCacheRuleAlreadyExistsException,
    PullThroughCacheRuleNotFoundException,
    SecretNotFoundException,
    UnsupportedUpstreamRegistryException,
)
from ecr_sandbox.services.ecr.operations import Operations
from ecr_sandbox.services.ecr.registry_settings import CACHE_RULES, Settings
from ecr_sandbox.services.ecr.templates import ROOT
from ecr_sandbox.state import clock

from .upstreams import WITH_SECRET, kind_of

MOST = 50  # service quotas, "Pull through cache rules"
CHANGEABLE = ("credentialArn", "customRoleArn")


class CacheOperations(Operations):
    """None of these operations is in moto."""

    def create_pull_through_cache_rule(self) -> ActionResult:
        if self._rules().get(self._rule_prefix()):
            raise PullThroughCacheRuleAlreadyExistsException(self._rule_prefix(), self.current_account)
        if len(self._rules().all()) >= MOST:
            raise LimitExceededException(f"A registry can have at most {MOST} pull through cache rules.")
        url = self._get_param("upstreamRegistryUrl")
        kind = self._kind(url)
        self._check_secret(kind, self._get_param("credentialArn"))
        now = clock.now()
        rule = {
            "ecrRepositoryPrefix": self._get_param("ecrRepositoryPrefix"),
            "upstreamRegistryUrl": url,
            "upstreamRegistry": kind,
            "registryId": self.current_account,
            "upstreamRepositoryPrefix": self._get_param("upstreamRepositoryPrefix") or ROOT,
            **{name: value for name in CHANGEABLE if (value := self._get_param(name))},
            "createdAt": now,
            "updatedAt": now,
        }
        self._rules().put(self._rule_prefix(), rule)
        return ActionResult(rule)

    def describe_pull_through_cache_rules(self) -> ActionResult:
        found = self._rules().all()
        if prefixes := self._get_param("ecrRepositoryPrefixes"):
            wanted = [each.rstrip("/") for each in prefixes]
            known = {each["ecrRepositoryPrefix"].rstrip("/"): each for each in found}
            if missing := [each for each in wanted if each not in known]:
                raise PullThroughCacheRuleNotFoundException(missing[0], self.current_account)
            found = [known[each] for each in wanted]
        page, token = self._page_of(found)
        return ActionResult({"pullThroughCacheRules": page, "nextToken": token})

    def update_pull_through_cache_rule(self) -> ActionResult:
        rule, secret = self._rule(), self._get_param("credentialArn")
        if secret:
            self._check_secret(rule["upstreamRegistry"], secret)
        given = {name: value for name in CHANGEABLE if (value := self._get_param(name))}
        changed = {**rule, **given, "updatedAt": clock.now()}
        self._rules().put(self._rule_prefix(), changed)
        return ActionResult(changed)

    def delete_pull_through_cache_rule(self) -> ActionResult:
        """The cached images stay."""
        rule = self._rule()
        self._rules().remove(self._rule_prefix())
        return ActionResult(rule)

    def validate_pull_through_cache_rule(self) -> ActionResult:
        """Connects to the upstream registry with the secret's current value."""
        from . import importing

        rule, failure = self._rule(), None
        try:
            importing.of_rule(rule).check()
        except UpstreamFailure as no:
            failure = no.reason
        return ActionResult({**rule, "isValid": failure is None, "failure": failure})

    def _kind(self, url: str) -> str:
        """The kind of the upstream registry; raises UnsupportedUpstreamRegistryException, InvalidParameter."""
        kind, given_kind = kind_of(url), self._get_param("upstreamRegistry")
        if kind is None:
            raise UnsupportedUpstreamRegistryException(url)
        if given_kind and given_kind != kind:
            raise InvalidParameter("upstreamRegistryUrl", f"must be a registry of the type {given_kind}")
        return kind

    def _check_secret(self, kind: str, arn: str | None) -> None:
        if arn:
            from . import credentials

            if arn.split(":")[3:5] != [
                self.region,
                self.current_account,
            ]:  # the secret must be in the rule's account and Region
                raise SecretNotFoundException(arn)
            credentials.of_secret(arn)
        elif kind in WITH_SECRET:
            raise InvalidParameter("credentialArn", f"must not be null for the upstream registry {kind}")

    def _rule(self) -> dict[str, Any]:
        if rule := self._rules().get(self._rule_prefix()):
            return rule
        raise PullThroughCacheRuleNotFoundException(self._rule_prefix(), self.current_account)

    def _rules(self) -> Settings:
        return self.ecr_backend.settings(CACHE_RULES)

    def _rule_prefix(self) -> str:
        return str(self._get_param("ecrRepositoryPrefix")).rstrip("/")
