# shellcheck shell=bash
# packages.sh - Debian packages by section of scripts/packages.txt. Needs common.sh.

# packages_of SECTION: one "package[:command]" a line.
packages_of() {
    awk -v section="[$1]" '/^\[/ { inside = $0 == section; next } inside && NF && !/^#/ { print $1 }' \
        "$ROOT/scripts/packages.txt"
}

installed() {   # installed PACKAGE[:COMMAND]
    case $1 in
        *:*) command -v "${1#*:}" > /dev/null && return 0 ;;
    esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "${1%%:*}" 2> /dev/null)" = installed ]
}

# install_packages SECTION...: what is missing of these sections, and nothing else.
install_packages() {
    local section entry missing=()
    for section in "$@"; do
        while read -r entry; do
            installed "$entry" || missing+=("${entry%%:*}")
        done < <(packages_of "$section")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get > /dev/null || die "$E_MACHINE" "no apt-get here: install these packages yourself: ${missing[*]}"
    say "  installing ${#missing[@]} packages: ${missing[*]}"
    finish_interrupted_installation
    apt_run update
    apt_run install -y --no-install-recommends "${missing[@]}"
}

# An installation that was killed leaves packages unpacked but not configured.
finish_interrupted_installation() {
    [ -z "$(dpkg --audit 2> /dev/null)" ] || as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a > /dev/null 2>&1 ||
        die "$E_PACKAGE" "dpkg was interrupted and 'dpkg --configure -a' fails"
}

apt_run() {
    local log rc
    log=$(mktemp) || die "$E_DISK" "cannot write a temporary file"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        -o APT::Update::Error-Mode=any "$@" > "$log" 2>&1 < /dev/null
    rc=$?
    if [ $rc -ne 0 ]; then apt_failed "$log" "$*"; fi
    rm -f "$log"
}

apt_failed() {   # the last words of apt, and the exit code that fits them
    local why
    why=$(grep -E '^(E:|W:|Err:|dpkg: error)' "$1" | tail -n 3 | tr '\n' ' ')
    [ -n "$why" ] || why=$(tail -n 2 "$1" | tr '\n' ' ')
    if grep -qiE 'no space left|not have enough free space' "$1"; then
        rm -f "$1"
        die "$E_DISK" "apt-get ${2%% *}: no space left: $why"
    elif grep -qiE 'could not resolve|temporary failure resolving|unable to connect|could not connect|failed to fetch|network is unreachable|some index files failed' "$1"; then
        rm -f "$1"
        die "$E_NETWORK" "apt-get ${2%% *}: the archive cannot be reached: $why"
    fi
    rm -f "$1"
    die "$E_PACKAGE" "apt-get ${2%% *}: $why"
}
