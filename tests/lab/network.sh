# shellcheck shell=bash disable=SC2016,SC2154
# The network:
#                                 15 ms
#   client --- r1 --- isp ------- r2 --- s1               N is the number of the case
#         1 ms    2 ms |
#                      +--------- r3 --- r4 --- s2
#                         20 ms
# At the client what s1 writes arrives with TTL 61, s2 60, r2 62, isp 63 and r1 64. With the delay 0 no cable takes any time.

# ms one way | near end: namespace interface IPv4 IPv6 | far end
cables='
1   client eth0  192.0.2.10/24      2001:db8:0:1::10/64   r1  eth0  192.0.2.1/24      2001:db8:0:1::1/64
2   r1     eth1  198.18.0.1/30      2001:db8:0:2::1/64    isp eth0  198.18.0.2/30     2001:db8:0:2::2/64
15  isp    eth1  198.18.0.5/30      2001:db8:0:4::1/64    r2  eth0  198.18.0.6/30     2001:db8:0:4::2/64
0   r2     eth1  198.51.100.254/24  2001:db8:0:3::fe/64   s1  eth0  198.51.100.N/24   2001:db8:0:3::N/64
20  isp    eth2  198.18.0.9/30      2001:db8:0:6::1/64    r3  eth0  198.18.0.10/30    2001:db8:0:6::2/64
0   r3     eth1  198.18.0.13/30     2001:db8:0:7::1/64    r4  eth0  198.18.0.14/30    2001:db8:0:7::2/64
0   r4     eth1  203.0.113.254/24   2001:db8:0:5::fe/64   s2  eth0  203.0.113.N/24    2001:db8:0:5::N/64
'

# namespace | destination | next hop IPv4, IPv6
routes='
client  default default                            192.0.2.1       2001:db8:0:1::1
r1      default default                            198.18.0.2      2001:db8:0:2::2
isp     192.0.2.0/24 2001:db8:0:1::/64             198.18.0.1      2001:db8:0:2::1
isp     198.51.100.0/24 2001:db8:0:3::/64          198.18.0.6      2001:db8:0:4::2
isp     203.0.113.0/24 2001:db8:0:5::/64           198.18.0.10     2001:db8:0:6::2
isp     198.18.0.12/30 2001:db8:0:7::/64           198.18.0.10     2001:db8:0:6::2
r2      default default                            198.18.0.5      2001:db8:0:4::1
s1      default default                            198.51.100.254  2001:db8:0:3::fe
r3      default default                            198.18.0.9      2001:db8:0:6::1
r3      203.0.113.0/24 2001:db8:0:5::/64           198.18.0.14     2001:db8:0:7::2
r4      default default                            198.18.0.13     2001:db8:0:7::1
s2      default default                            203.0.113.254   2001:db8:0:5::fe
'

