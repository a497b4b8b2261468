# shellcheck shell=bash
# machine.sh - is this a machine that the program can be built and run on? Needs common.sh.

readonly MEMORY_MB=1500 DISK_MB=3000

check_machine() {   # check_machine: system, processor, memory, disk
    local id='' version='' name='' memory
    if [ -r /etc/os-release ]; then
        # shellcheck source=/dev/null
        { read -r id; read -r version; read -r name; } < <(. /etc/os-release && printf '%s\n%s\n%s\n' "${ID:-}" "${VERSION_ID:-}" "${PRETTY_NAME:-}")
    fi
    case $id:$version in
        debian:12*) ;;
        debian:* | ubuntu:* | linuxmint:* | raspbian:*)
            warn "$name: made for Debian 12; its package names may differ here" ;;
        *) command -v apt-get > /dev/null ||
            die "$E_MACHINE" "${name:-this system}: set-up needs Debian 12 or one that is compatible with it (apt packages). Elsewhere use a Debian 12 container or virtual machine"
            warn "${name:-this system}: made for Debian 12" ;;
    esac
    case $(uname -m) in
        x86_64) grep -qw sse4_1 /proc/cpuinfo || die "$E_MACHINE" "processor: SSE 4.1 is needed" ;;
        aarch64) warn "aarch64: ONNX Runtime must be installed so that pkg-config finds libonnxruntime" ;;
        *) die "$E_MACHINE" "processor $(uname -m): x86_64 is needed" ;;
    esac
    memory=$(awk '/^MemTotal:/ { m = $2 } /^SwapTotal:/ { s = $2 } END { print int((m + s) / 1024) }' /proc/meminfo)
    [ "$memory" -ge "$MEMORY_MB" ] || die "$E_MACHINE" "memory: $memory MB, $MEMORY_MB MB needed to build"
    has_room "$PREFIX" "$DISK_MB"
    say "  $name, $(nproc) x $(uname -m), $memory MB memory"
}

# port_taken PORT: does somebody listen on it, on any local address?
port_taken() {
    awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
        /proc/net/tcp /proc/net/tcp6 2> /dev/null
}
