# What `run`, `storm` and `infra/test` share: installing the emulators, starting one, stopping it. It is sourced, by bash, after
# `set -euo pipefail`. It sets here, root, folder and python, and stops the emulator when the caller ends. A caller may say before
# where it wants them (folder), what is installed (requirements), and which services ministack plays (services; empty for all).

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
folder="${folder:-${CARGO_TARGET_DIR:-$root/target}/emulators}"
requirements="${requirements:-$here/requirements.txt}"
services="${services-sqs,dynamodb}"
python="${PYTHON:-python3}"
ready_within_s=60
emulator_pid=""

fail() {
    echo "emulators: $*" >&2
    exit 1
}

stop_emulator() {
    if [ -n "$emulator_pid" ]; then
        kill "$emulator_pid" 2>/dev/null || true
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            kill -0 "$emulator_pid" 2>/dev/null || break
            sleep 0.5
        done
        kill -9 "$emulator_pid" 2>/dev/null || true
        wait "$emulator_pid" 2>/dev/null || true
        emulator_pid=""
    fi
}
trap stop_emulator EXIT
trap 'exit 1' INT TERM

known_emulator() { # kind
    case "$1" in
    moto | ministack) ;;
    *)
        echo "emulators: unknown emulator $1: moto or ministack" >&2
        exit 2
        ;;
    esac
}

check_python() {
    command -v "$python" >/dev/null 2>&1 ||
        fail "there is no $python: install Python 3.10 or newer, or set PYTHON"
    "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' ||
        fail "$python is older than 3.10, or lacks the venv module"
}

install() {
    check_python
    mkdir -p "$folder"
    # The stamp is written last, so what was installed in part is installed again.
    if ! cmp -s "$requirements" "$folder/installed.txt"; then
        echo "emulators: installing into $folder/venv"
        rm -f "$folder/installed.txt"
        "$python" -m venv --clear "$folder/venv" || fail "no virtual environment could be made"
        "$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
            --requirement "$requirements" || fail "pip could not install the emulators"
        cp "$requirements" "$folder/installed.txt"
    fi
}

free_port() {
    "$folder/venv/bin/python" -c \
        'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_emulator() { # kind port
    local log="$folder/$1.log"
    # A scratch folder as home: no emulator shall read or write anything of the user's.
    mkdir -p "$folder/home"
    case "$1" in
    moto)
        HOME="$folder/home" "$folder/venv/bin/moto_server" -H 127.0.0.1 -p "$2" >"$log" 2>&1 &
        ;;
    ministack)
        HOME="$folder/home" BIND_HOST=127.0.0.1 GATEWAY_PORT="$2" SERVICES="$services" TMPDIR="$folder/home" \
            SFTP_ENABLED=0 IOT_MTLS_ENABLED=0 LOG_LEVEL=WARNING \
            "$folder/venv/bin/ministack" >"$log" 2>&1 &
        ;;
    esac
    emulator_pid=$!
    local tries=$((ready_within_s * 2))
    while ! (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; do
        kill -0 "$emulator_pid" 2>/dev/null || fail "$1 ended at once: see $log"
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "$1 did not listen within $ready_within_s s: see $log"
        sleep 0.5
    done
}
