# shellcheck shell=bash
# Sourced by start.sh, start_macos.command and test.sh.

# Prints a Python that Samovar runs on, or says in the terminal's language that there is none.
find_python() {
    local python
    for python in python3 python3.13 python3.12 python3.11 python3.10 python; do
        if "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
    ru* | RU*)
        echo "Самовару нужен Python 3.10–3.13, а его здесь нет." \
            "В Debian и Ubuntu: sudo apt install python3 python3-venv" ;;
    *)
        echo "Samovar needs Python 3.10 to 3.13, and there is none here." \
            "On Debian and Ubuntu: sudo apt install python3 python3-venv" ;;
    esac >&2
    return 1
}
