"""The public registry: its repositories (list, create, delete), and the images of one."""

from werkzeug.wrappers import Response

from .page import Page
from .repositories import delete_from

LIST = "/ecr/public-registry/repositories"


def index(page: Page) -> Response:
    """The list, and a form for a new one."""
    form = page.request.form
    if page.is_post:
        catalog = {"description": form["description"]} if form.get("description", "").strip() else {}
        more = {"catalogData": catalog} if catalog else {}
        if page.attempt("ecr-public", "CreateRepository", repositoryName=form.get("name", ""), **more):
            return page.redirect(page.url(LIST), f"Successfully created repository {form.get('name')}.")
    found = page.all("ecr-public", "DescribeRepositories", "repositories")
    return page.render("public_repositories.html", repositories=sorted(found, key=lambda each: each["repositoryName"]))


def delete(page: Page) -> Response:
    """Ask for confirmation, and delete a repository with its images."""
    return delete_from(page, "ecr-public", LIST)


def images(page: Page, repository: str) -> Response:
    """The images of a public repository, and how to push one."""
    [about] = page.call("ecr-public", "DescribeRepositories", repositoryNames=[repository])["repositories"]
    found = page.all("ecr-public", "DescribeImages", "imageDetails", repositoryName=repository)
    uri = about["repositoryUri"]
    login = f"docker login --username AWS --password-stdin {uri.partition('/')[0]}"
    steps = [
        f"aws ecr-public get-login-password --region us-east-1 | {login}",
        f"docker build -t {repository} .",
        f"docker tag {repository}:latest {uri}:latest",
        f"docker push {uri}:latest",
    ]
    newest_first = sorted(found, key=lambda each: each["imagePushedAt"], reverse=True)
    return page.render("public_images.html", repository=repository, uri=uri, images=newest_first, steps=steps)
