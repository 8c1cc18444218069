# shellcheck shell=bash
# Sourced by gpu.sh and first-run.sh: where drivers of containers, of notebooks and of WSL are, which a loader may not
# know, and their nvidia-smi.
driver_folders=/usr/local/nvidia/lib64:/usr/local/nvidia/lib:/usr/lib64-nvidia:/usr/lib/wsl/lib
export PATH=$PATH:/usr/local/nvidia/bin:/opt/bin:/usr/lib/wsl/lib

# has_driver: is there one, in a folder that a loader looks into or in one of those?
has_driver() {
    local place known places
    IFS=: read -ra places <<<"${LD_LIBRARY_PATH:-}:$driver_folders"
    for place in "${places[@]}" /usr/lib /usr/lib64 /usr/lib/*-linux-gnu; do
        [ ! -e "$place/libcuda.so.1" ] || return 0
    done
    known=$({ ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null) || return 1
    [[ $known = *libcuda.so.1* ]]
}
