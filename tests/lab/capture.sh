# shellcheck shell=bash disable=SC2154
# Captures. All of a lab begin before its client's steps and end after them.

capture_start() { # NAMESPACE:IFACE[:TCPDUMP-OPTION...] FILE
    local space interface more options log=$work/tcpdump.${#captures[@]}
    IFS=: read -r space interface more <<<"$1"
    read -r -a options <<<"-s 262144 $more"
    enter "$space" tcpdump -i "$interface" "${options[@]}" -n -U --immediate-mode -Z root -w "$2" >"$log" 2>&1 &
    captures+=($!)
    started+=($!)
    wait_until 5 grep -q 'listening on' "$log" || fail "tcpdump: $(cat "$log")"
    sleep 0.2
}

capture_stop() {
    local n
    sleep 0.5
    for n in "${!captures[@]}"; do
        kill -INT "${captures[n]}"
        wait_until 5 grep -q 'received by filter' "$work/tcpdump.$n" || fail "tcpdump does not end"
        wait "${captures[n]}" || true
    done
}
