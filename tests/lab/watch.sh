# shellcheck shell=bash disable=SC2154
# `tcp53 watch` at the client's point of a lab, beside the capture: what it says live is judged against what `read` says of
# the very same packets (tests/lab/judge-watch). LAB_WATCH is the program; without it nothing of this is done.

watching= # its process

watch_start() { # NAMESPACE:IFACE[+IFACE...][:TCPDUMP-OPTION...]
    local space interface more word previous='' words
    IFS=: read -r space interface more <<<"$1"
    words=(watch --format jsonl --ticket "$work/tickets")
    # shellcheck disable=SC2206  # several interfaces are several options
    words+=(-i ${interface//+/ -i })
    for word in $more; do # what tcpdump was told, in watch's words
        case $word in
        -s | -n | -p) ;;
        --*) continue ;;
        -y | -Q) return 0 ;; # a view that watch has not
        *) [ "$previous" = -s ] || { words+=(--filter "${more#"${more%%[a-z]*}"}") && break; } ;;
        esac
        words+=("$word")
        previous=$word
    done
    enter "$space" "$LAB_WATCH" "${words[@]}" >"$work/watch.jsonl" 2>"$work/watch.log" &
    watching=$!
    started+=($!)
    wait_until 5 grep -q 'watching' "$work/watch.log" || fail "watch: $(cat "$work/watch.log")"
}

watch_stop() { # keeps the capture as watch saw it, before anything is made of it
    [ "$watching" ] || return 0
    kill -INT "$watching"
    wait "$watching" || true
    cp "$work/client.pcap" "$work/watched.pcap"
}

watch_keep() { # FILES
    [ "$watching" ] || return 0
    local ticket
    cp "$work/watched.pcap" "$1.watched.pcap"
    cp "$work/watch.log" "$1.watch.log"
    cp "$work/watch.jsonl" "$1.watch.jsonl"
    rm -rf "$1.tickets"
    [ ! -d "$work/tickets" ] || cp -r "$work/tickets" "$1.tickets"
}
