# shellcheck shell=bash
# fetch.sh - downloads: npm and Debian packages by name and version, checked by checksum, kept in
# $SCI_CACHE so that another clone does not download them again. Needs common.sh.
#
# A download lands in a temporary folder inside the cache and is renamed only after its checksum
# has been checked: what lies in the cache under its own name is whole. It is checked again at every
# use, and a damaged one is fetched anew.

# fetch_with LABEL FILE COMMAND...: make FILE appear in the cache by running COMMAND in an empty folder.
# The result's path goes to FETCHED.
fetch_with() {
    local label=$1 file=$2 got attempt
    shift 2
    FETCHED=$CACHE/$file
    holds "$FETCHED" "$file" && return 0
    for attempt in 1 2; do   # a bad line may spoil one download
        work_folder "$CACHE"
        say "  downloading $label"
        (cd "$WORK" && "$@") > "$WORK/log" 2>&1 < /dev/null || fetch_failed "$label" "$WORK/log"
        got=$(find "$WORK" -maxdepth 1 -type f -name "*.${file##*.}" -print -quit)
        [ -n "$got" ] || fetch_failed "$label" "$WORK/log"
        if [ "$attempt" = 2 ] || holds "$got" "$file"; then break; fi
        warn "$file: wrong checksum ($(stat -c %s "$got") bytes): once more"
        rm -rf "$WORK"
    done
    verify "$got" "$file"
    mv -f "$got" "$FETCHED" || die "$E_DISK" "$FETCHED: cannot write"
    rm -rf "$WORK"
}

fetch_failed() {
    local why
    grep -qiE 'ENOSPC|no space left' "$2" && die "$E_DISK" "$1: no space left for the download in $CACHE"
    why=$(grep -vE '^[[:space:]]*$' "$2" | grep -iE 'err|fail|unable' | head -n 3 | tr '\n' ' ')
    die "$E_NETWORK" "$1: cannot be downloaded: ${why:-no answer}(is the network there?)"
}

# fetch_npm PACKAGE VERSION FILE: the package's tarball. No script of the package is run.
fetch_npm() {
    fetch_with "$1 $2" "$3" npm pack --ignore-scripts --loglevel=error --cache=.npm \
        --fetch-retries=3 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=8000 "$1@$2"
}

# fetch_deb PACKAGE VERSION FILE: the .deb, not installed.
fetch_deb() {
    fetch_with "Debian package $1 $2" "$3" apt-get -o APT::Sandbox::User=root download "$1=$2"
}
