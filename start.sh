#!/usr/bin/env bash
# Serves Samovar: ./start.sh [options of `samovar serve`]. The first start installs what is missing into .venv.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/python.sh
. "$root/scripts/python.sh"

python=$(find_python)
"$python" "$root/scripts/prepare.py" "$@"
exec "$root/.venv/bin/samovar" serve "$@"
