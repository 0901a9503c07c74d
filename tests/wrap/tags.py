"""What stands between an Ethernet header and the packet: tags, labels, sessions. Other links become Ethernet first."""
import struct
import zlib

import frames as f
from links import PPP_PROTOCOL, SNAP
from packets import take_all_apart


def label(number, bottom, ttl=63):
    """RFC 3032"""
    return struct.pack('>I', number << 12 | bottom << 8 | ttl)


def type_and_rest(parts):
    return struct.pack('>H', parts.type) + parts.packet


def vlan(parts):
    """IEEE 802.1Q"""
    return struct.pack('>HH', 0x8100, 0x6035) + type_and_rest(parts)


def qinq(parts):
    """IEEE 802.1ad"""
    return struct.pack('>HH', 0x88a8, 100) + vlan(parts)


def vntag(parts):
    """IEEE 802.1BR's predecessor: direction, pointer, looped, version; destination and source interface"""
    return struct.pack('>HI', 0x8926, 0x00010002) + type_and_rest(parts)


def pbb(parts):
    """IEEE 802.1ah: B-TAG, I-TAG with the service's number, then the customer's frame"""
    return struct.pack('>HHHI', 0x88a8, 200, 0x88e7, 0x00001234) + parts.ethernet()


def mpls(parts):
    """RFC 3032: what follows the last label is not said"""
    return struct.pack('>H', 0x8847) + label(16001, 0) + label(24005, 1) + parts.packet


def mpls_pseudowire(parts):
    """RFC 4448, with a control word"""
    return struct.pack('>H', 0x8847) + label(16001, 0) + label(30007, 1) + bytes(4) + parts.ethernet()


def mpls_pseudowire_bare(parts):
    """RFC 4448, without one"""
    return struct.pack('>H', 0x8847) + label(30007, 1) + parts.ethernet()


def pppoe(parts):
    """RFC 2516: version and type 1, a session's data, its number, length"""
    return struct.pack('>HBBHHH', 0x8864, 0x11, 0, 0x53, 2 + len(parts.packet),
                       PPP_PROTOCOL[parts.type]) + parts.packet


def llc_snap(parts):
    """IEEE 802.3: a length where the ethertype was"""
    body = SNAP + type_and_rest(parts)
    return struct.pack('>H', len(body)) + body


# name: (how, whether it carries only IP)
TAGS = {'vlan': (vlan, False), 'qinq': (qinq, False), 'vntag': (vntag, False), 'pbb': (pbb, False),
        'mpls-ethernet': (mpls, True), 'mpls-pseudowire': (mpls_pseudowire, False),
        'mpls-pseudowire-bare': (mpls_pseudowire_bare, False), 'pppoe': (pppoe, True), 'llc-snap': (llc_snap, False)}


def tagged(name):
    how, only_ip = TAGS[name]

    def kind(frames):
        out = []
        for frame, parts in zip(frames, take_all_apart(frames)):
            if parts.is_ip or not only_ip:
                frame = frame.with_bytes(f.ETHERNET, parts.target + parts.source + how(parts))
            out.append(frame)
        return out
    return kind


def ethernet(frames):
    """any link as Ethernet"""
    return [frame.with_bytes(f.ETHERNET, parts.ethernet()) for frame, parts in zip(frames, take_all_apart(frames))]


def with_frame_check(frames, least=0):
    """Ethernet frames with the check sequence that some cards hand on (IEEE 802.3), after padding"""
    out = []
    for frame in ethernet(frames):
        whole = frame.whole().ljust(least, b'\0')
        beyond = len(whole) + 4 - len(frame.data) - frame.cut
        out.append(frame.with_bytes(f.ETHERNET, whole + struct.pack('<I', zlib.crc32(whole)), beyond))
    return out


KINDS = {name: tagged(name) for name in TAGS}
KINDS['ethernet'] = ethernet
KINDS['fcs'] = with_frame_check
KINDS['padded-fcs'] = lambda frames: with_frame_check(frames, 60)
