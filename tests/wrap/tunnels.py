"""Tunnels: each packet in another one, over IPv4 and over IPv6, whose TTL is none of the packet's business."""
import dataclasses
import struct

import frames as f
from links import PPP_PROTOCOL
from packets import IPV4, IPV6, checksum, ipv4, ipv6, take_all_apart, udp
from tags import label

OUTER_TTL = 57  # as if seven hops from one that begins with 64
ENDS_4 = bytes([10, 9, 0, 1]), bytes([10, 9, 0, 2])
ENDS_6 = bytes.fromhex('fd090000000000000000000000000001'), bytes.fromhex('fd090000000000000000000000000002')
PROTOCOL_IPIP, PROTOCOL_IPV6, PROTOCOL_GRE, PROTOCOL_ETHERIP, PROTOCOL_UDP = 4, 41, 47, 97, 17
GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE = 0x8000, 0x2000, 0x1000  # RFC 2784, RFC 2890
TRANSPARENT_ETHERNET = 0x6558  # RFC 1701's list; NVGRE (RFC 7637) and Geneve use it as well


def gre(kind, flags=0, fields=b''):
    return struct.pack('>HH', flags, kind) + fields


def in_ip(parts):
    """RFC 2003, RFC 4213, RFC 2473"""
    return PROTOCOL_IPIP if parts.type == IPV4 else PROTOCOL_IPV6, parts.packet


def in_gre(parts):
    """RFC 2784"""
    return PROTOCOL_GRE, gre(parts.type) + parts.packet


def in_gre_full(parts):
    """RFC 2890: checksum, key and sequence number"""
    flags = GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE
    tail = struct.pack('>II', 0x5353, 7) + parts.packet
    check = checksum(gre(parts.type, flags, bytes(4)) + tail)
    return PROTOCOL_GRE, gre(parts.type, flags, struct.pack('>HH', check, 0)) + tail


def in_gre_ethernet(parts):
    """as NVGRE (RFC 7637): the key is the network's number"""
    return PROTOCOL_GRE, gre(TRANSPARENT_ETHERNET, GRE_KEY, struct.pack('>I', 0x123400)) + parts.ethernet()


def in_gre_mpls(parts):
    """RFC 4023"""
    return PROTOCOL_GRE, gre(0x8847) + label(24005, 1) + parts.packet


def in_erspan1(parts):
    """draft-foschiano-erspan: type I has no header of its own and no sequence number"""
    return PROTOCOL_GRE, gre(0x88be) + parts.ethernet()


def in_erspan2(parts):
    """draft-foschiano-erspan, type II: version 1 and VLAN, session, index"""
    header = struct.pack('>HHI', 1 << 12 | 53, 0x1800 | 9, 0x15)
    return PROTOCOL_GRE, gre(0x88be, GRE_SEQUENCE, struct.pack('>I', 7)) + header + parts.ethernet()


def in_erspan3(parts):
    """draft-foschiano-erspan, type III: version 2, a timestamp, and with its last bit a subheader of 8 bytes"""
    header = struct.pack('>HHIHH', 2 << 12 | 53, 9, 0x01020304, 0, 0x0001) + struct.pack('>II', 1 << 26, 0)
    return PROTOCOL_GRE, gre(0x22eb, GRE_SEQUENCE, struct.pack('>I', 7)) + header + parts.ethernet()


def in_wccp(parts):
    """draft-wilson-wrec-wccp-v2: four bytes of redirect header"""
    return PROTOCOL_GRE, gre(0x883e) + bytes([0x80, 0, 0, 1]) + parts.packet


def in_pptp(parts):
    """RFC 2637: GRE version 1 with key (length and call), sequence and acknowledgement, then PPP"""
    inner = struct.pack('>BBH', 0xff, 3, PPP_PROTOCOL[parts.type]) + parts.packet
    return PROTOCOL_GRE, gre(0x880b, 0x3081, struct.pack('>HHII', len(inner), 77, 7, 6)) + inner


def in_etherip(parts):
    """RFC 3378: version 3"""
    return PROTOCOL_ETHERIP, b'\x30\0' + parts.ethernet()


def in_udp(port, content):
    """what comes from an ephemeral port, as a hash of the inner flow does"""
    return lambda parts: (PROTOCOL_UDP, udp(port if port in (1701, 2152, 3544) else 54321, port, content(parts)))


