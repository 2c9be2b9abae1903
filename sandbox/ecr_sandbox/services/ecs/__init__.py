"""ECS with Fargate: a task pulls its image with its execution role's permissions and runs in the local Docker engine.

    background.py           what the first call of ECS starts
    api.py                  the API; fargate.py and network.py check its parameters
    backend.py              clusters and task definitions; tasks.py, deployments.py: tasks and services
    task_runner.py          runs a task: roles.py assumes its role, image_pull.py pulls, containers.py starts it in the
                            engine (engine.py), awslogs.py writes its logs
    service_scheduler.py    keeps the desired count of services

The first call of ECS loads all but startup.py; if an earlier run left tasks or services, the sandbox's start does.
"""