build_network() { # NUMBER far|0
    local space ms near near_if near4 near6 far far_if far4 far6 wire=()
    for space in client r1 isp r2 r3 r4 s1 s2 wire; do add_space "$space"; done
    while read -r ms near near_if near4 near6 far far_if far4 far6; do
        far4=${far4/N/$1} far6=${far6/N/$1}
        if [ "$2" = 0 ] || [ "$ms" = 0 ]; then
            link "$near" "$near_if" "$near4" "$near6" "$far" "$far_if" "$far4" "$far6"
        else
            link "$near" "$near_if" "$near4" "$near6" wire "$far-west" - -
            link wire "$far-east" - - "$far" "$far_if" "$far4" "$far6"
            wire+=("$far-west" "$far-east" "$ms")
        fi
    done < <(grep . <<<"$cables")
    while read -r space near4 near6 far4 far6; do
        route "$space" "$near4" "$near6" "$far4" "$far6"
    done < <(grep . <<<"$routes")
    for space in r1 isp r2 r3 r4; do
        later_sh "$space" 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
    done
    do_it_all
    [ ${#wire[@]} = 0 ] || start_wire wire "${wire[@]}"
}

# Many small commands would take most of a lab's time. So the functions below only write down what is to be done,
# in files of $work: `links`, which makes namespaces and the links between them, and for each namespace NAME.sh, what
# a shell does, and NAME.ip, what `ip` does after that. do_it_all does it all.

later_sh() { echo "$2" >>"$work/network/$1.sh"; } # NAMESPACE COMMAND
later_ip() { echo "$2" >>"$work/network/$1.ip"; } # NAMESPACE IP-COMMAND

do_it_all() {
    local file space
    [ ! -e "$work/network/links" ] || ip -batch "$work/network/links"
    for file in "$work"/network/*.ip; do
        space=${file##*/}
        space=${space%.ip}
        inside "$space" sh -ec '[ ! -e "$1.sh" ] || . "$1.sh"; exec ip -batch "$1.ip"' sh "$work/network/$space"
    done
    rm "$work"/network/*
}

add_space() { # NAME
    echo "netns add $prefix-$1" >>"$work/network/links"
    spaces+=("$prefix-$1")
    later_ip "$1" 'link set lo up'
    later_sh "$1" 'for setting in accept_dad accept_ra router_solicitations; do
        for file in /proc/sys/net/ipv6/conf/*/$setting; do echo 0 >$file; done
    done'
}

setting() { # NAMESPACE PATH VALUE, below /proc/sys; at once
    inside "$1" sh -c 'echo "$2" >"/proc/sys/$1"' sh "$2" "$3"
}

link() { # NAMESPACE IFACE IPV4 IPV6 NAMESPACE IFACE IPV4 IPV6
    echo "link add $2 netns $prefix-$1 type veth peer name $6 netns $prefix-$5" >>"$work/network/links"
    end_of_link "$1" "$2" "$3" "$4"
    end_of_link "$5" "$6" "$7" "$8"
}

end_of_link() { # NAMESPACE IFACE IPV4 IPV6, or - and - for a switch's port
    local mac
    links=$((links + 1))
    printf -v mac '02:00:00:00:53:%02x' "$links"
    # Without this a capture shows segments bigger than a packet, and unfinished checksums.
    later_sh "$1" "ethtool -K $2 tso off gso off gro off tx off rx off >/dev/null 2>&1"
    [ "$3" != - ] || later_sh "$1" "echo 1 >/proc/sys/net/ipv6/conf/$2/disable_ipv6"
    later_ip "$1" "link set dev $2 address $mac up"
    [ "$3" = - ] || later_ip "$1" "addr add $3 dev $2"
    [ "$4" = - ] || later_ip "$1" "addr add $4 dev $2 nodad"
}

route() { # NAMESPACE DESTINATION-IPV4 DESTINATION-IPV6 NEXT-HOP-IPV4 NEXT-HOP-IPV6
    later_ip "$1" "route add $2 via $4"
    later_ip "$1" "route add $3 via $5"
}

start_wire() { # NAMESPACE WIRE-ARGUMENT...
    local space=$1
    shift
    start "$space" "$tools/wire" "$@"
    wait_until 5 grep -q carrying "$work/log.$((${#started[@]} - 1))" || fail "no wire in $space"
}

# trunk VLAN: the client's link to r1 goes through two switches, sw1 and sw2, and is tagged between them
trunk() {
    local space
    ip -n "$prefix-client" link del eth0
    ip -n "$prefix-r1" link del eth0 2>/dev/null || true # there still when a cable was between
    for space in sw1 sw2; do add_space "$space"; done
    link client eth0 192.0.2.10/24 2001:db8:0:1::10/64 sw1 port - -
    link sw1 trunk - - sw2 trunk - -
    link sw2 port - - r1 eth0 192.0.2.1/24 2001:db8:0:1::1/64
    route client default default 192.0.2.1 2001:db8:0:1::1
    do_it_all
    start_wire sw1 -v "$1" port trunk 1
    start_wire sw2 -v "$1" port trunk 0
}

# detour 1|2 PROTOCOL [CLIENT-PORTS]: these DNS packets of server 1 and their answers go over r3 (1), or r3 and r4 (2),
# and so pass so many routers more
detour() {
    case $1 in
    1) link r3 eth2 198.18.0.21/30 2001:db8:0:8::1/64 r2 eth2 198.18.0.22/30 2001:db8:0:8::2/64 ;;
    2)
        link r4 eth2 198.18.0.21/30 2001:db8:0:8::1/64 r2 eth2 198.18.0.22/30 2001:db8:0:8::2/64
        route r3 198.51.100.0/24 2001:db8:0:3::/64 198.18.0.14 2001:db8:0:7::2
        ;;
    esac
    route r$((2 + $1)) 198.51.100.0/24 2001:db8:0:3::/64 198.18.0.22 2001:db8:0:8::2
    do_it_all
    other_way isp "ipproto $2 dport 53 ${3:+sport $3}" 198.18.0.10 2001:db8:0:6::2
    other_way r2 "ipproto $2 sport 53 ${3:+dport $3}" 198.18.0.21 2001:db8:0:8::1
}

