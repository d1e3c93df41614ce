#!/usr/bin/env bash
# Makes .venv with the project and the versions of requirements.lock in it, once; the other scripts
# call this first. Another interpreter: PYTHON=python3.12 bin/setup.sh
# Without an NVIDIA GPU it takes PyTorch's CPU build, which is 4 GB smaller, where PyTorch's own
# index can be reached; TORCH_BUILD=cpu or TORCH_BUILD=cuda decides otherwise.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

extras=${1:-}
python=${PYTHON:-python3}
venv=${VENV:-.venv}
wanted=$(cat pyproject.toml requirements.lock; echo "$extras")
stamp="$venv/.installed$extras"

if [ -z "${TORCH_BUILD:-}" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi
accepted=$(sed -n 's/^requires-python = ">=3\.\([0-9]*\),<3\.\([0-9]*\)"$/\1 \2/p' pyproject.toml)
read -r first end <<<"$accepted"
if ! "$python" -c "import sys; sys.exit(not (3, $first) <= sys.version_info[:2] < (3, $end))"; then
    echo "Python 3.$first to 3.$((end - 1)) is needed; $python is $("$python" --version 2>&1). Set PYTHON to another." >&2
    exit 1
fi
if [ ! -x "$venv/bin/pip" ]; then
    if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
        # Debian and Ubuntu ship venv apart from Python.
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq && apt-get install -y -qq python3-venv
            "$python" -m venv "$venv"
        else
            rm -rf "$venv"
            echo "$python cannot make virtual environments; on Debian or Ubuntu: sudo apt-get install python3-venv" >&2
            exit 1
        fi
    fi
fi
pip=("$venv/bin/pip" --disable-pip-version-check)

# An environment keeps the build that it has. The login node of a cluster has no GPU, but its
# compute nodes may.
torch=$("${pip[@]}" list --format=freeze 2>/dev/null | sed -n 's/^torch==//p')
case "${TORCH_BUILD:-$torch}" in
    cpu | *+cpu) build=cpu ;;
    "") [ "$(uname -s)" != Linux ] || [ -n "$(type -P nvidia-smi sbatch qsub bsub)" ] && build=cuda || build=cpu ;;
    *) build=cuda ;;
esac
echo "Installing into $venv (once; PyTorch is large) ..." >&2
if [ $build = cpu ]; then
    mapfile -t wheels < <(sed -En 's/^(torch(vision)?==[0-9.]+).*/\1+cpu/p' requirements.lock)
    "${pip[@]}" install -qq --no-deps --retries 0 --timeout 15 \
        --index-url https://download.pytorch.org/whl/cpu "${wheels[@]}" 2>/dev/null ||
        echo "PyTorch's CPU build cannot be reached; the one with CUDA is taken, which is 4 GB larger." >&2
elif [[ $torch = *+cpu ]]; then
    "${pip[@]}" uninstall -qq --yes torch torchvision
fi
"${pip[@]}" install -qq --constraint requirements.lock --editable ".$extras"
printf '%s\n' "$wanted" >"$stamp"
