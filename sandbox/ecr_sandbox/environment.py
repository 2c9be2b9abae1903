"""The isolated environment: with it ``aws``, boto3 and ``docker`` use the sandbox and cannot reach a real account.

Plain ``aws``, plain ``boto3.client(...)`` and plain ``docker`` work unmodified in it. They find no other key, profile,
endpoint or password.
"""

import json
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from ecr_sandbox import docker_engine, settings
from ecr_sandbox.state import origin

# Always unset, so that the output of `ecr-sandbox env` does not depend on the terminal. Any other AWS_* variable
# that is set is unset too.
UNSET = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_ECR_PUBLIC",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_CA_BUNDLE",
    "AWS_DATA_PATH",
    "DOCKER_CONTEXT",
    "DOCKER_AUTH_CONFIG",
    "DOCKER_CONTENT_TRUST",
    "DOCKER_CUSTOM_HEADERS",
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
)
AWS_DOMAINS = ("amazonaws.com", "api.aws", "on.aws", "public.ecr.aws")  # of the names in http/aws_names.py


def isolated_environment(status: Mapping, aws: Path | None = None) -> tuple[dict[str, str], list[str]]:
    """``(set, unset)`` that turn this process's environment into the isolated one. Its files are written.

    *status* is the status of a running sandbox, *aws* the CLI to run (default: the first one on PATH).
    """
    state = Path(status["state"])
    engine = docker_engine.variables(os.environ)
    write_files(state, aws, status["region"])
    docker_engine.link_plugins(os.environ, state)
    return isolated(os.environ, status, engine)


