"""IP's own ways to say the same: fragments, options, extension headers, wrong checksums, super-segments."""
import dataclasses
import struct

from packets import (IPV4, IPV6, PROTOCOL_TCP, PROTOCOL_UDP, checksum, fragment_offset, ip_length, ipv4, is_icmp_error,
                     link_header, pseudo_header, take_all_apart, take_apart, transport_of,
                     with_ip_checksum)

MICROSECOND = 1000


def repacked(frame, change):
    """the frame with change(packet) for its IP packet, the link header as it was"""
    kind, at, *_ = link_header(frame)
    if kind not in (IPV4, IPV6):
        return frame
    whole = frame.whole()
    packet = whole[at:at + ip_length(whole[at:])]
    return frame.with_bytes(frame.link, whole[:at] + change(packet))


def fragments_of(packet, piece, number):
    """RFC 791, RFC 8200 4.5"""
    if packet[0] >> 4 == 4:
        header, payload = (packet[0] & 15) * 4, packet[(packet[0] & 15) * 4:]
        return [ipv4(packet[12:16], packet[16:20], packet[9], payload[at:at + piece], packet[8], number, at,
                     at + piece < len(payload), packet[20:header], packet[1])
                for at in range(0, len(payload), piece)]
    payload = packet[40:]
    pieces = []
    for at in range(0, len(payload), piece):
        more = at + piece < len(payload)
        body = struct.pack('>BxHI', packet[6], at | more, number) + payload[at:at + piece]
        pieces.append(packet[:4] + struct.pack('>HB', len(body), 44) + packet[7:40] + body)
    return pieces


def is_cut_up(packet, piece):
    """a UDP answer or an ICMP error, longer than a piece"""
    protocol, at, _ = transport_of(packet)
    if fragment_offset(packet) or len(packet) - at <= piece:
        return False
    if protocol == PROTOCOL_UDP:
        return struct.unpack_from('>H', packet, at)[0] == 53
    return is_icmp_error(protocol, packet[at])


def fragmented(piece, order=lambda pieces: pieces):
    """every UDP answer and ICMP error in pieces of so many bytes (a multiple of 8), all at the time of the whole"""
    def kind(frames):
        out = []
        for number, frame in enumerate(frames, 1):
            kind, at, *_ = link_header(frame)
            whole = frame.whole()
            packet = whole[at:]
            if kind not in (IPV4, IPV6) or not is_cut_up(packet[:ip_length(packet)], piece) or frame.cut:
                out.append(frame)
                continue
            pieces = fragments_of(packet[:ip_length(packet)], piece, number)
            out += [dataclasses.replace(frame, data=whole[:at] + one) for one in order(pieces)]
        return out
    return kind


def ip_options(frames):
    """RFC 791: three times "no operation" and the end of the list"""
    def change(packet):
        if packet[0] != 0x45:
            return packet
        length, = struct.unpack_from('>H', packet, 2)
        return with_ip_checksum(b'\x46' + packet[1:2] + struct.pack('>H', length + 4 if length else 0) + packet[4:20] +
                                b'\x01\x01\x01\0' + packet[20:])
    return [repacked(frame, change) for frame in frames]


def extension_headers(frames):
    """RFC 8200: hop-by-hop and destination options, each of padding alone"""
    def change(packet):
        if packet[0] >> 4 != 6:
            return packet
        length, = struct.unpack_from('>H', packet, 4)
        padding = b'\x01\x04\0\0\0\0'
        headers = bytes([60, 0]) + padding + bytes([packet[6], 0]) + padding
        return (packet[:4] + struct.pack('>HB', length + 16 if length else 0, 0) + packet[7:40] + headers + packet[40:])
    return [repacked(frame, change) for frame in frames]


CHECKSUM_AT = {PROTOCOL_TCP: 16, PROTOCOL_UDP: 6}


