"""The local AWS: one process, a line of doors. ``python -m ecr_sandbox`` runs it (``__main__.py``, ``server.py``).

The way of a request, file by file:

    listener.py     before the doors: HTTP, and its limits; listeners.py gives every registry a port of its own
    house.py        says which line of doors leads where; doors.py says what a door is
    limits.py       0  how much may come, and what is broken
    guard.py        1  only from this machine, and from no foreign web page
    signature.py    2  who is it? The API signs; identity.py: docker has a password (token.py)
    validate.py     3  is the call what the service model says? validate_query.py: the same for IAM and STS
    authorize.py    4  may they? resources.py says what is asked, principals.py who asks, iam.py decides, with
                       iam_policy.py, iam_conditions.py, iam_patterns.py and repository_policy.py
    aws.py          5  moto answers, by ECR's rules in ecr/ and ecr_public/, with users.py, sts.py and bill/
    registry/       5  or, under /v2/, the registry does; hub/ is the stand-in for Docker Hub
    present.py      6  with addresses that work here
    services.py        what AWS has beside, loaded by its first call: ecs/ with Fargate (ecs_alive.py remembers what
                       runs), functions/ of Lambda, both led to their images by image_name.py; logs.py
    durable.py      7  and what has changed is on disk before the answer leaves: store.py, files.py

What a change leaves behind is done later: ecr/events.py tells of it, ecr/consequences.py says what follows from
what, jobs.py does it, by the time of clock.py:

    lifecycle/         images expire or go to the archive, as a repository's policy says
    scan/              images are looked into for known vulnerabilities
    ecr/replication/   copies in other registries
    ecr/events/        EventBridge is told; cloudwatch.py counts pulls, cbor.py is what its newer clients speak

What a pull fetches first: ecr/pull_through/. What a push creates: ecr/templates.py. ecr/archive.py moves images to the
archive and back.

What is refused, is refused in the words of words.py and common_errors.py. What the sandbox does by itself: mirror.py
and gc.py. What is there from the start: administrator.py and managed_policies.py.
"""
