"""Operations on the rules of the pull through cache."""

from typing import Any

from moto.core.responses import ActionResult

from ecr_sandbox.aws.errors import LimitExceededException
from ecr_sandbox.registry.errors import UpstreamFailure
from ecr_sandbox.services.ecr import errors
from ecr_sandbox.services.ecr.errors import (
    PullThroughCacheRuleAlreadyExistsException,
    PullThroughCacheRuleNotFoundException,
    SecretNotFoundException,
    UnsupportedUpstreamRegistryException,
    UpstreamRegistryInvalid,
)
from ecr_sandbox.services.ecr.operations import Operations
from ecr_sandbox.services.ecr.registry_settings import CACHE_RULES, Settings
from ecr_sandbox.state import clock

from .upstreams import ECR, WITH_SECRET, kind_of

MOST = 50  # service quotas, "Pull through cache rules"
CHANGEABLE = ("credentialArn", "customRoleArn")
# Returned only if given: Terraform would replace a rule that got a value
# (https://github.com/hashicorp/terraform-provider-aws, internal/service/ecr/pull_through_cache_rule.go).
GIVEN = ("upstreamRepositoryPrefix", *CHANGEABLE)


class CacheOperations(Operations):
    """None of these operations is in moto."""

    def create_pull_through_cache_rule(self) -> ActionResult:
        if self._rules().get(self._rule_prefix()):
            raise PullThroughCacheRuleAlreadyExistsException(self._rule_prefix(), self.current_account)
        if len(self._rules().all()) >= MOST:
            raise LimitExceededException(f"A registry can have at most {MOST} pull through cache rules.")
        url = self._get_param("upstreamRegistryUrl")
        kind = self._kind(url)
        self._check_credentials(kind)
        now = clock.now()
        rule = {
            "ecrRepositoryPrefix": self._get_param("ecrRepositoryPrefix"),
            "upstreamRegistryUrl": url,
            "upstreamRegistry": kind,
            "registryId": self.current_account,
            **{name: value for name in GIVEN if (value := self._get_param(name))},
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
        rule = self._rule()
        given = {name: value for name in CHANGEABLE if (value := self._get_param(name))}
        if given:
            self._check_credentials(rule["upstreamRegistry"])
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
        """The kind of the upstream registry.

        Raises UnsupportedUpstreamRegistryException, UpstreamRegistryInvalid. AWS compares the URL with
        ``upstreamRegistry`` only for the registries that need a secret (cdk-preflight: see ``errors.py``).
        """
        kind, given_kind = kind_of(url), self._get_param("upstreamRegistry")
        if kind is None:
            raise UnsupportedUpstreamRegistryException(errors.UPSTREAM_UNKNOWN.format(url))
        if url == f"{self.current_account}.dkr.ecr.{self.region}.amazonaws.com":
            raise UpstreamRegistryInvalid(errors.UPSTREAM_IS_THIS_REGISTRY)
        if kind in WITH_SECRET and given_kind not in (None, kind):
            raise UpstreamRegistryInvalid(errors.UPSTREAMS_DIFFER)
        return kind

    def _check_credentials(self, kind: str) -> None:
        """Whether the call has the credentials that this *kind* of registry needs, and no others.

        Raises UnsupportedUpstreamRegistryException, UpstreamRegistryInvalid, SecretNotFoundException and
        UnableToAccessSecretException.
        """
        secret = self._get_param("credentialArn")
        if (kind != ECR and self._get_param("customRoleArn")) or (kind == ECR and secret):
            raise UpstreamRegistryInvalid(errors.CREDENTIAL_TYPES_DIFFER)
        if kind in WITH_SECRET and not secret:
            raise UnsupportedUpstreamRegistryException(errors.UPSTREAM_NEEDS_SECRET)
        if secret and kind not in WITH_SECRET:
            raise UnsupportedUpstreamRegistryException(errors.UPSTREAM_NEEDS_NO_SECRET)
        if secret:
            from . import credentials

            if secret.split(":")[3:5] != [self.region, self.current_account]:
                raise SecretNotFoundException(errors.SECRET_ELSEWHERE)
            credentials.of_secret(secret)

    def _rule(self) -> dict[str, Any]:
        if rule := self._rules().get(self._rule_prefix()):
            return rule
        raise PullThroughCacheRuleNotFoundException(self._rule_prefix(), self.current_account)

    def _rules(self) -> Settings:
        return self.ecr_backend.settings(CACHE_RULES)

    def _rule_prefix(self) -> str:
        return str(self._get_param("ecrRepositoryPrefix")).rstrip("/")
