"""Link layers: the packet of each frame below another link header. Frames that it cannot carry (ARP) are left out."""
import struct

import frames as f
from packets import IPV4, IPV6, take_all_apart

SNAP = b'\xaa\xaa\x03\0\0\0'  # IEEE 802.2 with an ethertype to follow (RFC 1042)
PPP_PROTOCOL = {IPV4: 0x0021, IPV6: 0x0057}  # RFC 1332, RFC 5072
ACCESS_POINT = bytes.fromhex('02000000aa01')


def family(parts, af_inet6):
    return 2 if parts.type == IPV4 else af_inet6  # AF_INET is 2 everywhere


def sll(parts):
    """https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html"""
    return struct.pack('>HHH6s2xH', 4 if parts.outgoing else 0, 1, 6, parts.source, parts.type) + parts.packet


def sll2(parts):
    """https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html"""
    return struct.pack('>HHIHBB6s2x', parts.type, 0, 2, 1, 4 if parts.outgoing else 0, 6, parts.source) + parts.packet


def raw(parts):
    return parts.packet


def null(parts):
    """in the byte order of the capturing host; AF_INET6 is 30 with macOS, 28 with FreeBSD, 24 with OpenBSD"""
    return struct.pack('<I', family(parts, 30)) + parts.packet


def loop(parts):
    return struct.pack('>I', family(parts, 24)) + parts.packet


def ppp(parts):
    """RFC 1661, with the protocol field compressed to one byte in what the host sends"""
    protocol = PPP_PROTOCOL[parts.type]
    return (bytes([protocol]) if parts.outgoing else struct.pack('>H', protocol)) + parts.packet


def ppp_hdlc(parts):
    """RFC 1662"""
    return struct.pack('>BBH', 0xff, 3, PPP_PROTOCOL[parts.type]) + parts.packet


def ppp_pppd(parts):
    """LINKTYPE_PPP_PPPD: the address byte tells the direction"""
    return struct.pack('>BBH', parts.outgoing, 3, PPP_PROTOCOL[parts.type]) + parts.packet


def c_hdlc(parts):
    return struct.pack('>BBH', 0x0f, 0, parts.type) + parts.packet


def token_ring(parts):
    """IEEE 802.5: access control, frame control, addresses"""
    return b'\x10\x40' + parts.target + parts.source + SNAP + struct.pack('>H', parts.type) + parts.packet


def fddi(parts):
    return b'\x50' + parts.target + parts.source + SNAP + struct.pack('>H', parts.type) + parts.packet


def wifi(parts):
    """IEEE 802.11: a data frame to the access point, and one with QoS from there"""
    body = SNAP + struct.pack('>H', parts.type) + parts.packet
    if parts.outgoing:
        return b'\x08\x01\x2c\0' + ACCESS_POINT + parts.source + parts.target + b'\x10\0' + body
    return b'\x88\x02\x2c\0' + parts.target + ACCESS_POINT + parts.source + b'\x20\0' + b'\0\0' + body


def radiotap(parts):
    """https://www.radiotap.org: TSFT and flags; 802.11 as above with its FCS, which is not checked"""
    return struct.pack('<BBHIQB', 0, 0, 17, 0x3, 1, 0x10) + wifi(parts) + b'\xde\xad\xbe\xef'


def prism(parts):
    """LINKTYPE_IEEE802_11_PRISM: 144 bytes, ten items of (name, status, length, value)"""
    items = b''.join(struct.pack('<IHHI', number << 16 | 0x44, 0, 4, 0) for number in range(1, 11))
    return struct.pack('<II16s', 0x44, 144, b'wlan0') + items + wifi(parts)


def avs(parts):
    """LINKTYPE_IEEE802_11_AVS: version, length, two times, ten words"""
    return struct.pack('>IIQQ10I', 0x80211001, 64, 1, 1, 4, 6, 110, 0, 0, 0, 0, 0, 0, 0) + wifi(parts)