def isolated(
    environ: Mapping[str, str], status: Mapping, engine: Mapping[str, str] | None = None
) -> tuple[dict[str, str], list[str]]:
    """``(set, unset)`` that turn *environ* into the isolated environment.

    *status* is the content of sandbox.json, *engine* the variables that name the Docker engine.
    """
    state, names = Path(status["state"]), status.get("aws_names")
    new = {
        "AWS_ACCESS_KEY_ID": settings.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": settings.SECRET_KEY,
        "AWS_REGION": status["region"],
        "AWS_DEFAULT_REGION": status["region"],
        # With AWS's names, no other server has a certificate of this CA.
        **({"AWS_CA_BUNDLE": names["ca"]} if names else {"AWS_ENDPOINT_URL": status["endpoint"]}),
        "AWS_CONFIG_FILE": str(state / "aws" / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(state / "aws" / "credentials"),
        "AWS_LOGIN_CACHE_DIRECTORY": str(state / "aws" / "login"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CLI_AUTO_PROMPT": "off",
        "AWS_PAGER": "",
        "AWS_MAX_ATTEMPTS": "2",
        "AWS_RETRY_MODE": "standard",
        # The last place where botocore looks for a key. With it set, /etc/boto.cfg and ~/.boto are not read.
        "BOTO_CONFIG": str(state / "aws" / "boto"),
        "DOCKER_CONFIG": str(state / "docker"),
        "DOCKER_CLI_HINTS": "false",
        # The same file, for a `docker` command that is Podman.
        "REGISTRY_AUTH_FILE": str(state / "docker" / "config.json"),
        **(engine or {}),
        "NO_PROXY": _with_own(environ.get("NO_PROXY") or environ.get("no_proxy"), names),
        "no_proxy": _with_own(environ.get("no_proxy") or environ.get("NO_PROXY"), names),
        "PATH": prepend(environ.get("PATH", os.defpath), state / "bin"),
        **registry_names(status["registry"], next(iter(status["accounts"])), status["public_registry"]),
        **hub_names(status),
    }
    unset = [*UNSET, *sorted(n for n in environ if n.startswith("AWS_") and n not in UNSET)]
    return new, [name for name in unset if name not in new]


def docker_environment(environ: Mapping[str, str], folder: Path) -> tuple[dict[str, str], list[str]]:
    """``(set, unset)`` that give ``docker`` a configuration of its own in *folder*.

    The engine, the plugins and the proxies are the user's. Its files are written. Logins are kept there as text: the
    user's own logins, ``credsStore`` and ``credHelpers`` are neither used nor changed.
    """
    new = {
        **docker_engine.variables(environ),
        "DOCKER_CONFIG": str(folder / "docker"),
        "DOCKER_CLI_HINTS": "false",
        "REGISTRY_AUTH_FILE": str(folder / "docker" / "config.json"),
    }
    (folder / "docker").mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_docker_config(folder)
    docker_engine.link_plugins(environ, folder)
    _copy_proxies(environ, folder)
    return new, [name for name in UNSET if name.startswith(("DOCKER_", "BUILDX_"))]


def registry_names(registry: str, account: str, public_registry: str) -> dict[str, str]:
    """The variables that name the registries, for commands such as ``docker push "$REGISTRY/app"``."""
    return {"REGISTRY": registry, "PUBLIC_REGISTRY": public_registry, "ACCOUNT_ID": account}


def hub_names(status: Mapping) -> dict[str, str]:
    """The variables that name the stand-in for Docker Hub: for ``docker``, and for the API of its web pages."""
    hub = _host(status["hub"])
    return {"HUB": hub, "HUB_API": f"http://{hub}/hub.docker.com"}


def is_isolated(environ: Mapping[str, str], state: Path) -> bool:
    """Whether *environ* is the isolated environment of the sandbox with this *state* folder."""
    return environ.get("AWS_CONFIG_FILE") == str(state / "aws" / "config")


def apply(new: Mapping[str, str], unset: list[str]) -> None:
    """Turn the environment of this process, and botocore's search path, into the isolated environment."""
    for name in unset:
        os.environ.pop(name, None)
    os.environ.update(new)

    import boto3
    import botocore.loaders

    # botocore sets ~/.aws/models when it is imported. A model there may name another endpoint.
    botocore.loaders.Loader.CUSTOMER_DATA_PATH = str(Path(new["AWS_CONFIG_FILE"]).with_name("models"))
    boto3.DEFAULT_SESSION = None


def write_files(state: Path, aws: Path | None = None, region: str = settings.REGION) -> None:
    """Write the files that the isolated environment names. What the user has added to them since is kept.

    *aws* is the CLI to run (default: the first one on PATH, else this Python's own).
    """
    origin.use_own_only(state)
    for folder in ("docker", "aws", "aws/home", "bin"):
        (state / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_docker_config(state)
    for profile, key, secret in (
        ("default", settings.ACCESS_KEY, settings.SECRET_KEY),
        (settings.OTHER_PROFILE, settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY),
    ):
        # Times in the format of version 2 of the CLI.
        config = f"region = {region}\noutput = json\ncli_timestamp_format = iso8601\n"
        _add_section(state / "aws" / "config", "default" if profile == "default" else f"profile {profile}", config)
        keys = f"aws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        _add_section(state / "aws" / "credentials", profile, keys)
    if program := aws or _find_aws(state):
        _write_aws_wrapper(state, program)


def venv_bin() -> Path:
    """The folder of this Python's own programs."""
    return Path(sys.executable).parent


def prepend(path: str, *folders: Path) -> str:
    """The value *path* of ``PATH`` with these folders first."""
    first = [str(folder) for folder in folders]
    return os.pathsep.join(first + [part for part in path.split(os.pathsep) if part and part not in first])


def _write_docker_config(folder: Path) -> None:
    if not _read_config(folder / "docker" / "config.json").get("auths"):
        # With an empty "auths" the docker CLI would choose the user's keychain.
        _write(folder / "docker" / "config.json", '{"auths": {"sandbox.invalid": {}}}\n')


def _copy_proxies(environ: Mapping[str, str], folder: Path) -> None:
    """Give builds and containers the user's proxies, without which ``pip install`` fails in some companies' networks.

    Source: https://docs.docker.com/engine/cli/proxy/
    """
    theirs, own = docker_engine.user_folder(environ) / "config.json", folder / "docker" / "config.json"
    config, proxies = _read_config(own), _read_config(theirs).get("proxies", {})
    if config.get("proxies", {}) != proxies:
        _write(own, json.dumps({**config, "proxies": proxies}, indent=4) + "\n")


def _find_aws(state: Path) -> Path | None:
    found = shutil.which("aws", path=_without(state / "bin"))
    own = venv_bin() / "aws"
    return Path(found) if found else own if own.exists() else None


def _write_aws_wrapper(state: Path, program: Path) -> None:
    """Write ``bin/aws``, which runs the CLI with another home: it reads ~/.aws/cli/alias in any environment.

    Version 1 has endpoints of its own for a few services (sqs, emr, rds, docdb, neptune, health), for which it ignores
    AWS_ENDPOINT_URL: its customization ``overridesslcommonname.py``. It does not ignore the option.
    """
    home = shlex.quote(str(state / "aws" / "home"))
    endpoint = '${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"}'
    script = f'#!/bin/sh\nHOME={home} exec {shlex.quote(str(program))} {endpoint} "$@"\n'
    _write(state / "bin" / "aws", script, 0o755)


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    if path.exists() and path.read_text() == text:
        return
    # Several processes may do this at the same time. Each writes its own file, and the last one stays.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    draft.write_text(text)
    draft.chmod(mode)
    draft.replace(path)


def _add_section(path: Path, name: str, text: str) -> None:
    """Add ``[name]`` to an AWS configuration file that does not contain this section."""
    before = path.read_text() if path.exists() else ""
    if f"[{name}]" not in before.splitlines():
        _write(path, f"{before}[{name}]\n{text}")


def _read_config(file: Path) -> dict:
    """The content of a Docker configuration file; empty if it is missing or damaged."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _host(url: str) -> str:
    return url.partition("//")[2]


def _with_own(value: str | None, aws_names: Mapping | None) -> str:
    """The value of NO_PROXY with what the sandbox serves."""
    names = [name for name in (value or "").split(",") if name]
    own = ("localhost", "127.0.0.1", *(AWS_DOMAINS if aws_names else ()))
    return ",".join(names + [name for name in own if name not in names])


def _without(folder: Path) -> str:
    parts = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(part for part in parts if part != str(folder))
