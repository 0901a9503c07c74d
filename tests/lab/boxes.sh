# shellcheck shell=bash disable=SC2016,SC2154
# Firewalls and other boxes: words for the set-up of a row. All are for both address families.

filter() { # NAMESPACE input|forward|output NFTABLES-RULE
    local space=$1 hook=$2
    shift 2
    inside "$space" nft "add table inet lab
        add chain inet lab $hook { type filter hook $hook priority 0; }
        add rule inet lab $hook $*"
}

# tables NAMESPACE IPTABLES-ARGUMENT...: a rule for both families; what it rejects with goes by its IPv4 name
tables() {
    local space=$1 word six=()
    shift
    inside "$space" iptables "$@"
    for word; do
        case $word in
        icmp-port-unreachable) six+=(icmp6-port-unreachable) ;;
        icmp-host-unreachable) six+=(icmp6-addr-unreachable) ;;
        icmp-net-unreachable) six+=(icmp6-no-route) ;;
        icmp-admin-prohibited | icmp-host-prohibited | icmp-net-prohibited) six+=(icmp6-adm-prohibited) ;;
        *) six+=("$word") ;;
        esac
    done
    inside "$space" ip6tables "${six[@]}"
}

redirect() { # NAMESPACE PORT: a transparent proxy takes DNS over TCP to its own PORT
    inside "$1" nft "add table inet lab
        add chain inet lab pre { type nat hook prerouting priority -100; }
        add rule inet lab pre tcp dport 53 redirect to :$2"
}

# forward_port NAMESPACE ADDRESS NEW-ADDRESS: TCP alone goes to another host, whose packets come back by NAMESPACE
forward_port() {
    local family=ip
    case $2 in *:*) family=ip6 ;; esac
    inside "$1" nft "add table inet lab
        add chain inet lab pre { type nat hook prerouting priority -100; }
        add chain inet lab post { type nat hook postrouting priority 100; }
        add rule inet lab pre $family daddr $2 tcp dport 53 dnat $family to $3
        add rule inet lab post ct status dnat masquerade"
}

# syn_proxy NAMESPACE: shakes hands for the server, and only then with it.
# (nftables' own synproxy swallows IPv6: seen with Linux 6.18.)
syn_proxy() {
    local rule=(-p tcp --dport 53 -m state --state "INVALID,UNTRACKED" -j SYNPROXY --sack-perm --timestamp --wscale 7)
    setting "$1" net/netfilter/nf_conntrack_tcp_loose 0
    inside "$1" nft "add table ip lab
        add chain ip lab pre { type filter hook prerouting priority raw; }
        add rule ip lab pre tcp dport 53 tcp flags syn notrack
        add chain ip lab through { type filter hook forward priority 0; }
        add rule ip lab through tcp dport 53 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
        add rule ip lab through ct state invalid drop"
    inside "$1" ip6tables -t raw -A PREROUTING -p tcp --dport 53 --syn -j CT --notrack
    inside "$1" ip6tables -A FORWARD "${rule[@]}" --mss 1440
    inside "$1" ip6tables -A FORWARD -p tcp -m state --state INVALID -j DROP
}

forger() { # NAMESPACE IFACE TTL: a reset in the server's name for every SYN, which goes on
    # shellcheck disable=SC2086  # words of a command
    start "$1" $urgent "$tools/inject" rst "$2" "$3"
    sleep 0.3
}

# inject NAMESPACE IFACE [OPTION=VALUE...]: resets beside the packets, which go on. inject.c has the options.
inject() {
    # shellcheck disable=SC2086  # words of a command
    start "$1" $urgent "$tools/inject" rst "${@:2}"
    sleep 0.3
}

# proxy NAMESPACE MODE [OPTION=VALUE...]: takes DNS over TCP itself, and does with it what standin.c says
proxy() {
    redirect "$1" 5353
    start "$1" "$tools/standin" "${@:2}" port=5353
    wait_until 5 listens "$1" || fail "no stand-in on $1"
}

relay() { # NAMESPACE ADDRESS: takes DNS over TCP itself, and passes it on to ADDRESS
    redirect "$1" 5353
    start "$1" "$tools/relay" 5353 "$2"
    wait_until 5 listens "$1" || fail "no relay on $1"
}

