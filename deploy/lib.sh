# SPDX-License-Identifier: EUPL-1.2
# lib.sh - what quickstart and selftest share. Sourced by bash, from the top folder.

# say prints one line that stands out from what the tools print.
say()
{
    printf '== %s\n' "$*"
}

# packages_for prints the packages of deploy/packages that stand under the given words.
packages_for()
{
    awk -v wanted=" $* " '
        /^# for: / { listed = index(wanted, " " $3 " ") }
        /^[a-z0-9]/ && listed { print $1 }' deploy/packages
}

# packages_missing prints those of its arguments that are not installed.
packages_missing()
{
    local package

    for package in "$@"; do
        if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            echo "$package"
        fi
    done
}

# as_root runs a command as root, or says that it cannot.
as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "this needs root, and there is no sudo here. As root, run: $*" >&2
        return 1
    fi
}

# install_packages installs what is missing of the packages for the given words, and says
# which. The lists are fetched again only when something is missing.
install_packages()
{
    local missing

    missing=$(packages_missing $(packages_for "$@"))
    if [ -z "$missing" ]; then
        say "all Debian packages are there"
        return 0
    fi
    say "installing what is missing:" $missing
    as_root apt-get -q update </dev/null || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o Dpkg::Use-Pty=0 --no-install-recommends install $missing </dev/null
}