# anycast PROTOCOL ADDRESS [CLIENT-PORTS]: server 2 has ADDRESS of server 1, too, and is sent these DNS packets for it
anycast() {
    inside s2 ip addr add "$2" dev lo
    case $2 in
    *:*)
        inside r3 ip route add "$2" via 2001:db8:0:7::2
        inside r4 ip route add "$2" dev eth1 via "$server2"
        ;;
    *)
        inside r3 ip route add "$2" via 198.18.0.14
        inside r4 ip route add "$2" via "$server2"
        ;;
    esac
    other_way isp "ipproto $1 dport 53 ${3:+sport $3}" 198.18.0.10 2001:db8:0:6::2
}

other_way() { # NAMESPACE RULE NEXT-HOP-IPV4 NEXT-HOP-IPV6: a way of its own for what RULE says
    # shellcheck disable=SC2086  # words of a rule
    {
        inside "$1" ip rule add $2 lookup 53
        inside "$1" ip -6 rule add $2 lookup 53
    }
    inside "$1" ip route add default via "$3" table 53
    inside "$1" ip -6 route add default via "$4" table 53
}

# behind_bridge NAMESPACE: eth0 becomes a port of br0, so that "any" sees every packet at both
behind_bridge() {
    # IPv6 addresses go with the state of a link, so what there is is noted and set again.
    inside "$1" sh -c '
        v4=$(ip -4 -o addr show dev eth0 | awk "{ print \$4 }") v6=$(ip -6 -o addr show dev eth0 scope global | awk "{ print \$4 }")
        via4=$(ip -4 route show default | awk "{ print \$3 }") via6=$(ip -6 route show default | awk "{ print \$3 }")
        ip link add br0 type bridge
        ip link set br0 address "$(cat /sys/class/net/eth0/address)"
        ip addr flush dev eth0
        ip link set eth0 master br0
        ip link set br0 up
        echo 0 >/proc/sys/net/ipv6/conf/br0/accept_dad
        ip addr add "$v4" dev br0
        ip addr add "$v6" dev br0 nodad
        ip route replace default via "$via4"
        ip route replace default via "$via6"'
}

# speaks_as NAMESPACE IPV4: its first address, which it puts into ICMP errors, is this one; it answers at its old one
speaks_as() {
    inside "$1" sh -ec '
        old=$(ip -4 -o addr show dev eth0 | awk "{ print \$4 }") via=$(ip -4 route show default | awk "{ print \$3 }")
        echo 1 >/proc/sys/net/ipv4/icmp_errors_use_inbound_ifaddr
        ip addr flush dev eth0 scope global
        ip addr add "$1/24" dev eth0
        ip addr add "$old" dev eth0
        ip route replace default via "$via"' sh "$2"
}

also_at() { # NAMESPACE ADDRESS: one more address of its first interface
    case $2 in
    *:*) inside "$1" ip addr add "$2/64" dev eth0 nodad ;;
    *) inside "$1" ip addr add "$2/24" dev eth0 ;;
    esac
}

default_ttl() { # NAMESPACE TTL: what its packets start at
    setting "$1" net/ipv4/ip_default_ttl "$2"
    inside "$1" sh -c 'for file in /proc/sys/net/ipv6/conf/*/hop_limit; do echo "$1" >"$file"; done' sh "$2"
}

# One datagram to a closed port of each server, so that neighbours know each other before the capture.
warm_up() {
    local address
    for address in "$server1" "$server2"; do
        inside client bash -c 'echo >"/dev/udp/$1/9"' warm "$address" 2>/dev/null || true
    done
    sleep 1.2 # ICMP errors are limited to one a second
}
