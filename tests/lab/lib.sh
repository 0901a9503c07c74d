# shellcheck shell=bash disable=SC2034
# The lab: network namespaces, routers, real DNS servers, firewalls, clients, captures at both ends.
# Sourced by run, case and make-samples. README.md says how a row is added.

PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH # the distribution's own programs, and found at once

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in table network boxes servers clients capture watch probe; do
    # shellcheck source=/dev/null
    . "$lab_dir/$part.sh"
done

fail() {
    echo "lab: $*" >&2
    exit 1
}

# ---------------------------------------------------------------- start and end of one lab

# Before all else on a busy machine: what comes late would be a false distance.
urgent=
if chrt -f 1 true 2>/dev/null; then urgent="chrt -f 1"; fi

build_tools() { # once, before any lab_open
    local source tool
    tools=$lab_dir/../../build/lab-tools
    mkdir -p "$tools"
    tools=$(cd "$tools" && pwd)
    export tools
    for source in "$lab_dir"/*.c; do
        tool=$tools/$(basename "$source" .c)
        [ "$source" -nt "$tool" ] || continue
        cc -O2 -Wall -Wextra -o "$tool.$$" "$source" || fail "$source does not compile"
        mv "$tool.$$" "$tool"
    done
}

lab_open() { # FAMILY, NUMBER of the case, far|0
    work=$(mktemp -d "${TMPDIR:-/tmp}/tcp53-lab.XXXXXX")
    mkdir "$work/network"
    prefix=tcp53-$BASHPID
    started=()   # the processes to end
    captures=()  # the tcpdumps among them
    spaces=()    # the namespaces to remove
    links=0
    trap lab_close EXIT
    trap 'exit 130' INT TERM HUP
    name_addresses "$1" "$2"
    write_zone "$2"
    build_network "$2" "$3"
}

lab_close() {
    trap - EXIT
    trap '' INT TERM HUP
    local pid tries
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do
        for ((tries = 0; tries < 20; tries++)); do
            kill -0 "$pid" 2>/dev/null || continue 2
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    done
    remove_spaces "${spaces[@]}"
    rm -rf "$work"
}

remove_spaces() { # NAMESPACE..., their whole names; and whatever still runs there
    local pid
    for pid in $(inhabitants "$@"); do kill -KILL "$pid" 2>/dev/null || true; done
    printf 'netns del %s\n' "$@" | ip -force -batch - 2>/dev/null || true
}

inhabitants() { # NAMESPACE...: as `ip netns pids`, but for all of them in one go
    {
        stat -L -c '%i' "${@/#//run/netns/}"
        stat -L -c '%i %n' /proc/[0-9]*/ns/net
    } 2>/dev/null | awk -F'[ /]' 'NF == 1 { ours[$1] } NF > 1 && $1 in ours { print $4 }'
}

remove_leftovers() { # the namespaces of labs that were killed outright
    local space owner
    for space in $(ip netns list 2>/dev/null | awk '/^tcp53-[0-9]+-/ { print $1 }'); do
        owner=${space#tcp53-}
        [ -e "/proc/${owner%%-*}" ] || remove_spaces "$space"
    done
}

# ---------------------------------------------------------------- processes

inside() { # NAMESPACE COMMAND...
    local space=$1
    shift
    ip netns exec "$prefix-$space" "$@"
}

enter() { # NAMESPACE COMMAND...: as inside, but this very process becomes the command
    local space=$1
    shift
    exec ip netns exec "$prefix-$space" "$@"
}

start() { # NAMESPACE COMMAND...: in the background, its output in a log
    local log="$work/log.${#started[@]}"
    enter "$@" >"$log" 2>&1 &
    started+=($!)
}

wait_until() { # SECONDS COMMAND...: false when it has not come true in time
    local tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        ((tries-- > 0)) || return 1
        sleep 0.05
    done
}

run_steps() { # STEP + STEP + ...
    local step steps words
    [ "$1" != - ] || return 0
    IFS=+ read -r -a steps <<<"$1"
    for step in "${steps[@]}"; do
        read -r -a words <<<"$step"
        "${words[@]}"
    done
}

pause() { # SECONDS
    sleep "$1"
}
