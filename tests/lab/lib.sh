# shellcheck shell=bash disable=SC2016  # what is in single quotes is for another shell or for a server
# The lab: network namespaces, routers, real DNS servers, firewalls, clients, one capture.
# Sourced by make-samples. Every function is a word that cases.tsv may use.
#
#   client --- r1 ---(cable)--- r2 --- s1          192.0.2.10     2001:db8:0:1::10
#                                |                 198.51.100.N   2001:db8:0:3::N    at the client: TTL 62
#                                r3 --- s2         203.0.113.N    2001:db8:0:5::N    at the client: TTL 61
#
# N is the number of the case. Replies written by r1 arrive with TTL 64, by r2 with 63.

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
client=192.0.2.10

name_servers() { # NUMBER of the case
    server1=198.51.100.$1
    server2=203.0.113.$1
    v6server1=2001:db8:0:3::$1
    v6server2=2001:db8:0:5::$1
    onlink=192.0.2.$1
}

# ---------------------------------------------------------------- start and end

build_tools() { # once, before any lab_open
    local tool
    tools=$(mktemp -d "${TMPDIR:-/tmp}/tcp53-tools.XXXXXX")
    for tool in wire inject; do cc -O2 -Wall -Wextra -o "$tools/$tool" "$lab_dir/$tool.c"; done
}

lab_open() { # NUMBER of the case, MILLISECONDS of the cable between r1 and r2 (one way)
    work=$(mktemp -d "${TMPDIR:-/tmp}/tcp53-lab.XXXXXX")
    prefix=tcp53-$BASHPID
    started=()   # the processes to end
    captures=()  # the tcpdumps among them
    spaces=()    # the namespaces to remove
    links=0
    trap lab_close EXIT
    trap 'exit 130' INT TERM HUP
    name_servers "$1"
    write_zone
    build_network "$2"
}

