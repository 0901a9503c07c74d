# shellcheck shell=bash disable=SC2154
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
