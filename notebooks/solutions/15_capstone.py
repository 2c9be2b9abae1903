"""One way to solve notebook 15. Copy a block into a cell of the notebook, in this order; `lab` is defined there.

Each block begins with `# %%` and the exercise that it belongs to. Any other way that leads to the same state passes.
"""
# ruff: noqa: E402, F821

# %% 15.1 · the names
from helpers.exercises import capstone

capstone.enter(
    repository="demo-tea-house",
    releases=("1.0.0", "1.1.0"),
    pusher="demo-tea-courier",
    execution_role="demo-tea-waiter",
)

# %% 15.1 · the repository: settle tags, scans and old images before the first push
import json

import boto3

from helpers import boundary

ecr, iam, ecs, logs, sts = (boto3.client(name) for name in ("ecr", "iam", "ecs", "logs", "sts"))
mark = {"Key": "made-by", "Value": "learn-amazon-ecr"}
made = ecr.create_repository(
    repositoryName="demo-tea-house",
    imageTagMutability="IMMUTABLE",
    imageScanningConfiguration={"scanOnPush": True},
    tags=[mark],
)
arn = made["repository"]["repositoryArn"]
# Only images without a tag expire. A rule for all images that counts days would in time expire a release too.
untagged = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
rule = {"rulePriority": 1, "selection": untagged, "action": {"type": "expire"}}
ecr.put_lifecycle_policy(repositoryName="demo-tea-house", lifecyclePolicyText=json.dumps({"rules": [rule]}))
print(arn)


# %% 15.1 · two roles: one pushes, one pulls
def make_role(name, who, actions, *more):
    """A role that *who* may assume, with these actions on the repository; a login has no resource."""
    trust = {"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}
    login = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    own = {"Effect": "Allow", "Action": [f"ecr:{action}" for action in actions], "Resource": arn}
    texts = [json.dumps({"Version": "2012-10-17", "Statement": each}) for each in ([trust], [login, own, *more])]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=texts[0], PermissionsBoundary=limit, Tags=[mark])
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=texts[1])


limit = boundary.arn(lab)  # keeps both inside this course, whatever their policies allow
pull = ["BatchGetImage", "GetDownloadUrlForLayer"]
push = ["BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"]
make_role("demo-tea-courier", {"AWS": lab.account}, ["BatchGetImage", *push])
log = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
make_role("demo-tea-waiter", {"Service": "ecs-tasks.amazonaws.com"}, pull, log)

# %% 15.1 · build a release and push it as the role
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def courier():
    """A client of ECR with credentials of the role that pushes. They expire."""
    role = f"arn:{lab.partition}:iam::{lab.account}:role/demo-tea-courier"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="release")["Credentials"]
    return boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=lab.region
    ).client("ecr")


