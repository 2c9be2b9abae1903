#!/bin/sh
# Starts the Docker engine of one learner, if that is safe. Arguments: those of preflight.py.
set -eu
# The engine makes a group for each container. Where the file system is read-only, this may be allowed.
while read -r _ folder type options _; do
    case "$type $options" in
        cgroup*" ro,"*) mount -o remount,bind,rw "$folder" 2> /dev/null || true ;;
    esac
done < /proc/self/mounts
python3 /usr/local/bin/preflight.py "$@"

# A group of processes cannot have limits of its own and subgroups: cgroup v2, "no internal processes".
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p /sys/fs/cgroup/engine
    while read -r process; do
        echo "$process" > /sys/fs/cgroup/engine/cgroup.procs 2> /dev/null || true  # it has ended
    done < /sys/fs/cgroup/cgroup.procs
    sed 's/^/+/; s/ / +/g' /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control
fi

# The iptables that this kernel supports.
for name in iptables-nft iptables-legacy; do
    if "$name" --table nat --list --numeric > /dev/null 2>&1; then
        mkdir -p /run/iptables
        ln -sf "$(command -v "$name")" /run/iptables/iptables
        break
    fi
done
export PATH="/run/iptables:$PATH"

# After a restart of the container, files of the old process are in the way.
rm -f /run/docker.pid /run/docker/containerd/containerd.pid
exec tini -- dockerd --host unix:///run/engine/docker.sock --group "${ENGINE_GROUP:-1000}"
