#!/usr/bin/env bash
# Remakes every lock in requirements/ from pyproject.toml and requirements/*.in: exact versions with hashes for
# CPython 3.10 to 3.13 on Linux, macOS and Windows. Pins stay as they are; `scripts/lock.sh --upgrade` moves them.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
    local output=requirements/$1.txt
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
        --custom-compile-command scripts/lock.sh --output-file "$output" "$@"
    echo "$output"
}

lock serve "$@" pyproject.toml requirements/build.in
lock dev "$@" pyproject.toml requirements/build.in --extra dev --constraints requirements/serve.txt
lock llamacpp "$@" pyproject.toml --extra llamacpp --constraints requirements/serve.txt
lock kernel "$@" requirements/kernel.in --constraints requirements/dev.txt
lock cmake "$@" requirements/cmake.in
lock ../src/samovar/engines/llama/compiling/tools "$@" requirements/compiling.in --constraints requirements/cmake.txt \
    --constraints requirements/kernel.txt
lock node "$@" requirements/node.in
lock starter "$@" requirements/starter.in --no-deps
lock minilm "$@" requirements/minilm.in --no-deps
