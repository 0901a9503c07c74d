# shellcheck shell=bash disable=SC2154
# What the tests of the command line share: run the program, tell what is expected of it, count. The script that reads
# this has set `program`; it ends with `conclude NAME`.
python=${PYTHON:-/usr/bin/python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0
reports=0

verdict() { # name, condition's status
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $1"
        sed 's/^/    /' "$scratch/err" | head -n 5
    fi
}

# keep STATUS: what is in out, err and the status; a JSON report is kept for validation
keep() {
    status=$1
    if [ "$(head -c 1 "$scratch/out")" = "{" ]; then
        reports=$((reports + 1))
        cp "$scratch/out" "$scratch/report-$reports.json"
    fi
}

# run ARGUMENTS...: leaves out, err and the status
run() {
    timeout 60 "$program" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
    keep $?
}

# from FILE ARGUMENTS...: the same with standard input from a file; piped: from a pipe
from() {
    timeout 60 "$program" "${@:2}" >"$scratch/out" 2>"$scratch/err" <"$1"
    keep $?
}
piped() {
    # shellcheck disable=SC2002 # a pipe is what is wanted
    cat "$1" | timeout 60 "$program" "${@:2}" >"$scratch/out" 2>"$scratch/err"
    keep $?
}

wrap() { # KIND[+KIND...] IN OUT
    "$python" tests/wrap/wrap "$@"
}

expect() { # name, status wanted, pattern wanted on stdout, pattern wanted on stderr ('' for nothing there)
    local ok=0
    [ "$status" -eq "$2" ] || ok=1
    [ -z "$3" ] || grep -qE -- "$3" "$scratch/out" || ok=1
    if [ -z "$4" ]; then
        [ ! -s "$scratch/err" ] || ok=1
    else
        grep -qE -- "$4" "$scratch/err" || ok=1
    fi
    [ $ok -eq 0 ] || echo "    got status $status, wanted $2"
    verdict "$1" $ok
}

validate() { # every JSON report that was kept
    "$python" tests/validate "$scratch"/report-*.json >"$scratch/err" 2>&1
    verdict "$reports reports fit the JSON Schema" $?
}

conclude() {
    echo "$1: $passed passed, $failed failed"
    [ $failed -eq 0 ]
}
