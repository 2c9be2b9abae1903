"""Rules by a prefix of repository names: pull through cache, and repository creation templates."""

from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from .forms import pairs
from .page import Page
from .repositories import encryption, mutability

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


CACHE, TEMPLATES = "/ecr/private-registry/pull-through-cache", "/ecr/private-registry/creation-templates"


def pull_through_cache(page: Page) -> Response:
    """The rules: a prefix, and the registry that it stands for. With ``?edit=PREFIX`` the form changes a rule."""
    form, edited = page.request.form, page.request.args.get("edit", "")
    if page.is_post and (done := _change_cache(page, form.get("prefix", edited))):
        return page.redirect(page.url(CACHE), done)
    rules = page.all("ecr", "DescribePullThroughCacheRules", "pullThroughCacheRules")
    [about] = [rule for rule in rules if rule["ecrRepositoryPrefix"] == edited] or [None]
    return page.render("pull_through_cache.html", rules=rules, upstreams=UPSTREAMS, edited=about)


def _change_cache(page: Page, prefix: str) -> str:
    """Delete, validate, update or create a rule, as the form says; what was done, or nothing if it was refused."""
    form = page.request.form
    if gone := form.get("remove"):
        deleted = page.attempt("ecr", "DeletePullThroughCacheRule", ecrRepositoryPrefix=gone)
        return f"The rule for {gone} was deleted." if deleted else ""
    if tested := form.get("validate"):
        return _validated(page, tested)
    changes = _given(page, credentialArn="credential", customRoleArn="role")
    if form.get("action") == "update":
        updated = page.attempt("ecr", "UpdatePullThroughCacheRule", ecrRepositoryPrefix=prefix, **changes)
        return f"The rule for {prefix} was updated." if updated else ""
    upstream = form.get("upstream", "")
    url = form.get("url", "").strip() or UPSTREAMS.get(upstream, ("", ""))[1]
    rule = {"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": url, "upstreamRegistry": upstream}
    more = _given(page, upstreamRepositoryPrefix="upstream_prefix") | changes
    return "The rule was created." if page.attempt("ecr", "CreatePullThroughCacheRule", **rule, **more) else ""


def _validated(page: Page, prefix: str) -> str:
    """Whether ECR can use the rule; the page shows why not."""
    try:
        answer = page.call("ecr", "ValidatePullThroughCacheRule", ecrRepositoryPrefix=prefix)
    except ClientError as error:
        page.report(error)
        return ""
    if answer["isValid"]:
        return f"The rule for {prefix} is valid."
    page.status, page.error = 400, {"code": "Not valid", "message": answer.get("failure", "")}
    return ""


def creation_templates(page: Page) -> Response:
    """The templates: the settings of repositories that ECR creates. With ``?edit=PREFIX`` the form changes one."""
    form, edited = page.request.form, page.request.args.get("edit", "")
    if page.is_post and (done := _change_template(page, form.get("prefix", edited))):
        return page.redirect(page.url(TEMPLATES), done)
    found = page.all("ecr", "DescribeRepositoryCreationTemplates", "repositoryCreationTemplates")
    [about] = [each for each in found if each["prefix"] == edited] or [{}]
    return page.render("creation_templates.html", templates=found, applied_for=APPLIED_FOR, about=about)


def _change_template(page: Page, prefix: str) -> str:
    """Delete, update or create a template, as the form says; what was done, or nothing if it was refused."""
    form = page.request.form
    if gone := form.get("remove"):
        deleted = page.attempt("ecr", "DeleteRepositoryCreationTemplate", prefix=gone)
        return f"The template for {gone} was deleted." if deleted else ""
    template = {"prefix": prefix, "appliedFor": form.getlist("applied_for"), **mutability(page, keep_default=True)}
    template |= _given(page, description="description", customRoleArn="role")
    template |= _given(page, repositoryPolicy="repository_policy", lifecyclePolicy="lifecycle_policy")
    template |= encryption(page)
    if tags := [{"Key": key, "Value": value} for key, value in pairs(form.get("tags", ""))]:
        template["resourceTags"] = tags
    if form.get("action") == "update":
        updated = page.attempt("ecr", "UpdateRepositoryCreationTemplate", **template)
        return f"The template for {prefix} was updated." if updated else ""
    return "The template was created." if page.attempt("ecr", "CreateRepositoryCreationTemplate", **template) else ""


def _given(page: Page, **fields: str) -> dict[str, str]:
    """The parameters whose field of the form is not empty."""
    values = {parameter: page.request.form.get(field, "").strip() for parameter, field in fields.items()}
    return {parameter: value for parameter, value in values.items() if value}
