# shellcheck shell=bash
# gpu.sh - ONNX Runtime's CUDA provider, beside the runtime of assets.sh, and what it needs of the machine.
# Needs common.sh, fetch.sh and assets.sh.

readonly GPU_PACKAGE=com.github.asus4.onnxruntime.linux-x64-gpu GPU_PACKAGE_VERSION=0.4.9
readonly GPU_LIBRARIES=(libonnxruntime_providers_cuda.so libonnxruntime_providers_shared.so)

# asset_gpu: the provider's libraries in vendor/onnxruntime/lib, where the runtime looks for them.
asset_gpu() {
    local place=$PREFIX/vendor/onnxruntime/lib tgz name whole=1
    system_onnxruntime &&
        die "$E_MACHINE" "the system's ONNX Runtime $(pkg-config --modversion libonnxruntime) is used: install one that was built with CUDA"
    [ -e "$place/libonnxruntime.so.$ORT_VERSION" ] || die "$E_BUILD" "$place: ONNX Runtime is not there yet"
    for name in "${GPU_LIBRARIES[@]}"; do holds "$place/$name" "$name" || whole=0; done
    [ "$whole" = 0 ] || return 0
    fetch_npm "$GPU_PACKAGE" "$GPU_PACKAGE_VERSION" "onnxruntime-gpu-$GPU_PACKAGE_VERSION.tgz"
    tgz=$FETCHED
    has_room "$place" 300
    work_folder "$place"
    tar -xzf "$tgz" -C "$WORK" --no-same-owner --strip-components=4 "${GPU_LIBRARIES[@]/#/package/Plugins/Linux/x64/}" ||
        die "$E_DISK" "$place: cannot unpack the CUDA provider"
    for name in "${GPU_LIBRARIES[@]}"; do
        verify "$WORK/$name" "$name"
        if ! chmod 755 "$WORK/$name" || ! mv -f "$WORK/$name" "$place/$name"; then
            die "$E_DISK" "$place/$name: cannot write"
        fi
    done
    rm -rf "$WORK"
}

# check_gpu: what is missing for the provider to run; without it everything runs on the processor.
check_gpu() {
    local provider=$PREFIX/vendor/onnxruntime/lib/${GPU_LIBRARIES[0]} missing
    [ -e "$provider" ] || die "$E_BUILD" "$provider is not there"
    missing=$(ldd "$provider" 2> /dev/null | awk '/not found/ { printf "%s%s", gap, $1; gap = " " }')
    # This one the provider loads itself.
    ldconfig -p | grep -q 'libcudnn\.so\.9' || missing+="${missing:+ }libcudnn.so.9"
    case $missing in *libcuda.so*) warn "NVIDIA's driver is not installed (libcuda.so.1)" ;; esac
    case $missing in *libcublas* | *libcudart* | *libcurand*) warn "CUDA 13 is not installed: $missing" ;; esac
    case $missing in *libcudnn*) warn "cuDNN 9 is not installed (libcudnn.so.9)" ;; esac
    if [ -n "$missing" ]; then
        warn "until then the networks run on the processor; build/sci doctor says which provider is used"
    else
        say "  driver, CUDA and cuDNN are there; build/sci doctor says whether the GPU is used"
    fi
}
