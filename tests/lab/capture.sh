# shellcheck shell=bash disable=SC2154
# Captures. All of a lab begin before its client's steps and end after them;
# what is to be otherwise is cut then.

capture_start() { # NAMESPACE:IFACE[+IFACE...][:TCPDUMP-OPTION...] FILE
    local space interface more options words log=$work/tcpdump.${#captures[@]}
    IFS=: read -r space interface more <<<"$1"
    read -r -a options <<<"-s 262144 $more"
    words=(tcpdump -n -U --immediate-mode -Z root "${options[@]}" -i "$interface")
    # shellcheck disable=SC2206  # several interfaces in one file are dumpcap's
    case $interface in *+*) words=(dumpcap -q "${options[@]}" -i ${interface//+/ -i }) ;; esac
    enter "$space" "${words[@]}" -w "$2" >"$log" 2>&1 &
    captures+=($!)
    started+=($!)
    wait_until 5 grep -q 'listening on\|^File: ' "$log" || fail "${words[0]}: $(cat "$log")"
    sleep 0.2
}

capture_stop() {
    local n words
    sleep 0.5
    for n in "${!captures[@]}"; do
        kill -INT "${captures[n]}"
        wait_until 5 grep -q 'received by filter\|received/dropped' "$work/tcpdump.$n" || fail "tcpdump does not end"
        wait "${captures[n]}" || true
    done
    watch_stop
    for n in "${!reworked[@]}"; do
        read -r -a words <<<"${reworked[n]}"
        "${words[@]}"
    done
}

# ---------------------------------------------------------------- captures that are not as they should be
# Words for the steps of a row. CAPTURE is client, server, or the namespace of a further point.

reworked=() # what is to be done with the captures when they have ended

capture_begins() { # CAPTURE: as if it had been started only now
    at_this_moment "edit $1 -A"
}

capture_ends() { # CAPTURE: as if it had been ended now
    at_this_moment "edit $1 -B"
}

gap_begins() { # CAPTURE: as if nothing were captured until gap_ends
    at_this_moment "keep_apart $1 -B"
}

gap_ends() { # CAPTURE
    at_this_moment "edit $1 -A"
    reworked+=("join $1")
}

only_packets() { # CAPTURE FIRST-LAST
    reworked+=("edit $1 -r -- $2")
}

every_lost() { # CAPTURE N: of every N packets the last is missing
    reworked+=("edit $1 -- $(seq -s ' ' "$2" "$2" 500)")
}

clock_off() { # CAPTURE SECONDS
    reworked+=("edit $1 -t $2")
}

twice() { # CAPTURE SECONDS: every packet once more, so much later
    reworked+=("keep_apart $1 -t $2" "join $1")
}

taken_at() { # CAPTURE OTHER: it is what was captured at another point
    reworked+=("cp $work/$2.pcap $work/$1.pcap")
}

saved_as() { # CAPTURE editcap FORMAT, or CAPTURE wrap KIND... (of tests/wrap/wrap): in another form, after all else
    reworked+=("save $*")
}

save() { # CAPTURE editcap|wrap FORM...
    local file=$work/$1.pcap kinds=${*:3}
    case $2 in # Network Monitor's formats have times of a zone that they do not tell
    editcap) TZ=UTC editcap -F "$3" "$file" "$file.new" >/dev/null ;;
    wrap) "$lab_dir/../wrap/wrap" "${kinds// /+}" "$file" "$file.new" ;;
    esac
    mv "$file.new" "$file"
}

at_this_moment() { # WORDS, which the time is to follow
    sleep 0.2
    reworked+=("$1 $(date +%s.%N)")
    sleep 0.2
}

edit() { # CAPTURE [EDITCAP-OPTION...] [-- NUMBER-OF-PACKET...]
    local file=$work/$1.pcap options=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1") && shift; done
    editcap -F pcap "${options[@]}" "$file" "$file.new" "${@:2}" >/dev/null
    mv "$file.new" "$file"
}

keep_apart() { # CAPTURE EDITCAP-OPTION...: a part of it, for join
    editcap -F pcap "${@:2}" "$work/$1.pcap" "$work/$1.part" >/dev/null
}

join() { # CAPTURE
    mergecap -F pcap -w "$work/$1.new" "$work/$1.part" "$work/$1.pcap"
    mv "$work/$1.new" "$work/$1.pcap"
}
