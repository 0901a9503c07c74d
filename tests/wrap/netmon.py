"""
Microsoft Network Monitor's files, format 2.0 to 2.3 ("GMBU") and 1.1 ("RTSS"). Little-endian throughout.
learn.microsoft.com: win32/netmon2/capturefile-header-values and frame-descriptor; the trailers, the tables of
comments and processes and the numbers of media types were compared with files of editcap and what tshark reads.
"""
import dataclasses
import functools
import struct
import time

import frames as f
import links
from packets import take_all_apart, transport_of

HEADER = 128              # 72 bytes of it have a meaning
MEDIA_ETHERNET, MEDIA_RAW, MEDIA_UNKNOWN, MEDIA_PAYLOAD_HEADER = 1, 9, 0x0bad, 0xfffc
MEDIA_LINKTYPE = 0xe000   # and a LINKTYPE_: converted from pcap
NO_PROCESS = 0xffffffff
FILETIME_OF_1970 = 116444736000000000  # 100 ns since 1601
PROGRAM = 'C:\\Program Files\\Mail\\smtpd.exe'


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a file is to have."""
    minor: int
    hole: bytes = b''           # before the first record
    reverse: bool = False       # the records stand in the file from the last to the first
    base_later: int = 0         # by so many seconds than the first frame, so that offsets are negative
    other_link: str = ''        # every second frame of this link type
    pseudo: bool = False        # a "payload header" record with a copy of the frame, after each frame
    unknown: bool = False       # a record of a media type that nobody knows, in the middle
    tables: bool = False        # of comments and of processes
    zone: int = 0               # index of the time zone
    absurd_utc: bool = False


@dataclasses.dataclass(frozen=True)
class Record:
    frame: f.Frame
    media: int
    process: int = NO_PROCESS


def system_time(nanoseconds):
    """SYSTEMTIME: year, month, day of the week from Sunday, day, hour, minute, second, millisecond; here UTC"""
    at = time.gmtime(nanoseconds // f.SECOND)
    return struct.pack('<8H', at.tm_year, at.tm_mon, (at.tm_wday + 1) % 7, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec,
                       nanoseconds // 1_000_000 % 1000)


def base_of(frames, shape):
    return frames[0].time // 1_000_000 * 1_000_000 + shape.base_later * f.SECOND


def trailer(record, shape):
    """none; media type; and process; and UTC with the zone's index"""
    if shape.minor == 0:
        return b''
    out = struct.pack('<H', record.media)
    if shape.minor >= 2:
        out += struct.pack('<I', record.process)
    if shape.minor >= 3:
        utc = 7 if shape.absurd_utc else record.frame.time // 100 + FILETIME_OF_1970
        out += struct.pack('<QB', utc, shape.zone)
    return out


def record_bytes(record, base, shape):
    data, cut = record.frame.data, record.frame.cut
    offset = (record.frame.time - base) // 1000 & 0xffffffffffffffff
    return struct.pack('<QII', offset, len(data) + cut, len(data)) + data + trailer(record, shape)


def media_of(link):
    return {f.ETHERNET: MEDIA_ETHERNET, f.RAW: MEDIA_RAW}.get(link, MEDIA_LINKTYPE + link)


def records_of(frames, shape):
    records = []
    for number, (frame, parts) in enumerate(zip(frames, take_all_apart(frames))):
        process = 0 if shape.tables and parts.is_ip and parts.outgoing else NO_PROCESS
        if shape.other_link and number % 2 and parts.is_ip:
            link, how = links.LINKS[shape.other_link][:2]
            frame = frame.with_bytes(link, how(parts))
        records.append(Record(frame, media_of(frame.link), process))
        if shape.pseudo and parts.is_ip:
            records.append(Record(frame, MEDIA_PAYLOAD_HEADER))
        if shape.unknown and number == len(frames) // 2:
            records.append(Record(dataclasses.replace(frame, data=bytes(20), cut=0), MEDIA_UNKNOWN))
    return records


def comment_table(records, offsets):
    """frames per comment, the record's offset, length and text of the title, of the description (none)"""
    out = b''
    for record, offset in zip(records, offsets):
        if record.frame.comment:
            title = (record.frame.comment + '\0').encode('utf-16-le')
            out += struct.pack('<III', 1, offset, len(title)) + title + struct.pack('<I', 0)
    return out


