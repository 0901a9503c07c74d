"""A capture here: a list of frames. Plain pcap files are read and written (https://www.tcpdump.org/pcap.html)."""
import dataclasses
import struct

# https://www.tcpdump.org/linktypes.html
NULL, ETHERNET, TOKEN_RING, PPP, FDDI, PPP_HDLC = 0, 1, 6, 9, 10, 50
RAW, C_HDLC, WIFI, LOOP, ENC, SLL, PFLOG = 101, 104, 105, 108, 109, 113, 117
PRISM, RADIOTAP, AVS, PPP_PPPD, PPI, ERF, NFLOG, PKTAP, SLL2 = 119, 127, 163, 166, 192, 197, 239, 258, 276

SECOND = 1_000_000_000
SNAPLEN = 262144


@dataclasses.dataclass(frozen=True)
class Frame:
    time: int         # nanoseconds since 1970
    link: int         # LINKTYPE_
    data: bytes
    cut: int = 0      # how many bytes more the wire carried
    origin: int = 0   # its number in the plain file; 0: it was not there
    comment: str = ''
    sent: bool | None = None  # the capturing host sent it; None: its link header or its TTL tells

    def with_bytes(self, link, whole, beyond=0):
        """with another content: `whole` has zeros where the capture was cut, and then `beyond` more bytes"""
        cut = self.cut + beyond if self.cut else 0
        return dataclasses.replace(self, link=link, data=whole[:len(whole) - cut], cut=cut)

    def whole(self):
        return self.data + bytes(self.cut)

    def at(self, time):
        return dataclasses.replace(self, time=time)


MAGICS = {b'\xd4\xc3\xb2\xa1': ('<', 1000), b'\xa1\xb2\xc3\xd4': ('>', 1000),
          b'\x4d\x3c\xb2\xa1': ('<', 1), b'\xa1\xb2\x3c\x4d': ('>', 1)}


def read_pcap(path):
    with open(path, 'rb') as file:
        content = file.read()
    if content[:4] not in MAGICS:
        raise ValueError(f'{path}: not a plain pcap file')
    order, unit = MAGICS[content[:4]]
    link, = struct.unpack_from(order + 'I', content, 20)
    frames, at = [], 24
    while at < len(content):
        seconds, rest, captured, wire = struct.unpack_from(order + '4I', content, at)
        at += 16
        frames.append(Frame(seconds * SECOND + rest * unit, link & 0xffff, content[at:at + captured],
                            wire - captured, len(frames) + 1))
        at += captured
    return frames


def common_link(frames):
    links = {frame.link for frame in frames}
    if len(links) > 1:
        raise ValueError(f'one link type is all that this format can hold, not {sorted(links)}')
    return links.pop() if links else ETHERNET


def is_fine(frames):
    """whether microseconds are too coarse for these times"""
    return any(frame.time % 1000 for frame in frames)


def write_pcap(frames, order='<', nanoseconds=None):
    unit = 1 if (is_fine(frames) if nanoseconds is None else nanoseconds) else 1000
    magic = 0xa1b23c4d if unit == 1 else 0xa1b2c3d4
    out = [struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, SNAPLEN, common_link(frames))]
    for frame in frames:
        out.append(struct.pack(order + '4I', frame.time // SECOND, frame.time % SECOND // unit, len(frame.data),
                               len(frame.data) + frame.cut))
        out.append(frame.data)
    return b''.join(out)
