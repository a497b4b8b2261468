# shellcheck shell=bash
# common.sh - what every script of this folder shares: paths, messages, exit codes, files that
# appear whole or not at all. Sourced, never run.
#
# A step that writes a file writes it under a temporary name beside its place and renames it, so a
# script killed at any moment leaves either the old state or the new one, and running it again
# finishes the work.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034  # for those who source this file, like some of the names below
CACHE=${SCI_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sci}
# shellcheck disable=SC2034  # likewise
PREFIX=${SCI_PREFIX:-$ROOT}   # where vendor/ and var/ are laid out; the tests use another place

# Exit codes, one for each kind of failure (printed by setup.sh --help).
# shellcheck disable=SC2034  # likewise
readonly E_USAGE=2 E_MACHINE=3 E_DISK=4 E_PORT=5 E_NETWORK=6 E_PACKAGE=7 E_CHECKSUM=8 E_BUILD=9 E_START=10

say() { printf '%s: %s\n' "${PROGRAM:-sci}" "$*"; }
warn() { printf '%s: warning: %s\n' "${PROGRAM:-sci}" "$*" >&2; }
die() {   # die CODE MESSAGE...
    local code=$1
    shift
    printf '%s: error: %s\n' "${PROGRAM:-sci}" "$*" >&2
    exit "$code"
}

# A numbered progress line: "setup: [3/9] build: compiling".
STEP=0 STEPS=0
step() {
    STEP=$((STEP + 1))
    printf '%s: [%d/%d] %s\n' "${PROGRAM:-sci}" "$STEP" "$STEPS" "$*"
}

sha256_of() { sha256sum "$1" | cut -d' ' -f1; }

# expected_sha256 NAME: the checksum of a download or a result, from the one table.
expected_sha256() {
    awk -v name="$1" '$2 == name { print $1; found = 1 } END { exit !found }' "$ROOT/scripts/checksums.txt" ||
        die "$E_CHECKSUM" "$1: not in scripts/checksums.txt"
}

# holds FILE NAME: FILE exists and has the checksum that the table gives for NAME.
holds() { [ -f "$1" ] && [ "$(sha256_of "$1")" = "$(expected_sha256 "$2")" ]; }

# verify FILE NAME: the same, or the end.
verify() {
    holds "$1" "$2" && return 0
    local got=missing
    [ -f "$1" ] && got=$(sha256_of "$1")
    die "$E_CHECKSUM" "$2: wrong checksum: expected $(expected_sha256 "$2"), got $got"
}

# has_room FOLDER MEGABYTES
has_room() {
    local dir=$1 free
    while [ ! -d "$dir" ]; do dir=$(dirname "$dir"); done
    free=$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$2" ] || die "$E_DISK" "$dir: $free MB free, $2 MB needed"
}

# work_folder PARENT: a temporary folder in PARENT, on the file system of what it will become,
# removed when the script ends. The remains of runs that were killed go too, once they are a day old.
WORK_FOLDERS=()
work_folder() {   # sets WORK
    mkdir -p "$1" 2>/dev/null || die "$E_DISK" "$1: cannot make this folder"
    find "$1" -maxdepth 1 -name '.sci-work.*' -mmin +1440 -exec rm -rf {} + 2>/dev/null
    WORK=$(mktemp -d "$1/.sci-work.XXXXXX") || die "$E_DISK" "$1: cannot write here"
    WORK_FOLDERS+=("$WORK")
}
remove_work_folders() { [ ${#WORK_FOLDERS[@]} -eq 0 ] || rm -rf "${WORK_FOLDERS[@]}"; }
trap remove_work_folders EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# as_root COMMAND...: run it with the rights to install packages.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        die "$E_PACKAGE" "installing packages needs root or sudo"
    fi
}
