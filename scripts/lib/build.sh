# shellcheck shell=bash
# build.sh - the dashboard and the program. Needs common.sh.

NODE_OLDEST=18

# The build that runs. Another compiler's new warning must not stop a newcomer: warnings are errors in
# the sanitizer builds.
# shellcheck disable=SC2034  # for those who source this file
RELEASE=(--buildtype=release -Dwerror=false)

# quiet LABEL LOG COMMAND...: run it with its output in LOG; on failure show the end of it and stop.
quiet() {
    local label=$1 log=$2
    shift 2
    mkdir -p "$(dirname "$log")" || die "$E_DISK" "$log: cannot write"
    "$@" > "$log" 2>&1 < /dev/null && return 0
    tail -n 20 "$log" >&2
    grep -qiE 'no space left|ENOSPC' "$log" && die "$E_DISK" "$label: no space left (see $log)"
    grep -qiE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT' "$log" && die "$E_NETWORK" "$label: the network cannot be reached (see $log)"
    die "$E_BUILD" "$label: failed (see $log)"
}

# build_dashboard: web/dist, which the program embeds. Built again only when a source changed.
build_dashboard() {
    local web=$ROOT/web mark=$ROOT/var/state/dashboard state
    if [ ! -f "$web/package.json" ]; then
        say "  no dashboard in this checkout"
        return 0
    fi
    state=$(dashboard_state "$web")
    [ -d "$web/dist" ] && [ "$(cat "$mark" 2> /dev/null)" = "$state" ] && return 0
    node -e "process.exit(parseInt(process.versions.node) >= $NODE_OLDEST ? 0 : 1)" ||
        die "$E_PACKAGE" "node $(node --version): $NODE_OLDEST or newer is needed"
    rm -rf "$web/dist" "$mark"
    quiet "npm ci" "$ROOT/var/log/npm-ci.log" npm --prefix "$web" ci --ignore-scripts --no-audit --no-fund --prefer-offline
    quiet "the dashboard" "$ROOT/var/log/web-build.log" npm --prefix "$web" run build
    mkdir -p "$(dirname "$mark")"
    printf '%s\n' "$state" > "$mark" || die "$E_DISK" "$mark: cannot write"
}

# A checksum over every file that the dashboard is made from.
dashboard_state() {
    (cd "$1" && find . -path ./node_modules -prune -o -path ./dist -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) |
        sha256sum | cut -d' ' -f1
}

# build_program FOLDER [MESON OPTION...]
build_program() {
    configure_program "$@"
    compile_program "$1"
}

configure_program() {   # configure_program FOLDER [MESON OPTION...]
    local build=$ROOT/$1
    shift
    if [ -d "$build" ] && ! meson introspect --projectinfo "$build" > /dev/null 2>&1; then
        rm -rf "$build"   # a configuration that was killed half way
    fi
    local again=()
    [ ! -d "$build" ] || again=(--reconfigure)
    quiet "meson setup" "$ROOT/var/log/meson-$(basename "$build").log" meson setup "${again[@]}" "$build" "$ROOT" "$@"
}

compile_program() {   # compile_program FOLDER [TARGET...]
    local build=$ROOT/$1
    shift
    quiet "compiling" "$ROOT/var/log/ninja-$(basename "$build").log" ninja -C "$build" "$@"
}
