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

# late_tcp ADDRESS: connects, and asks only a moment later
late_tcp() {
    inside client timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/53"; sleep 0.3
        printf "\0\36\53\53\1\0\0\1\0\0\0\0\0\0\7example\4test\0\0\17\0\1" >&3
        timeout 3 head -c 2 <&3 >&2' late "$1" 2>/dev/null || true
    sleep 0.1
}

# split_tcp ADDRESS: sends the query's length, and a moment later the query
split_tcp() {
    inside client timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/53"; printf "\0\36" >&3; sleep 0.03
        printf "\53\53\1\0\0\1\0\0\0\0\0\0\7example\4test\0\0\17\0\1" >&3
        timeout 3 head -c 2 <&3 >&2' split "$1" 2>/dev/null || true
    sleep 0.1
}

# resolver_tcp ADDRESS: through a resolver on the client; a row with it has "serve client forwarder ADDRESS"
resolver_tcp() {
    inside client dig @127.0.0.1 "$3" MX +time=3 +tries=1 >/dev/null 2>&1 || true
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

# mail ADDRESS DOMAIN found|deferred [RESOLVER-OPTION]: Postfix with that name server has three messages for DOMAIN;
# the case fails unless its log says what is expected.
mail() {
    local address=$1 domain=$2 expected=$3 n dir=$work/postfix log
    log=$dir/log
    local not_found="Host or domain name not found. Name service error for name=$domain type=MX: Host not found, try again"
    local -A wanted=(
        [found]='connect to mail[1-5]\.example\.test\[' # where nobody listens
        [deferred]="status=deferred ($not_found)"
    )
    mkdir -p "$dir/data" "$dir"/queue/{active,bounce,corrupt,defer,deferred,flush,hold} \
        "$dir"/queue/{incoming,maildrop,pid,private,public,saved,trace}
    chmod 711 "$work" "$dir" # Postfix gives up being root
    chown postfix "$dir/data" "$dir"/queue/[!p]* "$dir/queue/private" "$dir/queue/public"
    chgrp postdrop "$dir/queue/maildrop" "$dir/queue/public"
    chmod 730 "$dir/queue/maildrop"
    config_postfix >"$dir/main.cf"
    services_postfix >"$dir/master.cf"
    printf 'nameserver %s\noptions timeout:3 attempts:1 %s\n' "$address" "${4:-}" >"$work/resolv.conf"
    start client sh -c 'mount --bind "$1" /etc/resolv.conf && exec "$(postconf -c "$2" -h daemon_directory)/master" -c "$2"' \
        sh "$work/resolv.conf" "$dir"
    wait_until 20 grep -q 'daemon started' "$log" || fail "Postfix did not start: $(cat "$log")"
    for n in 1 2 3; do
        printf 'Subject: %s\n\n' "$n" | inside client sendmail -C "$dir" -f '<>' "user$n@$domain"
    done
    wait_until 30 postfix_said 3 "${wanted[$expected]}" ||
        fail "Postfix did not log '$expected': $(grep -v connect "$log")"
    echo "Postfix: $(grep -m 1 -o "${wanted[$expected]}.*" "$log")"
    kill "${started[-1]}" # the master, and with it all
    wait_until 10 nobody_in client "$dir" || fail "Postfix does not end"
}

postfix_said() { # COUNT TEXT
    [ "$(grep -c -- "$2" "$work/postfix/log")" -ge "$1" ]
}

nobody_in() { # NAMESPACE TEXT: no process there with this in its command line or environment
    local pid
    for pid in $(ip netns pids "$prefix-$1"); do
        ! grep -qsF -- "$2" "/proc/$pid/cmdline" "/proc/$pid/environ" || return 1
    done
}

config_postfix() {
    cat <<-CONFIG
	compatibility_level = 3.6
	queue_directory = $dir/queue
	data_directory = $dir/data
	maillog_file = $log
	maillog_file_prefixes = $dir
	myhostname = client.example.test
	mydestination =
	inet_interfaces = loopback-only
	inet_protocols = ipv4
	alias_maps =
	local_recipient_maps =
	smtp_host_lookup = dns
	smtp_connect_timeout = 1s
	smtp_mx_address_limit = 1
	smtp_destination_concurrency_failed_cohort_limit = 0
	CONFIG
}

services_postfix() {
    cat <<-SERVICES
	pickup unix n - n 60 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	verify unix - - n - 1 verify
	flush unix n - n 1000? 0 flush
	tlsmgr unix - - n 1000? 1 tlsmgr
	proxymap unix - - n - - proxymap
	smtp unix - - n - - smtp
	retry unix - - n - - error
	scache unix - - n - 1 scache
	postlog unix-dgram n - n - 1 postlogd
	SERVICES
}