lab_close() {
    trap - EXIT
    trap '' INT TERM HUP
    local pid space tries
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do
        for ((tries = 0; tries < 20; tries++)); do
            kill -0 "$pid" 2>/dev/null || continue 2
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    done
    for space in "${spaces[@]}"; do
        for pid in $(ip netns pids "$space" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
        ip netns del "$space" 2>/dev/null || true
    done
    rm -rf "$work"
}

fail() {
    echo "lab: $*" >&2
    exit 1
}

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

# ---------------------------------------------------------------- network

build_network() { # MILLISECONDS
    local space
    for space in client r1 r2 r3 s1 s2; do add_space "$space"; done
    link client eth0 $client/24 2001:db8:0:1::10/64 r1 eth0 192.0.2.1/24 2001:db8:0:1::1/64
    if [ "$1" = 0 ]; then
        link r1 eth1 198.18.0.1/30 2001:db8:0:2::1/64 r2 eth0 198.18.0.2/30 2001:db8:0:2::2/64
    else
        add_space wire
        link r1 eth1 198.18.0.1/30 2001:db8:0:2::1/64 wire west "" ""
        link wire east "" "" r2 eth0 198.18.0.2/30 2001:db8:0:2::2/64
        start wire "$tools/wire" west east "$1"
    fi
    link r2 eth1 198.51.100.254/24 2001:db8:0:3::fe/64 s1 eth0 "$server1/24" "$v6server1/64"
    link r2 eth2 198.18.0.5/30 2001:db8:0:4::1/64 r3 eth0 198.18.0.6/30 2001:db8:0:4::2/64
    link r3 eth1 203.0.113.254/24 2001:db8:0:5::fe/64 s2 eth0 "$server2/24" "$v6server2/64"

    route client default 192.0.2.1 2001:db8:0:1::1
    route r1 default 198.18.0.2 2001:db8:0:2::2
    route s1 default 198.51.100.254 2001:db8:0:3::fe
    route s2 default 203.0.113.254 2001:db8:0:5::fe
    route r3 default 198.18.0.5 2001:db8:0:4::1
    inside r2 ip route add 192.0.2.0/24 via 198.18.0.1
    inside r2 ip -6 route add 2001:db8:0:1::/64 via 2001:db8:0:2::1
    inside r2 ip route add 203.0.113.0/24 via 198.18.0.6
    inside r2 ip -6 route add 2001:db8:0:5::/64 via 2001:db8:0:4::2
    for space in r1 r2 r3; do
        setting "$space" net/ipv4/ip_forward 1
        setting "$space" net/ipv6/conf/all/forwarding 1
    done
}

add_space() { # NAME
    ip netns add "$prefix-$1"
    spaces+=("$prefix-$1")
    setting "$1" net/ipv6/conf/default/accept_dad 0
    setting "$1" net/ipv6/conf/default/accept_ra 0
    setting "$1" net/ipv6/conf/default/router_solicitations 0
    inside "$1" ip link set lo up
}

setting() { # NAMESPACE PATH VALUE, below /proc/sys
    inside "$1" sh -c 'echo "$2" >"/proc/sys/$1"' sh "$2" "$3"
}

link() { # NAMESPACE IFACE IPV4 IPV6 NAMESPACE IFACE IPV4 IPV6
    ip -n "$prefix-$1" link add "$2" type veth peer name "$6" netns "$prefix-$5"
    end_of_link "$1" "$2" "$3" "$4"
    end_of_link "$5" "$6" "$7" "$8"
}

end_of_link() { # NAMESPACE IFACE IPV4 IPV6
    links=$((links + 1))
    ip -n "$prefix-$1" link set dev "$2" address "$(printf '02:00:00:00:53:%02x' "$links")"
    # Without this a capture shows segments bigger than a packet, and unfinished checksums.
    inside "$1" ethtool -K "$2" tso off gso off gro off tx off rx off >/dev/null 2>&1
    ip -n "$prefix-$1" link set dev "$2" up
    [ -z "$3" ] || ip -n "$prefix-$1" addr add "$3" dev "$2"
    [ -z "$4" ] || ip -n "$prefix-$1" addr add "$4" dev "$2" nodad
}

route() { # NAMESPACE DESTINATION IPV4 IPV6
    ip -n "$prefix-$1" route add "$2" via "$3"
    ip -n "$prefix-$1" -6 route add "$2" via "$4"
}

# trunk VLAN: the client's link to r1 goes through two switches, sw1 and sw2, and is tagged between them
trunk() {
    local space
    ip -n "$prefix-client" link del eth0
    for space in sw1 sw2; do
        add_space "$space"
        setting "$space" net/ipv6/conf/default/disable_ipv6 1
    done
    link client eth0 $client/24 2001:db8:0:1::10/64 sw1 port "" ""
    link sw1 trunk "" "" sw2 trunk "" ""
    link sw2 port "" "" r1 eth0 192.0.2.1/24 2001:db8:0:1::1/64
    route client default 192.0.2.1 2001:db8:0:1::1
    for space in sw1 sw2; do start "$space" "$tools/wire" port trunk 0 "$1"; done
}

also_at() { # NAMESPACE ADDRESS/LENGTH: one more address of its first interface
    inside "$1" ip addr add "$2" dev eth0
}

# ---------------------------------------------------------------- firewalls and other boxes

filter() { # NAMESPACE input|forward|output NFTABLES-RULE
    local space=$1 hook=$2
    shift 2
    inside "$space" nft "add table inet lab; add chain inet lab $hook { type filter hook $hook priority 0; }; add rule inet lab $hook $*"
}

redirect() { # NAMESPACE PORT: a transparent proxy takes DNS over TCP to its own PORT
    inside "$1" nft "add table ip lab; add chain ip lab pre { type nat hook prerouting priority -100; };
        add rule ip lab pre tcp dport 53 redirect to :$2"
}

forward_port() { # NAMESPACE ADDRESS NEW-ADDRESS: TCP alone goes to another host
    inside "$1" nft "add table ip lab; add chain ip lab pre { type nat hook prerouting priority -100; };
        add rule ip lab pre ip daddr $2 tcp dport 53 dnat to $3"
}

syn_proxy() { # NAMESPACE: shakes hands for the server, and only then with it
    setting "$1" net/netfilter/nf_conntrack_tcp_loose 0
    inside "$1" nft "add table ip lab
        add chain ip lab pre { type filter hook prerouting priority raw; }
        add rule ip lab pre tcp dport 53 tcp flags syn notrack
        add chain ip lab through { type filter hook forward priority 0; }
        add rule ip lab through tcp dport 53 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
        add rule ip lab through ct state invalid drop"
}

tables() { # NAMESPACE iptables|ip6tables ARGUMENT...
    inside "$@"
}

forger() { # NAMESPACE IFACE TTL
    start "$1" "$tools/inject" rst "$2" "$3"
    sleep 0.3
}

# ---------------------------------------------------------------- servers

write_zone() {
    local n
    {
        echo '$ORIGIN example.test.'
        echo '$TTL 3600'
        echo '@ SOA ns hostmaster 1 7200 900 1209600 300'
        echo '@ NS ns'
        echo "ns A $server1"
        echo "ns AAAA $v6server1"
        for n in 1 2 3 4 5; do
            echo "@ MX ${n}0 mail$n"
            echo "mail$n A 192.0.2.10$n"
        done
        for ((n = 1; n <= 80; n++)); do echo "big MX $n mx$n"; done
        for ((n = 1; n <= 80; n++)); do echo "big A 192.0.2.$n"; done
    } >"$work/example.test.zone"
}

# serve NAMESPACE KIND [OPTION...]: an OPTION is a line of that server's own configuration,
# a blank written as ~. Two servers of one kind may run in a namespace.
serve() {
    local space=$1 kind=$2 dir options option
    shift 2
    dir=$(mktemp -d "$work/$space.$kind.XXXXXX")
    options=
    for option; do options+="    ${option//\~/ }"$'\n'; done
    "config_$kind" >"$dir/server.conf"
    case $kind in
    bind)     start "$space" named -g -c "$dir/server.conf" ;;
    unbound)  start "$space" unbound -d -p -c "$dir/server.conf" ;;
    nsd)      start "$space" nsd -d -c "$dir/server.conf" ;;
    knot)     start "$space" knotd -c "$dir/server.conf" ;;
    pdns)     start "$space" pdns_server --config-dir="$dir" ;;
    recursor) start "$space" pdns_recursor --config-dir="$dir" ;;
    dnsmasq)  start "$space" dnsmasq -k -C "$dir/server.conf" ;;
    esac
    wait_until 10 listens "$space" || fail "$kind did not start: $(tail -n 5 "$work/log.$((${#started[@]} - 1))")"
    sleep 0.7 # some open UDP first and TCP a moment later
}

listens() { # NAMESPACE
    [ -n "$(inside "$1" ss -Hlutn 'sport = :53 or sport = :5353')" ]
}

config_bind() {
    cat <<-CONFIG
	options {
	    directory "$dir";
	    pid-file none;
	    session-keyfile "$dir/session.key";
	    managed-keys-directory "$dir";
	    listen-on { any; };
	    listen-on-v6 { any; };
	    recursion no;
	    dnssec-validation no;
	    minimal-responses yes;
	$options};
	controls { };
	zone "example.test" { type primary; file "$work/example.test.zone"; };
	CONFIG
}

config_unbound() {
    cat <<-CONFIG
	server:
	    interface: 0.0.0.0
	    interface: ::0
	    username: ""
	    chroot: ""
	    directory: "$dir"
	    pidfile: "$dir/pid"
	    use-syslog: no
	    do-daemonize: no
	    module-config: "iterator"
	    local-zone: "test." nodefault
	    access-control: 0.0.0.0/0 allow
	    access-control: ::/0 allow
	    minimal-responses: yes
	$options
	remote-control:
	    control-enable: no
	auth-zone:
	    name: "example.test"
	    zonefile: "$work/example.test.zone"
	    for-downstream: yes
	    for-upstream: no
	CONFIG
}

config_nsd() {
    cat <<-CONFIG
	server:
	    username: ""
	    chroot: ""
	    zonesdir: "$dir"
	    pidfile: "$dir/pid"
	    zonelistfile: "$dir/zone.list"
	    xfrdfile: "$dir/xfrd.state"
	    xfrdir: "$dir"
	    database: ""
	    server-count: 1
	    minimal-responses: yes
	$options
	remote-control:
	    control-enable: no
	zone:
	    name: "example.test"
	    zonefile: "$work/example.test.zone"
	CONFIG
}

config_knot() {
    cat <<-CONFIG
	server:
	    rundir: "$dir"
	    listen: [ 0.0.0.0@53, ::@53 ]
	    tcp-workers: 1
	$options
	database:
	    storage: "$dir"
	zone:
	  - domain: example.test
	    file: "$work/example.test.zone"
	CONFIG
}

config_recursor() { # pdns_recursor wants the name recursor.conf
    cat >"$dir/recursor.conf" <<-CONFIG
	auth-zones=example.test=$work/example.test.zone
	socket-dir=$dir
	daemon=no
	local-address=0.0.0.0, ::
	${options//    /}
	CONFIG
}

config_pdns() { # pdns_server wants the name pdns.conf
    echo "zone \"example.test\" { type native; file \"$work/example.test.zone\"; };" >"$dir/zones"
    cat >"$dir/pdns.conf" <<-CONFIG
	launch=bind
	bind-config=$dir/zones
	socket-dir=$dir
	daemon=no
	guardian=no
	local-address=0.0.0.0, ::
	${options//    /}
	CONFIG
}

config_dnsmasq() {
    local n
    echo "no-resolv"
    echo "no-hosts"
    echo "user=root"
    echo "pid-file=$dir/pid"
    for n in 1 2 3 4 5; do
        echo "mx-host=example.test,mail$n.example.test,${n}0"
        echo "host-record=mail$n.example.test,192.0.2.10$n"
    done
    printf '%s' "${options//    /}"
}

# hold NAMESPACE ADDRESS COUNT: keeps so many idle connections open, from another client's place
hold() {
    start "$1" bash -c 'for ((n = 0; n < $2; n++)); do exec {fd}<>"/dev/tcp/$1/53" || exit 1; done; exec sleep 120' hold "$2" "$3"
    wait_until 5 holds "$1" "$3" || fail "cannot hold $3 connections to $2"
    sleep 0.5
}

holds() { # NAMESPACE COUNT
    [ "$(inside "$1" ss -Htn state established 'dport = :53' | wc -l)" -ge "$2" ]
}

# ---------------------------------------------------------------- clients

# udp ADDRESS [COUNT [NAME]]
udp() {
    local n
    for ((n = 0; n < ${2:-3}; n++)); do
        inside client dig "@$1" "${3:-example.test}" MX +notcp +ignore +time=1 +tries=1 >/dev/null 2>&1 || true
        sleep 0.1
    done
}

# tcp ADDRESS [ROUNDS [NAME]]: each round is four attempts by four programs. They fail as a rule.
tcp() {
    local n
    for ((n = 0; n < ${2:-1}; n++)); do
        dig_tcp "$1" 1 "${3:-example.test}"
        inside client kdig "@$1" "${3:-example.test}" MX +tcp +time=3 +retry=0 >/dev/null 2>&1 || true
        sleep 0.1
        inside client nslookup -vc -query=mx -timeout=3 -retry=0 "${3:-example.test}" "$1" >/dev/null 2>&1 || true
        sleep 0.1
        glibc_tcp "$1"
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

pause() { # SECONDS
    sleep "$1"
}

# ---------------------------------------------------------------- capture

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

# One datagram to a closed port of each server, so that neighbours know each other before the capture.
warm_up() {
    local address
    for address in $server1 $server2 $v6server1 $v6server2; do
        inside client bash -c 'echo >"/dev/udp/$1/9"' warm "$address" 2>/dev/null || true
    done
    sleep 1.2 # ICMP errors are limited to one a second
}
