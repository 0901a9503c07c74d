# shellcheck shell=bash disable=SC2016,SC2154
# What the client does: words for the steps of a row.

# udp ADDRESS [COUNT [NAME]]
udp() {
    local n
    for ((n = 0; n < ${2:-3}; n++)); do
        inside client dig "@$1" "${3:-example.test}" MX +notcp +ignore +time=1 +tries=1 >/dev/null 2>&1 || true
        sleep 0.1
    done
}

# tcp ADDRESS [ROUNDS [NAME]]: each round is an attempt by each of $tcp_clients. They fail as a rule.
tcp_clients=${LAB_CLIENTS:-dig kdig nslookup glibc}

tcp() {
    local n program
    for ((n = 0; n < ${2:-1}; n++)); do
        for program in $tcp_clients; do
            "${program}_tcp" "$1" 1 "${3:-example.test}"
        done
    done
}

# dig_tcp ADDRESS [COUNT [NAME]]
dig_tcp() {
    local n
    for ((n = 0; n < ${2:-1}; n++)); do
        inside client dig "@$1" "${3:-example.test}" MX +tcp +time=3 +tries=1 >/dev/null 2>&1 || true
        sleep 0.1
    done
}

# kdig_tcp, nslookup_tcp ADDRESS COUNT NAME, where COUNT is one
kdig_tcp() {
    inside client kdig "@$1" "$3" MX +tcp +time=3 +retry=0 >/dev/null 2>&1 || true
    sleep 0.1
}

nslookup_tcp() {
    inside client nslookup -vc -query=mx -timeout=3 -retry=0 "$3" "$1" >/dev/null 2>&1 || true
    sleep 0.1
}

# drill_tcp, host_tcp: the same
drill_tcp() {
    inside client timeout 4 drill -t "@$1" "$3" MX >/dev/null 2>&1 || true
    sleep 0.1
}

host_tcp() {
    inside client host -T -W 3 -R 1 -t MX "$3" "$1" >/dev/null 2>&1 || true
    sleep 0.1
}

# by PROGRAM ADDRESS [COUNT [NAME]]: attempts by this program alone
by() {
    local n
    for ((n = 0; n < ${3:-3}; n++)); do "$1_tcp" "$2" 1 "${4:-example.test}"; done
}

# glibc_tcp ADDRESS: the C library with "options use-vc", what a mail server's getaddrinfo() does
glibc_tcp() {
    printf 'nameserver %s\noptions use-vc timeout:3 attempts:1\n' "$1" >"$work/resolv.conf"
    with_resolv_conf ahostsv4 mail1.example.test
}

with_resolv_conf() { # GETENT-ARGUMENT...
    # "ip netns exec" has given us a mount namespace of our own, so this hides the file from nobody else.
    inside client sh -c 'mount --bind "$1" /etc/resolv.conf && shift && exec timeout 8 getent "$@"' \
        sh "$work/resolv.conf" "$@" >/dev/null 2>&1 || true
    sleep 0.1
}

# lookup ADDRESS...: the C library, which tries these servers one after another; the answer needs TCP
lookup() {
    printf 'nameserver %s\n' "$@" >"$work/resolv.conf"
    echo 'options timeout:3 attempts:1' >>"$work/resolv.conf"
    with_resolv_conf ahostsv4 big.example.test
}

# both ADDRESS [NAME]: UDP, and TCP by itself when the answer is truncated
both() {
    inside client dig "@$1" "${2:-big.example.test}" MX +time=3 +tries=1 >/dev/null 2>&1 || true
    sleep 0.1
}

# half_open ADDRESS PORT: a scanner's lone SYN
half_open() {
    inside client "$tools/inject" syn "$client" "$1" "$2"
    sleep 0.3
}

# connect_only ADDRESS: a health check: connects, says nothing, closes
connect_only() {
    inside client timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/53"; exec 3>&-' connect "$1" 2>/dev/null || true
    sleep 0.2
}