def ppi(parts):
    """Per-Packet Information, version 1.0.10: one field, 802.11-Common (type 2, 20 bytes)"""
    field = struct.pack('<HHQHHHHBBbb', 2, 20, 1, 0, 11, 2437, 0x480, 0, 0, -40, -90)
    return struct.pack('<BBHI', 0, 0, 8 + len(field), f.WIFI) + field + wifi(parts)


def nflog(parts):
    """LINKTYPE_NFLOG: lengths and types in host order; hardware protocol (1), prefix (10), payload (9)"""
    def value(kind, content):
        length = 4 + len(content)
        return struct.pack('<HH', length, kind) + content + bytes(-length % 4)
    header = struct.pack('>BBH', 2 if parts.type == IPV4 else 10, 0, 5)
    return (header + value(1, struct.pack('>HBx', parts.type, 3)) + value(10, b'mail\0') +
            struct.pack('<HH', 4 + len(parts.packet), 9) + parts.packet)


def pktap(parts):
    """macOS: 108 bytes in host order; type 1 a packet, then its own link type; flags 1 in, 2 out; who sent it"""
    whole = parts.ethernet()
    return struct.pack('<III24sIIIIi20sIHHi20s', 108, 1, f.ETHERNET, b'en0', 2 if parts.outgoing else 1,
                       family(parts, 30), 14, 0, 4711, b'smtpd', 0, 6, 0, 4711, b'smtpd') + whole


def pflog(parts):
    """OpenBSD's pf log, 61 bytes said and 64 taken: "pass" by rule 3 of em0, direction 1 in, 2 out"""
    return struct.pack('>BBBB16s16sIIIIIIB3x', 61, family(parts, 24), 0, 0, b'em0', b'', 3, 0xffffffff, 0xffffffff,
                       0, 0xffffffff, 0, 2 if parts.outgoing else 1) + parts.packet


def enc(parts):
    """OpenBSD's enc0: family in host order, SPI, flags"""
    return struct.pack('<I', family(parts, 24)) + struct.pack('>II', 0x1234, 0x2000) + parts.packet


def erf(parts):
    """Endace: time as 32.32, type 2 (Ethernet), varying length, record and wire length; two bytes of padding"""
    whole = parts.ethernet()
    stamp = (parts.time // f.SECOND << 32) | -(-(parts.time % f.SECOND << 32) // f.SECOND)
    return struct.pack('<QBB', stamp, 2, 4) + struct.pack('>HHHxx', 18 + len(whole), 0, len(whole)) + whole


# name: (link type, how, whether it carries only IP, how many bytes follow the packet)
LINKS = {
    'sll': (f.SLL, sll, False, 0), 'sll2': (f.SLL2, sll2, False, 0), 'raw': (f.RAW, raw, True, 0),
    'null': (f.NULL, null, True, 0), 'loop': (f.LOOP, loop, True, 0), 'ppp': (f.PPP, ppp, True, 0),
    'ppp-hdlc': (f.PPP_HDLC, ppp_hdlc, True, 0), 'ppp-pppd': (f.PPP_PPPD, ppp_pppd, True, 0),
    'c-hdlc': (f.C_HDLC, c_hdlc, False, 0), 'token-ring': (f.TOKEN_RING, token_ring, False, 0),
    'fddi': (f.FDDI, fddi, False, 0), '802.11': (f.WIFI, wifi, False, 0), 'radiotap': (f.RADIOTAP, radiotap, False, 4),
    'prism': (f.PRISM, prism, False, 0), 'avs': (f.AVS, avs, False, 0), 'ppi': (f.PPI, ppi, False, 0),
    'nflog': (f.NFLOG, nflog, True, 0), 'pktap': (f.PKTAP, pktap, False, 0), 'pflog': (f.PFLOG, pflog, True, 0),
    'enc': (f.ENC, enc, True, 0), 'erf-in-pcap': (f.ERF, erf, False, 0),
}


def on_link(name):
    link, how, only_ip, beyond = LINKS[name]

    def kind(frames):
        return [frame.with_bytes(link, how(parts), beyond) for frame, parts in zip(frames, take_all_apart(frames))
                if parts.is_ip or not only_ip]
    return kind


KINDS = {name: on_link(name) for name in LINKS}
