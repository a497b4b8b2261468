#!/bin/bash
# The source as text: format, scripts without known mistakes, lock files without hosts.
set -u
# shellcheck source=tests/infrastructure/tap.sh
. "$(dirname "$0")/tap.sh"
cd "$ROOT" || exit 1

mapfile -t code < <(find src tests -name '*.[ch]' | LC_ALL=C sort)
if command -v clang-format > /dev/null; then
    run clang-format --dry-run -Werror "${code[@]}"
    expect "clang-format: ${#code[@]} files" 0
else
    skip 'clang-format' 'clang-format is not installed'
fi

mapfile -t scripts < <(find scripts tests .ci -type f \( -name '*.sh' -o -path .ci/run \) | LC_ALL=C sort)
if command -v shellcheck > /dev/null; then
    run shellcheck -x "${scripts[@]}"
    expect "shellcheck: ${#scripts[@]} scripts" 0
else
    skip 'shellcheck' 'shellcheck is not installed'
fi

# A host in a lock file would tie every clone to one registry.
mapfile -t locks < <(find . -name package-lock.json -not -path '*/node_modules/*')
for lock in "${locks[@]}"; do
    if grep -q '"resolved"' "$lock"; then
        fail "$lock names no host" "$(grep -m1 '"resolved"' "$lock")"
    elif [ "$(grep -c '"node_modules/' "$lock")" -ne "$(grep -c '"integrity"' "$lock")" ]; then
        fail "$lock has a checksum for every package"
    else
        pass "$lock names no host and has a checksum for every package"
    fi
done

# Every entry of the package list is well formed and listed once in its section.
twice=$(awk '/^\[/ { s = $0; next } NF && !/^#/ && seen[s $1]++ { print s, $1 }' scripts/packages.txt)
odd=$(grep -vE '^(#.*|\[(build|run|test)\]|[a-z0-9][a-z0-9.+-]*(:[a-z0-9-]+)?)?$' scripts/packages.txt)
if [ -z "$twice$odd" ]; then pass 'scripts/packages.txt'; else fail 'scripts/packages.txt' "$twice$odd"; fi
tap_end
