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
    [ ${#wire[@]} = 0 ] || start wire "$tools/wire" "${wire[@]}"
    while read -r space near4 near6 far4 far6; do
        route "$space" "$near4" "$near6" "$far4" "$far6"
    done < <(grep . <<<"$routes")
    for space in r1 isp r2 r3 r4; do
        inside "$space" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
    done
}

add_space() { # NAME
    ip netns add "$prefix-$1"
    spaces+=("$prefix-$1")
    inside "$1" sh -c 'ip link set lo up; cd /proc/sys/net/ipv6/conf/default
        for file in accept_dad accept_ra router_solicitations; do echo 0 >$file; done'
}

setting() { # NAMESPACE PATH VALUE, below /proc/sys
    inside "$1" sh -c 'echo "$2" >"/proc/sys/$1"' sh "$2" "$3"
}

link() { # NAMESPACE IFACE IPV4 IPV6 NAMESPACE IFACE IPV4 IPV6
    ip -n "$prefix-$1" link add "$2" type veth peer name "$6" netns "$prefix-$5"
    end_of_link "$1" "$2" "$3" "$4"
    end_of_link "$5" "$6" "$7" "$8"
}

end_of_link() { # NAMESPACE IFACE IPV4 IPV6, or - and - for a switch's port
    links=$((links + 1))
    # Without the first a capture shows segments bigger than a packet, and unfinished checksums.
    inside "$1" sh -ec 'ethtool -K "$1" tso off gso off gro off tx off rx off >/dev/null 2>&1
        [ "$3" != - ] || echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"
        ip link set dev "$1" address "$2" up
        [ "$3" = - ] || ip addr add "$3" dev "$1"
        [ "$4" = - ] || ip addr add "$4" dev "$1" nodad' \
        sh "$2" "$(printf '02:00:00:00:53:%02x' "$links")" "$3" "$4"
}

route() { # NAMESPACE DESTINATION-IPV4 DESTINATION-IPV6 NEXT-HOP-IPV4 NEXT-HOP-IPV6
    ip -n "$prefix-$1" route add "$2" via "$4"
    ip -n "$prefix-$1" -6 route add "$3" via "$5"
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
    start sw1 "$tools/wire" -v "$1" port trunk 1
    start sw2 "$tools/wire" -v "$1" port trunk 0
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
