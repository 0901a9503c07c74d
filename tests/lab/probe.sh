# shellcheck shell=bash disable=SC2034,SC2154  # variables of lib.sh, and for run
# `tcp53 probe` in the place of the client's steps: as root, as a user without the right to capture, and with --locate.
# LAB_PROBE is the program; without it nothing of this is done. tests/lab/judge-probe knows what has to come of it.

# Steps that ask, which the probe does instead: where their NAME stands among their words, and what they ask over TCP
# when there is none.
declare -A asking=(
    [udp]='- -' [pause]='- -' [witness]='- -' [touch_port]='- -'
    [tcp]='3 example.test' [dig_tcp]='3 example.test' [kdig_tcp]='3 example.test' [by]='4 example.test'
    [split_tcp]='- example.test' [mail]='2 example.test' [both]='2 big.example.test' [lookup]='- big.example.test' [glibc_tcp]='- example.test'
)

# What a probe cannot be put in the place of: what is so | why. `step:WORD` is a step of the client's,
# `capture:PATTERN` where it is captured, `name:PATTERN` the row's name.
unprobed='
step:half_open         a scan is what its client does
step:connect_only      a client that asks nothing
step:impatient         a client that leaves too early
step:slow_query        a client that asks late
step:dig_from          a client with ports of its choice
step:capture_*         another capture of a set-up that is here without
step:gap_*             another capture of a set-up that is here without
step:only_packets      another capture of a set-up that is here without
step:every_lost        another capture of a set-up that is here without
step:clock_off         another capture of a set-up that is here without
step:twice             another capture of a set-up that is here without
step:taken_at          another capture of a set-up that is here without
step:saved_as          another capture of a set-up that is here without
capture:*:*            another capture of a set-up that is here without
capture:*+*            another capture of a set-up that is here without
name:late-query-*      a client that asks late
name:no-udp-*          a client that asks nothing over UDP
name:by-resolver-*     a resolver of the client, not the client
name:tcp-turned-on     another truth at another time
name:route-changes-*   another route at another time
'
declare -A probed_as=() # set-up: the first case that has it

# is_probed FAMILY: false for a row that was split when it is not; `why` then says why
is_probed() {
    local what step steps key
    IFS=+ read -r -a steps <<<"$setup+$scenario"
    while read -r what why; do
        # shellcheck disable=SC2053  # patterns they are
        if [[ name:$name == $what || capture:${capture%%,*} == $what ]]; then return 1; fi
        for step in "${steps[@]}"; do
            read -r step _ <<<"$step"
            # shellcheck disable=SC2053
            if [[ step:$step == $what ]]; then return 1; fi
        done
    done < <(grep . <<<"$unprobed")
    key="$1 $delay $setup $(probe_names) $(probe_servers)"
    why="the same set-up as ${probed_as[$key]:=$name}"
    [ "${probed_as[$key]}" = "$name" ]
}

asks() { # WORD: whether the probe does it instead; `place` and `default` are of its NAME
    [ -n "${asking[$1]-}" ] && read -r place default <<<"${asking[$1]}"
}

probe_names() { # NAME and, when the client asks for another as well, --other-name
    local steps step words place default asked
    local -A names=()
    IFS=+ read -r -a steps <<<"$scenario"
    for step in "${steps[@]}"; do
        read -r -a words <<<"$step"
        if ! asks "${words[0]}" || [ "$default" = - ]; then continue; fi
        asked=$default
        [ "$place" = - ] || asked=${words[place]:-$default}
        names[$asked]=1
    done
    case ${!names[*]} in
    *big*\ * | *\ *big*) echo "--other-name example.test big.example.test" ;;
    *big*) echo big.example.test ;;
    *) echo example.test ;;
    esac
}

probe_servers() { # of which the row tells the truth
    local group groups
    IFS=';' read -r -a groups <<<"$truth"
    for group in "${groups[@]}"; do printf '$%s ' "${group%% *}"; done
}

run_other_steps() { # STEP + STEP + ...: those that ask nothing, and change the world
    local step steps words place default
    IFS=+ read -r -a steps <<<"$1"
    for step in "${steps[@]}"; do
        read -r -a words <<<"$step"
        asks "${words[0]}" || "${words[@]}"
    done
}

ordinary="setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all"

probe_all() { # FILES
    local words
    cp "$LAB_PROBE" "$work/tcp53"
    chmod 711 "$work" # for the ordinary user
    read -r -a words <<<"$(probe_names) $(fill_in "$(probe_servers)")"
    probe_one "$1.probe" "$work/tcp53" probe -j "${words[@]}"
    let_routers_rest
    # shellcheck disable=SC2086  # words of a command
    probe_one "$1.told" $ordinary "$work/tcp53" probe -j --no-capture "${words[@]}"
    let_routers_rest
    probe_one "$1.located" "$work/tcp53" probe -j --locate "${words[@]}"
}

let_routers_rest() { # ICMP errors are limited: six at once, then one a second
    case $setup in
    *icmp* | *tcp_route*) sleep 7 ;;
    *) sleep 2 ;;
    esac
}

probe_one() { # FILES COMMAND...: the report, and what is said beside it
    local files=$1 status=0
    shift
    inside client timeout 60 "$@" >"$work/report.json" 2>"$files.log" || status=$?
    echo "exit status $status" >>"$files.log"
    cp "$work/report.json" "$files.json"
}
