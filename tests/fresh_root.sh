#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# fresh_root.sh - tries deploy/selftest and deploy/quickstart where nothing is installed.
#
# Goal: the two commands do everything on a fresh Debian 12. Method: a minimal root made
# with debootstrap from the mirror this machine's apt uses, holding the committed project
# and nothing else; its mounts live in a namespace of their own and end with it. Only for
# root; needs debootstrap; not part of the self-test.
#
# Usage: tests/fresh_root.sh [COMMAND...]   (default: deploy/selftest, then deploy/quickstart)
set -eu -o pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
    echo "fresh_root: only root can make a root" >&2
    exit 1
fi

release=bookworm
index=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
    "Codename: $release" 'Component: main')
mirror=${index%%$'\n'*}
if [ -z "$mirror" ]; then
    echo "fresh_root: apt on this machine has no $release" >&2
    exit 1
fi

root=$(mktemp -d /var/tmp/vigie-fresh-XXXXXX)
trap 'rm -rf --one-file-system "$root"' EXIT

debootstrap --variant=minbase "$release" "$root" "$mirror"

# What this machine's apt needs to reach its mirrors: sources, keys, its Acquire settings,
# names and certificates.
for path in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/trusted.gpg.d \
    /etc/apt/keyrings /usr/share/keyrings /etc/ssl/certs /usr/share/ca-certificates \
    /usr/local/share/ca-certificates /etc/hosts /etc/resolv.conf; do
    if [ -e "$path" ]; then
        mkdir -p "$root$(dirname "$path")"
        cp -aL --remove-destination "$path" "$root$(dirname "$path")/"
    fi
done
apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' \
    >"$root/etc/apt/apt.conf.d/99as-outside" || true

mkdir "$root/srv/vigie"
git archive HEAD | tar -x -C "$root/srv/vigie"

# inside runs a command in the root, with /proc and /dev, and leaves no mount behind.
inside()
{
    unshare --mount --pid --fork --kill-child bash -eu -c '
        root=$1
        shift
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 CI=true \
            chroot "$root" /bin/sh -c "cd /srv/vigie && exec \"\$@\"" sh "$@"
    ' bash "$root" "$@" </dev/null
}

echo "fresh_root: $(inside dpkg-query -W | wc -l) packages before"
if [ $# -gt 0 ]; then
    inside "$@"
else
    inside deploy/selftest
    inside deploy/quickstart
fi