def release(version, greeting):
    """Build the app with this greeting, and push it with credentials of the role that pushes."""
    address = f"{lab.registry}/demo-tea-house:{version}"
    # On AWS it takes some seconds until a new role can be assumed, and until its policy has an effect.
    pusher = lab.wait_for("the new role can be assumed", courier)
    answer = lab.wait_for("its policy has an effect", pusher.get_authorization_token)
    login = answer["authorizationData"][0]["authorizationToken"]
    with tempfile.TemporaryDirectory() as folder:
        app = Path(shutil.copytree("../sample_app", f"{folder}/app"))
        source = (app / "app.py").read_text()
        (app / "app.py").write_text(source.replace("Hello from a container!", greeting))
        # Without attestations the tag names an image, which ECR can scan, and not an index.
        plain = {**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        subprocess.run(["docker", "build", "--quiet", "-t", address, app], env=plain, check=True, capture_output=True)
        # This Docker knows no other login, so the push shows that the role's policy is enough.
        Path(folder, "config.json").write_text(json.dumps({"auths": {lab.registry: {"auth": login}}}))
        subprocess.run(["docker", "--config", folder, "push", "--quiet", address], check=True, capture_output=True)


release("1.0.0", "Welcome to the tea house!")

# %% 15.1 · decide about the findings
from helpers.scans import finished, vulnerabilities


def triage(version):
    """List severe findings without a fix as exceptions; what has a fix is printed, because it needs a rebuild."""
    found = [
        each
        for each in vulnerabilities(finished(lab, "demo-tea-house", version))
        if each.severity in ("CRITICAL", "HIGH")
    ]
    print("rebuild for:", *(each.id for each in found if each.fixable))
    accepted = " ".join(sorted({each.id for each in found if not each.fixable}))
    if accepted:
        ecr.tag_resource(resourceArn=arn, tags=[{"Key": "scan-exceptions", "Value": accepted}])


triage("1.0.0")

# %% 15.1 · a service on Fargate
from helpers import fargate

ours = [{"key": "made-by", "value": "learn-amazon-ecr"}]
ecs.create_cluster(clusterName="demo-tea-cluster", tags=ours)
logs.create_log_group(logGroupName="/ecs/demo-tea-house", tags={"made-by": "learn-amazon-ecr"})


def register(version):
    """The ARN of a new revision of the task definition. It names the digest, which can never mean another image."""
    found = ecr.describe_images(repositoryName="demo-tea-house", imageIds=[{"imageTag": version}])["imageDetails"]
    stream = {"awslogs-group": "/ecs/demo-tea-house", "awslogs-region": lab.region, "awslogs-stream-prefix": "app"}
    app = {
        "name": "app",
        "image": f"{lab.registry}/demo-tea-house@{found[0]['imageDigest']}",
        "portMappings": [{"containerPort": 8080}],
        "logConfiguration": {"logDriver": "awslogs", "options": stream},
    }
    return ecs.register_task_definition(
        family="demo-tea-house",
        containerDefinitions=[app],
        cpu="256",
        memory="512",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        runtimePlatform={"cpuArchitecture": fargate.processor(lab)},
        executionRoleArn=f"arn:{lab.partition}:iam::{lab.account}:role/demo-tea-waiter",
        tags=ours,
    )["taskDefinition"]["taskDefinitionArn"]


def wait():
    """Wait until the service runs only tasks of its newest deployment."""
    service = {"cluster": "demo-tea-cluster", "services": ["demo-tea-house"]}
    ecs.get_waiter("services_stable").wait(**service, WaiterConfig=fargate.patience(lab))


revisions = {"1.0.0": register("1.0.0")}
ecs.create_service(
    cluster="demo-tea-cluster",
    serviceName="demo-tea-house",
    taskDefinition=revisions["1.0.0"],
    desiredCount=1,
    launchType="FARGATE",
    networkConfiguration=fargate.network(lab),
    tags=ours,
)
wait()

# %% 15.2 · the second release, and a rolling update
release("1.1.0", "The tea house has cake!")
triage("1.1.0")


def deploy(version):
    """Give the service this release. ECS starts the new task before it stops the old one."""
    ecs.update_service(cluster="demo-tea-cluster", service="demo-tea-house", taskDefinition=revisions[version])
    wait()


revisions["1.1.0"] = register("1.1.0")
deploy("1.1.0")

# %% 15.3 · the rollback: no build and no push, because the first image and its revision still exist
deploy("1.0.0")

# %% 15.3 · stop everything that costs money; repository, roles and cluster stay until the certificate is there
running = ecs.list_tasks(cluster="demo-tea-cluster")["taskArns"]
ecs.update_service(cluster="demo-tea-cluster", service="demo-tea-house", desiredCount=0)
ecs.delete_service(cluster="demo-tea-cluster", service="demo-tea-house", force=True)
stopped = ecs.get_waiter("tasks_stopped")
stopped.wait(cluster="demo-tea-cluster", tasks=running, WaiterConfig=fargate.patience(lab))
