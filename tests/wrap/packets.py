"""What is in a frame: the network packet, its ports and which way it goes. And IP headers to put around one."""
import dataclasses
import struct

import frames as f

IPV4, IPV6, VLAN_TAGS = 0x0800, 0x86dd, (0x8100, 0x88a8, 0x9100)
PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6 = 1, 6, 17, 58
EXTENSIONS = (0, 43, 44, 60)  # RFC 8200: hop-by-hop, routing, fragment, destination options
DNS_PORT = 53
INITIAL_TTLS = (64, 128, 255)
# locally administered, for frames that had none
CLIENT_MAC, SERVER_MAC = bytes.fromhex('020000005301'), bytes.fromhex('020000005302')


@dataclasses.dataclass
class Parts:
    """A frame taken apart: whole packets, with zeros where the capture was cut."""
    type: int               # ethertype
    packet: bytes
    target: bytes           # MAC addresses
    source: bytes
    to_server: bool
    outgoing: bool = False  # the capturing host sent it
    time: int = 0

    @property
    def is_ip(self):
        return self.type in (IPV4, IPV6)

    def ethernet(self):
        return self.target + self.source + struct.pack('>H', self.type) + self.packet


def ip_length(packet):
    """what the packet says of its length; all that there is where it says 0, as one does that is to be cut up yet"""
    if packet[0] >> 4 == 4:
        return struct.unpack_from('>H', packet, 2)[0] or len(packet)
    length, = struct.unpack_from('>H', packet, 4)
    return length + 40 if length else len(packet)


def transport_of(packet):
    """(protocol, offset of its header, offset of the IPv6 header's last pointer to it or of the IPv4 protocol)"""
    if packet[0] >> 4 == 4:
        return packet[9], (packet[0] & 15) * 4, 9
    protocol, at, pointer = packet[6], 40, 6
    while protocol in EXTENSIONS and at + 8 <= len(packet):
        step = 8 if protocol == 44 else (packet[at + 1] + 1) * 8
        protocol, pointer, at = packet[at], at, at + step
    return protocol, at, pointer


def fragment_offset(packet):
    if packet[0] >> 4 == 4:
        return (struct.unpack_from('>H', packet, 6)[0] & 0x1fff) * 8
    return struct.unpack_from('>H', packet, 42)[0] & 0xfff8 if packet[6] == 44 else 0


def is_icmp_error(protocol, kind):
    return protocol == PROTOCOL_ICMP and kind in (3, 11) or protocol == PROTOCOL_ICMPV6 and kind < 128


def goes_to_server(packet):
    """by the port of DNS; an ICMP error goes back to who asked"""
    if packet[0] >> 4 not in (4, 6) or len(packet) < 20 or fragment_offset(packet):
        return True
    protocol, at, _ = transport_of(packet)
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP) and len(packet) >= at + 4:
        return struct.unpack_from('>H', packet, at + 2)[0] == DNS_PORT
    return len(packet) <= at or not is_icmp_error(protocol, packet[at])


def link_header(frame):
    """(ethertype, bytes before the packet, MAC of the target, of the source, whether the host sent it or None)"""
    data = frame.whole()
    if frame.link == f.ETHERNET:
        at, kind = 14, int.from_bytes(data[12:14])
        while kind in VLAN_TAGS:
            kind, at = int.from_bytes(data[at + 2:at + 4]), at + 4
        return kind, at, data[:6], data[6:12], None
    if frame.link == f.SLL:
        return int.from_bytes(data[14:16]), 16, None, data[6:12], data[1] == 4
    if frame.link == f.SLL2:
        return int.from_bytes(data[:2]), 20, None, data[12:18], data[10] == 4
    at = {f.RAW: 0, f.NULL: 4, f.LOOP: 4}[frame.link]
    return {4: IPV4, 6: IPV6}[data[at] >> 4], at, None, None, None


def take_apart(frame):
    kind, at, target, source, outgoing = link_header(frame)
    packet = frame.whole()[at:]
    to_server = True
    if kind in (IPV4, IPV6):
        to_server = goes_to_server(packet)
        packet = packet[:ip_length(packet)]
    macs = (SERVER_MAC, CLIENT_MAC) if to_server else (CLIENT_MAC, SERVER_MAC)
    source = source if source and any(source) else macs[1]
    return Parts(kind, packet, target or macs[0], source, to_server, time=frame.time), outgoing


def ttl_of(packet):
    return packet[8] if packet[0] >> 4 == 4 else packet[7]


def take_all_apart(frames):
    """Parts of each; at the client's side if what goes to the server still has the TTL that hosts begin with"""
    taken = [take_apart(frame) for frame in frames]
    at_client = all(ttl_of(parts.packet) in INITIAL_TTLS for parts, _ in taken if parts.is_ip and parts.to_server)
    for frame, (parts, outgoing) in zip(frames, taken):
        outgoing = frame.sent if outgoing is None else outgoing
        parts.outgoing = (parts.to_server == at_client) if outgoing is None else outgoing
    return [parts for parts, _ in taken]


def checksum(data):
    """RFC 1071"""
    data = data + b'\0' if len(data) % 2 else data
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(source, target, protocol, payload, ttl, number=0, offset=0, more=False, options=b'', tos=0):
    """RFC 791; `offset` in bytes"""
    words = 5 + len(options) // 4
    header = struct.pack('>BBHHHBBH4s4s', 0x40 | words, tos, words * 4 + len(payload), number,
                         more << 13 | offset // 8, ttl, protocol, 0, source, target) + options
    return header[:10] + struct.pack('>H', checksum(header)) + header[12:] + payload


def ipv6(source, target, following, payload, hop_limit):
    """RFC 8200"""
    return struct.pack('>IHBB16s16s', 6 << 28, len(payload), following, hop_limit, source, target) + payload


def pseudo_header(packet, protocol, length):
    if packet[0] >> 4 == 4:
        return packet[12:20] + struct.pack('>BBH', 0, protocol, length)
    return packet[8:40] + struct.pack('>II', length, protocol)


def udp(source_port, target_port, payload):
    """RFC 768; without a checksum, as tunnels send it (RFC 7348, RFC 6935)"""
    return struct.pack('>HHHH', source_port, target_port, 8 + len(payload), 0) + payload


def with_ip_checksum(packet):
    if packet[0] >> 4 != 4:
        return packet
    header = packet[:10] + b'\0\0' + packet[12:(packet[0] & 15) * 4]
    return packet[:10] + struct.pack('>H', checksum(header)) + packet[12:]
