#!/bin/sh
# Puts the course into the learner's home folder, waits for the engine, and runs the command in the arguments.
set -eu
course=/opt/learn-amazon-ecr
mine=$HOME/learn-amazon-ecr

# What is new is added. What the learner has is not overwritten.
mkdir -p "$mine"
for name in LICENSE README.md CONTRIBUTING.md docs notebooks sample_app; do
    cp -R --update=none "$course/$name" "$mine/"
done

seconds=0
until docker version > /dev/null 2>&1; do
    seconds=$((seconds + 1))
    if [ "$seconds" -gt "${ENGINE_SECONDS:-60}" ]; then
        echo "No Docker engine answers at $DOCKER_HOST. Look at the log of the container 'engine'." >&2
        break
    fi
    sleep 1
done
cd "$mine"
[ -n "${JUPYTER_TOKEN:-}" ] || unset JUPYTER_TOKEN  # an empty one would let everyone in
ecr-lab up || true  # JupyterLab shows the reason in the first cell
exec "$@"
