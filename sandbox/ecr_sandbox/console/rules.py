"""Rules by a prefix of repository names: pull through cache, and repository creation templates."""

from typing import Any

from werkzeug.wrappers import Response

from .page import Page

UPSTREAMS = {
    "docker-hub": ("Docker Hub", "registry-1.docker.io"),
    "ecr-public": ("ECR Public", "public.ecr.aws"),
    "ecr": ("Amazon ECR", ""),
    "quay": ("Quay", "quay.io"),
    "k8s": ("Kubernetes", "registry.k8s.io"),
    "github-container-registry": ("GitHub Container Registry", "ghcr.io"),
}
APPLIED_FOR = {
    "PULL_THROUGH_CACHE": "Pull through cache",
    "REPLICATION": "Replication",
    "CREATE_ON_PUSH": "Create on push",
}


def pull_through_cache(page: Page) -> Response:
    """The rules: a prefix, and the registry that it stands for."""
    here, form = page.url("/ecr/private-registry/pull-through-cache"), page.request.form
    if page.is_post and (prefix := form.get("remove")):
        if page.attempt("ecr", "DeletePullThroughCacheRule", ecrRepositoryPrefix=prefix):
            return page.redirect(here, f"The rule for {prefix} was deleted.")
    elif page.is_post and page.attempt("ecr", "CreatePullThroughCacheRule", **_cache_rule(page)):
        return page.redirect(here, "The rule was created.")
    rules = page.all("ecr", "DescribePullThroughCacheRules", "pullThroughCacheRules")
    return page.render("pull_through_cache.html", rules=rules, upstreams=UPSTREAMS)


def _cache_rule(page: Page) -> dict[str, Any]:
    form, upstream = page.request.form, page.request.form.get("upstream", "")
    url = form.get("url", "").strip() or UPSTREAMS.get(upstream, ("", ""))[1]
    rule = {"ecrRepositoryPrefix": form.get("prefix", ""), "upstreamRegistryUrl": url, "upstreamRegistry": upstream}
    if secret := form.get("credential", "").strip():
        rule["credentialArn"] = secret
    return rule


def creation_templates(page: Page) -> Response:
    """The templates: the settings of repositories that ECR itself creates."""
    here, form = page.url("/ecr/private-registry/creation-templates"), page.request.form
    if page.is_post and (prefix := form.get("remove")):
        if page.attempt("ecr", "DeleteRepositoryCreationTemplate", prefix=prefix):
            return page.redirect(here, f"The template for {prefix} was deleted.")
    elif page.is_post:
        template = {"prefix": form.get("prefix", ""), "appliedFor": form.getlist("applied_for")}
        template["imageTagMutability"] = form.get("mutability", "MUTABLE")
        if description := form.get("description", "").strip():
            template["description"] = description
        if page.attempt("ecr", "CreateRepositoryCreationTemplate", **template):
            return page.redirect(here, "The template was created.")
    found = page.all("ecr", "DescribeRepositoryCreationTemplates", "repositoryCreationTemplates")
    return page.render("creation_templates.html", templates=found, applied_for=APPLIED_FOR)
