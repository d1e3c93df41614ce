#!/usr/bin/env bash
# Makes .venv with the project in it, once; the other scripts call this first.
# Another interpreter: PYTHON=python3.12 bin/setup.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

extras=${1:-}
python=${PYTHON:-python3}
venv=${VENV:-.venv}
wanted=$(cat pyproject.toml; echo "$extras")
stamp="$venv/.installed$extras"

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Python 3.11 or newer is needed; $python is $("$python" --version 2>&1). Set PYTHON to another." >&2
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
echo "Installing into $venv (once; PyTorch is large) ..." >&2
"$venv/bin/pip" install -qq --disable-pip-version-check --editable ".$extras"
printf '%s\n' "$wanted" >"$stamp"