def vxlan(parts):
    """RFC 7348: the flag I, the network's number"""
    return struct.pack('>II', 0x08000000, 42 << 8) + parts.ethernet()


def vxlan_gpe(parts):
    """draft-ietf-nvo3-vxlan-gpe: the flags I and P, what follows: 1 IPv4, 2 IPv6"""
    return struct.pack('>BxxBI', 0x0c, 1 if parts.type == IPV4 else 2, 42 << 8) + parts.packet


def geneve(parts):
    """RFC 8926: options of two words, a network's number; one option of class 0x0102"""
    option = struct.pack('>HBBI', 0x0102, 0x80, 1, 0xdeadbeef)
    return struct.pack('>BBHI', len(option) // 4, 0, TRANSPARENT_ETHERNET, 42 << 8) + option + parts.ethernet()


def tzsp(parts):
    """TaZmen Sniffer: version 1, a received packet, Ethernet; a tag (raw RSSI), padding, the end tag"""
    return struct.pack('>BBH', 1, 0, 1) + bytes([10, 1, 200, 0, 1]) + parts.ethernet()


def gtpu(parts):
    """3GPP TS 29.281: version 1 with an extension header: a PDU session container (0x85) of one word"""
    body = struct.pack('>HBB', 0, 0, 0x85) + bytes([1, 0x10, 5, 0]) + parts.packet
    return struct.pack('>BBHI', 0x34, 0xff, len(body), 0x5353) + body


def teredo(parts):
    """RFC 4380: IPv6 alone, or after an origin indication"""
    origin = b'' if parts.to_server else b'\0\0' + bytes([0x2c, 0xaa]) + bytes([0xf5, 0xfe, 0xff, 0xfd])
    return origin + parts.packet


def l2tp(parts):
    """RFC 2661: data with a length; tunnel, session; PPP"""
    inner = struct.pack('>BBH', 0xff, 3, PPP_PROTOCOL[parts.type]) + parts.packet
    return struct.pack('>HHHH', 0x4002, 8 + len(inner), 9, 53) + inner


def mpls_in_udp(parts):
    """RFC 7510"""
    return label(16001, 0) + label(24005, 1) + parts.packet


# name: (how, whether it carries only IP)
TUNNELS = {
    'ipip': (in_ip, True), 'gre': (in_gre, True), 'gre-key-seq-csum': (in_gre_full, True),
    'gre-teb': (in_gre_ethernet, False), 'gre-mpls': (in_gre_mpls, True), 'erspan1': (in_erspan1, False),
    'erspan2': (in_erspan2, False), 'erspan3': (in_erspan3, False), 'wccp': (in_wccp, True), 'pptp': (in_pptp, True),
    'etherip': (in_etherip, False), 'vxlan': (in_udp(4789, vxlan), False), 'vxlan-8472': (in_udp(8472, vxlan), False),
    'vxlan-gpe': (in_udp(4790, vxlan_gpe), True), 'geneve': (in_udp(6081, geneve), False),
    'tzsp': (in_udp(37008, tzsp), False), 'gtpu': (in_udp(2152, gtpu), True), 'teredo': (in_udp(3544, teredo), True),
    'l2tp': (in_udp(1701, l2tp), True), 'mpls-in-udp': (in_udp(6635, mpls_in_udp), True),
}


def outer(version, number, to_server, protocol, payload):
    """number: an IPv4 packet's identification"""
    here, there = ENDS_4 if version == 4 else ENDS_6
    source, target = (here, there) if to_server else (there, here)
    if version == 4:
        return ipv4(source, target, protocol, payload, OUTER_TTL, number & 0xffff)
    return ipv6(source, target, protocol, payload, OUTER_TTL)


def tunnelled(name, version):
    how, only_ip = TUNNELS[name]

    def kind(frames):
        out = []
        for number, (frame, parts) in enumerate(zip(frames, take_all_apart(frames)), 1):
            if parts.is_ip or not only_ip:
                parts.packet = outer(version, number, parts.to_server, *how(parts))
                parts.type = IPV4 if version == 4 else IPV6
                frame = dataclasses.replace(frame.with_bytes(f.ETHERNET, parts.ethernet()), sent=parts.outgoing)
            out.append(frame)
        return out
    return kind


KINDS = {name: tunnelled(name, 4) for name in TUNNELS}
KINDS.update({name + '-over-6': tunnelled(name, 6) for name in TUNNELS if name not in ('teredo', 'wccp', 'pptp')})