def bad_checksums(frames):
    """as where the card computes them: what the capturing host sends has none that is right"""
    def spoil(packet):
        protocol, at, _ = transport_of(packet)
        packet = bytearray(packet)
        if protocol in CHECKSUM_AT and not fragment_offset(packet):
            packet[at + CHECKSUM_AT[protocol]] ^= 0x5a
        if packet[0] >> 4 == 4:
            packet[10] ^= 0xa5
        return bytes(packet)
    return [repacked(frame, spoil) if parts.outgoing else frame
            for frame, parts in zip(frames, take_all_apart(frames))]


def without_length(frames):
    """every TCP packet that carries data says a total length of 0, as super-segments longer than 64 KiB do"""
    def change(packet):
        protocol, at, _ = transport_of(packet)
        if protocol != PROTOCOL_TCP or len(packet) <= at + (packet[at + 12] >> 4) * 4:
            return packet
        where = 2 if packet[0] >> 4 == 4 else 4
        return with_ip_checksum(packet[:where] + b'\0\0' + packet[where + 2:])
    return [repacked(frame, change) for frame in frames]


def flow_of(packet, at):
    """what the segments that are merged have in common: addresses, ports, TTL"""
    fixed = packet[8:9] + packet[12:20] if packet[0] >> 4 == 4 else packet[7:40]
    return fixed + packet[at:at + 4]


def segment_of(frame):
    """(flow, sequence number, payload, packet, offset of the TCP header) of a segment with data, else None"""
    parts, _ = take_apart(frame)
    if not parts.is_ip or frame.cut:
        return None
    protocol, at, _ = transport_of(parts.packet)
    if protocol != PROTOCOL_TCP or parts.packet[at + 13] & 0x07:  # FIN, SYN, RST
        return None
    payload = parts.packet[at + (parts.packet[at + 12] >> 4) * 4:]
    return (flow_of(parts.packet, at), struct.unpack_from('>I', parts.packet, at + 4)[0], payload, parts.packet, at)


def merged(packet, at, payload):
    """the packet with that much more behind it"""
    whole = bytearray(packet + payload)
    where, length = (2, len(whole)) if packet[0] >> 4 == 4 else (4, len(whole) - 40)
    whole[where:where + 2] = struct.pack('>H', length if length < 65536 else 0)
    whole[at + 16:at + 18] = b'\0\0'
    check = checksum(pseudo_header(whole, PROTOCOL_TCP, len(whole) - at) + bytes(whole[at:]))
    whole[at + 16:at + 18] = struct.pack('>H', check)
    return with_ip_checksum(bytes(whole))


def received_together(frames):
    """
    Generic receive offload: a segment that continues the last one of its flow and direction joins it, unless they are
    more than 2 ms apart. What the other side acknowledges in between comes after the first frame then, as in reality.
    """
    out, open_segments = [], {}
    for frame in frames:
        segment = segment_of(frame)
        if segment and segment[2]:
            flow, sequence, payload, *_ = segment
            place, due = open_segments.get(flow, (None, None))
            if place is not None and due == sequence and frame.time - out[place].time < 2000 * MICROSECOND:
                _, first, old, packet, at = segment_of(out[place])
                out[place] = repacked(out[place], lambda _: merged(packet, at, payload))
                open_segments[flow] = place, (sequence + len(payload)) & 0xffffffff
                continue
            open_segments[flow] = len(out), (sequence + len(payload)) & 0xffffffff
        out.append(frame)
    return out


KINDS = {
    'fragments': fragmented(48), 'fragments-small': fragmented(16),
    'fragments-reversed': fragmented(48, lambda pieces: pieces[::-1]),
    'fragments-twice': fragmented(48, lambda pieces: [one for piece in pieces for one in (piece, piece)]),
    'ip-options': ip_options, 'extension-headers': extension_headers, 'bad-checksums': bad_checksums,
    'without-length': without_length, 'gro': received_together,
}
