"""Operations on a registry as a whole: the password for docker, account settings, the registry policy."""

from collections.abc import Collection
from typing import ClassVar

from moto.core.responses import ActionResult

from ecr_sandbox.auth.token import Caller, Tokens, authorization
from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.http import addresses

from .operations import Operations

# API reference, PutAccountSetting.
ACCOUNT_SETTINGS = {
    "BASIC_SCAN_TYPE_VERSION": ("AWS_NATIVE",),
    "BLOB_MOUNTING": ("ENABLED", "DISABLED"),
    "REGISTRY_POLICY_SCOPE": ("V2",),
}


class RegistryOperations(Operations):
    """An account has one registry in each Region."""

    tokens: ClassVar[Tokens]

    def get_authorization_token(self) -> ActionResult:
        """A password for docker, valid for 12 hours, with the caller's permissions."""
        password, expires = self.tokens.mint(Caller(self.access_key, self.current_account, self.region))
        data = {"authorizationToken": authorization(password), "expiresAt": expires}
        registries = self._get_param("registryIds") or [self.current_account]
        endpoints = [addresses.current.registry_url(registry, self.region) for registry in registries]
        return ActionResult({"authorizationData": [{**data, "proxyEndpoint": each} for each in endpoints]})

    def get_account_setting(self) -> ActionResult:
        name = self._get_param("name")
        _one_of("name", name, ACCOUNT_SETTINGS)
        return ActionResult({"name": name, "value": self.ecr_backend.account_settings[name]})

    def put_account_setting(self) -> ActionResult:
        name, value = self._get_param("name"), self._get_param("value")
        _one_of("name", name, ACCOUNT_SETTINGS)
        _one_of("value", value, ACCOUNT_SETTINGS[name])
        self.ecr_backend.account_settings[name] = value
        return ActionResult({"name": name, "value": value})


def _one_of(field: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise InvalidParameter(field, f"Member must satisfy enum value set: [{', '.join(known)}]")