def process_table(records):
    """version; path, icon (none), number, ports, IPv6 or not, addresses in 16 bytes each: of the first one's packet"""
    packet = b''
    for parts in take_all_apart([record.frame for record in records if record.process == 0][:1]):
        packet = parts.packet
    if not packet:
        return b'', 0
    _, at, _ = transport_of(packet)
    here, there = struct.unpack_from('>HH', packet, at)
    addresses = (packet[12:16], packet[16:20]) if packet[0] >> 4 == 4 else (packet[8:24], packet[24:40])
    path = (PROGRAM + '\0').encode('utf-16-le')
    rest = struct.pack('<IIHHHHI', 0, 4711, here, 0, there, 0, len(addresses[0]) == 16)
    return struct.pack('<HI', 1, len(path)) + path + rest + b''.join(one.ljust(16, b'\0') for one in addresses), 1


def header(shape, media, base, table, table_length, comments=(0, 0), processes=(0, 0)):
    signature, major = (b'RTSS', 1) if shape.minor == 11 else (b'GMBU', 2)
    out = struct.pack('<4sBBH', signature, shape.minor % 10, major, media) + system_time(base)
    out += struct.pack('<IIIIIIII', table, table_length, 0, 0, *comments, *processes)
    return out.ljust(HEADER, b'\0')


def netmon(shape, frames):
    base, records, offsets = base_of(frames, shape), records_of(frames, shape), {}
    out, at = [shape.hole], HEADER + len(shape.hole)
    for number in range(len(records))[::-1 if shape.reverse else 1]:
        offsets[number] = at
        out.append(record_bytes(records[number], base, shape))
        at += len(out[-1])
    order = [offsets[number] for number in range(len(records))]
    out.append(struct.pack(f'<{len(order)}I', *order))
    after = at + 4 * len(order)
    comments = comment_table(records, order) if shape.tables else b''
    processes, count = process_table(records) if shape.tables else (b'', 0)
    out += [comments, processes]
    media = MEDIA_ETHERNET if shape.minor else records[0].media  # later ones say it at each record
    return header(shape, media, base, at, 4 * len(order), (after, len(comments)) if comments else (0, 0),
                  (after + len(comments), count) if count else (0, 0)) + b''.join(out)


def netmon_1(frames):
    """records of 8 bytes and the frame; milliseconds"""
    base = frames[0].time // 1_000_000 * 1_000_000
    out, offsets, at = [], [], HEADER
    for frame in frames:
        offsets.append(at)
        out.append(struct.pack('<IHH', (frame.time - base) // 1_000_000, len(frame.data) + frame.cut, len(frame.data)) +
                   frame.data)
        at += len(out[-1])
    f.common_link(frames)
    out.append(struct.pack(f'<{len(offsets)}I', *offsets))
    return header(Shape(11), media_of(frames[0].link), base, at, len(out[-1])) + b''.join(out)


SHAPES = {
    'netmon-2.0': Shape(0), 'netmon-2.1': Shape(1), 'netmon-2.1-raw-too': Shape(1, other_link='raw'),
    'netmon-2.1-sll-too': Shape(1, other_link='sll'), 'netmon-2.2': Shape(2, tables=True),
    'netmon-2.3': Shape(3, tables=True, zone=1), 'netmon-2.3-raw-too': Shape(3, tables=True, other_link='raw'),
    'netmon-hole': Shape(0, hole=b'\xde\xad\xbe\xef' * 2), 'netmon-reversed-table': Shape(3, reverse=True),
    'netmon-negative': Shape(0, base_later=5), 'netmon-2.3-negative': Shape(3, base_later=5),
    'netmon-pseudo': Shape(3, pseudo=True), 'netmon-unknown-media': Shape(3, unknown=True),
    'netmon-absurd-utc': Shape(3, absurd_utc=True),
}
WRITERS = {name: functools.partial(netmon, shape) for name, shape in SHAPES.items()}
WRITERS['netmon-1.1'] = netmon_1