# redirect_all NAMESPACE PORT: UDP, too
redirect_all() {
    redirect "$1" "$2"
    inside "$1" nft "add rule inet lab pre udp dport 53 redirect to :$2"
}

# masquerade NAMESPACE IFACE: a NAT: what leaves by IFACE gets an address and a port of its own
masquerade() {
    inside "$1" nft "add table inet lab
        add chain inet lab post { type nat hook postrouting priority 100; }
        add rule inet lab post oifname $2 meta l4proto { tcp, udp } masquerade to :20000-29999 random"
}

# balance NAMESPACE ADDRESS OTHER RULE...: of what goes to ADDRESS, that which RULE says goes to OTHER
balance() {
    local family=ip
    case $2 in *:*) family=ip6 ;; esac
    inside "$1" nft "add table inet lab
        add chain inet lab pre { type nat hook prerouting priority -100; }
        add rule inet lab pre $family daddr $2 ${*:4} dnat $family to $3"
}

# public_address NAMESPACE ADDRESS: ADDRESS is NAMESPACE's, which sends what comes for it to another address of server 1
public_address() {
    local inner=198.51.100.253
    case $2 in *:*) inner=2001:db8:0:3::fd ;; esac
    also_at s1 $inner
    balance "$1" "$2" $inner meta l4proto "{ tcp, udp }"
}

# tcp_route NAMESPACE prohibit|unreachable|blackhole: routing turns DNS over TCP down, no filter does
tcp_route() {
    inside "$1" ip rule add ipproto tcp dport 53 "$2"
    inside "$1" ip -6 rule add ipproto tcp dport 53 "$2"
}

# black_hole NAMESPACE IFACE: a short MTU there, and nobody is told
black_hole() {
    inside "$1" ip link set "$2" mtu 1280
    filter "$1" output icmp type destination-unreachable drop
    filter "$1" output icmpv6 type packet-too-big drop
}

# forgetful NAMESPACE [reject-with...]: a stateful filter that forgets a connection after a second of quiet
forgetful() {
    local space=$1
    shift
    setting "$space" net/netfilter/nf_conntrack_tcp_timeout_established 1
    setting "$space" net/netfilter/nf_conntrack_tcp_loose 0
    filter "$space" forward tcp dport 53 ct state invalid "$@"
    inside "$space" nft add rule inet lab forward ct state established,related,new accept
}

# rewrite NAMESPACE TTL MATCH...: the TTL of some of what NAMESPACE itself sends
rewrite() {
    inside "$1" nft "add table inet lab
        add chain inet lab own { type filter hook output priority 0; }
        add rule inet lab own ${*:3} ip ttl set $2
        add rule inet lab own ${*:3} ip6 hoplimit set $2"
}

# ---------------------------------------------------------------- clients that bring such boxes out

# witness NAMESPACE ADDRESS: a lookup over TCP from there, so that the server's capture shows TCP at all
witness() {
    inside "$1" dig "@$2" example.test MX +tcp +time=2 +tries=1 >/dev/null 2>&1 || true
}

# slow_query ADDRESS SECONDS: connects, asks only then, and waits three seconds
slow_query() {
    inside client timeout 20 bash -c 'exec 3<>"/dev/tcp/$1/53" || exit
        sleep "$2"
        printf "\0\x1e\x53\x53\1\0\0\1\0\0\0\0\0\0\7example\4test\0\0\x0f\0\1" >&3
        timeout 3 head -c 60 <&3' slow "$1" "$2" >/dev/null 2>&1 || true
    sleep 0.1
}

# dig_from PORT ADDRESS [COUNT]: again and again from one and the same port
dig_from() {
    local n
    for ((n = 0; n < ${3:-3}; n++)); do
        inside client dig -b "$client#$1" "@$2" example.test MX +tcp +time=3 +tries=1 >/dev/null 2>&1 || true
    done
}

# impatient ADDRESS [COUNT]: gives up after a second
impatient() {
    local n
    for ((n = 0; n < ${2:-3}; n++)); do
        inside client dig "@$1" example.test MX +tcp +time=1 +tries=1 >/dev/null 2>&1 || true
    done
}

touch_port() { # ADDRESS PORT: connects there, and closes
    inside client timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' touch "$1" "$2" 2>/dev/null || true
}
