"""File formats other than Network Monitor's: pcap's kinds, pcapng (draft-ietf-opsawg-pcapng), snoop (RFC 1761), ERF."""
import functools
import struct

import frames as f
import links
from packets import take_all_apart

SECTION, INTERFACE, SIMPLE, STATISTICS, ENHANCED = 0x0a0d0d0a, 1, 3, 5, 6


def halves(time):
    return time >> 32, time & 0xffffffff


class Pcapng:
    """Blocks in one byte order."""

    def __init__(self, order='<'):
        self.order, self.out = order, []
        self.block(SECTION, self.pack('IHHq', 0x1a2b3c4d, 1, 0, -1))

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def option(self, code, value):
        return self.pack('HH', code, len(value)) + value + bytes(-len(value) % 4)

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        length = self.pack('I', len(body) + 12)
        self.out.append(self.pack('I', kind) + length + body + length)

    def interface(self, link, name, resolution, snaplen=f.SNAPLEN):
        """resolution: times are so many ten-fold parts of a second; 6 is what is meant where it is not said"""
        options = self.option(2, name.encode())
        if resolution != 6:
            options += self.option(9, bytes([resolution]))
        self.block(INTERFACE, self.pack('HHI', link, 0, snaplen) + options + self.pack('HH', 0, 0))

    def frame(self, frame, interface, resolution):
        time = frame.time // 10 ** (9 - resolution)
        body = self.pack('IIIII', interface, *halves(time), len(frame.data), len(frame.data) + frame.cut)
        body += frame.data + bytes(-len(frame.data) % 4)
        if frame.comment:
            body += self.option(1, frame.comment.encode()) + self.pack('HH', 0, 0)
        self.block(ENHANCED, body)

    def simple(self, frame):
        self.block(SIMPLE, self.pack('I', len(frame.data) + frame.cut) + frame.data)

    def statistics(self, interface, time, received, dropped):
        options = self.option(4, self.pack('Q', received)) + self.option(5, self.pack('Q', dropped))
        self.block(STATISTICS, self.pack('III', interface, *halves(time)) + options + self.pack('HH', 0, 0))

    def content(self):
        return b''.join(self.out)


def pcapng(frames, order='<', dropped=None):
    file = Pcapng(order)
    resolution = 9 if f.is_fine(frames) else 6
    file.interface(f.common_link(frames), 'eth0', resolution)
    for frame in frames:
        file.frame(frame, 0, resolution)
    if dropped is not None:
        file.statistics(0, frames[-1].time // 10 ** (9 - resolution), len(frames), dropped)
    return file.content()


def pcapng_two_links(other, frames):
    """every second frame from another interface: another link type, snapshot length and resolution of time"""
    file = Pcapng()
    file.interface(f.common_link(frames), 'eth0', 9)
    there = links.LINKS[other][0]
    file.interface(there, 'any', 6, 65535)
    for number, (frame, parts) in enumerate(zip(frames, take_all_apart(frames))):
        if number % 2 and parts.is_ip:
            file.frame(frame.with_bytes(there, links.LINKS[other][1](parts)), 1, 6)
        else:
            file.frame(frame, 0, 9)
    return file.content()


def pcapng_simple(frames):
    """blocks without times"""
    file = Pcapng()
    file.interface(f.common_link(frames), 'eth0', 6)
    for frame in frames:
        file.simple(frame)
    return file.content()


def pcapng_two_sections(order, frames):
    """as `cat` of two files makes it, the second one in a byte order of its own"""
    half = len(frames) // 2
    return pcapng(frames[:half]) + pcapng(frames[half:], order)


def snoop(frames):
    """RFC 1761: big-endian; version 2, 4 is Ethernet; records padded to four bytes"""
    if f.common_link(frames) != f.ETHERNET:
        raise ValueError('snoop is written for Ethernet only')
    out = [struct.pack('>8sII', b'snoop', 2, 4)]
    for frame in frames:
        length, padding = len(frame.data), bytes(-len(frame.data) % 4)
        out.append(struct.pack('>IIIIII', length + frame.cut, length, 24 + length + len(padding), 0,
                               frame.time // f.SECOND, frame.time % f.SECOND // 1000) + frame.data + padding)
    return b''.join(out)


def erf(frames):
    """nothing but records"""
    return b''.join(links.erf(parts) for parts in take_all_apart(frames))


WRITERS = {
    'pcap': f.write_pcap, 'pcap-ns': functools.partial(f.write_pcap, nanoseconds=True),
    'pcap-be': functools.partial(f.write_pcap, order='>'),
    'pcap-ns-be': functools.partial(f.write_pcap, order='>', nanoseconds=True),
    'pcapng': pcapng, 'pcapng-be': functools.partial(pcapng, order='>'),
    'pcapng-none-dropped': functools.partial(pcapng, dropped=0),
    'pcapng-dropped': functools.partial(pcapng, dropped=12),
    'pcapng-raw-too': functools.partial(pcapng_two_links, 'raw'),
    'pcapng-sll-too': functools.partial(pcapng_two_links, 'sll'),
    'pcapng-sll2-too': functools.partial(pcapng_two_links, 'sll2'),
    'pcapng-two-sections': functools.partial(pcapng_two_sections, '<'),
    'pcapng-two-orders': functools.partial(pcapng_two_sections, '>'),
    'pcapng-simple': pcapng_simple, 'snoop': snoop, 'erf': erf,
}
