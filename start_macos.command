#!/usr/bin/env bash
# The same as start.sh, for a double click in the Finder.
exec "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/start.sh" "$@"
