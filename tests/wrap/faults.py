"""What capturing does to an exchange: order, copies, gaps, cuts, other traffic in between. Always the same way."""
import dataclasses
import functools
import random

import frames as f
from packets import PROTOCOL_TCP, PROTOCOL_UDP, ipv4, is_icmp_error, take_all_apart, transport_of, udp

MICROSECOND, MILLISECOND = 1_000, 1_000_000
JUMBO = bytes.fromhex('0200000053770200000053780800') + ipv4(
    bytes([192, 0, 2, 77]), bytes([192, 0, 2, 78]), PROTOCOL_UDP, udp(4000, 4001, bytes(60000)), 64)


def twice(step, frames):
    """each frame once more, up to eight steps later, as a mirror of two ports makes it"""
    copies = [frame.at(frame.time + step * (1 + number % 8)) for number, frame in enumerate(frames)]
    return sorted(frames + copies, key=lambda frame: frame.time)


def shuffled(frames):
    return random.Random(53).sample(frames, len(frames))


def ring(frames, files=4):
    """the files of a ring, the first ones not first"""
    size = -(-len(frames) // files)
    parts = [frames[at:at + size] for at in range(0, len(frames), size)]
    return parts[2:] + parts[:2]


def snaplen(length, frames):
    return [dataclasses.replace(frame, data=frame.data[:length], cut=frame.cut + max(0, len(frame.data) - length))
            for frame in frames]


def one_way(to_server, frames):
    return [frame for frame, parts in zip(frames, take_all_apart(frames)) if parts.to_server == to_server]


def other_traffic(frames):
    """a frame of no bytes and a UDP datagram of 60 kB before every third frame"""
    out = []
    for number, frame in enumerate(frames):
        if number % 3 == 0:
            if frame.link == f.ETHERNET:
                out.append(f.Frame(frame.time, f.ETHERNET, JUMBO))
            out.append(f.Frame(frame.time, frame.link, b''))
        out.append(frame)
    return out


def halves(frames, filling=9000):
    """one behind the other: what goes to servers, what comes from them; each among other traffic of the same time"""
    first, last = frames[0].time, frames[-1].time
    other = bytes(12) + b'\x88\xb5' + bytes(46)  # an ethertype for experiments, IEEE 802
    others = [f.Frame(first + (last - first) * number // filling, f.ETHERNET, other) for number in range(filling)]
    return [frame for to_server in (True, False)
            for frame in sorted(one_way(to_server, frames) + others, key=lambda frame: frame.time)]


def rounded(unit, frames):
    return [frame.at(frame.time // unit * unit) for frame in frames]


def rejects(parts):
    """a RST, or an ICMP error"""
    if not parts.is_ip or parts.to_server:
        return False
    protocol, at, _ = transport_of(parts.packet)
    return protocol == PROTOCOL_TCP and bool(parts.packet[at + 13] & 4) or is_icmp_error(protocol, parts.packet[at])


def commented(frames):
    """somebody wrote at the first rejection what the matter is, and at the last frame more, not only in ASCII"""
    first = next((number for number, parts in enumerate(take_all_apart(frames)) if rejects(parts)), len(frames) // 2)
    words = {first: 'here mail stops', len(frames) - 1: 'über UDP geht es ✉'}
    return [dataclasses.replace(frame, comment=words.get(number, '')) for number, frame in enumerate(frames)]


SNAPLENS = (34, 40, 54, 60, 68, 80, 96, 120)
KINDS = {
    'plain': list, 'twice': functools.partial(twice, 2 * MICROSECOND),
    'twice-later': functools.partial(twice, 20 * MICROSECOND),
    'shuffled': shuffled, 'halves': halves, 'reversed': lambda frames: frames[::-1],
    'to-server-only': functools.partial(one_way, True), 'from-server-only': functools.partial(one_way, False),
    'other-traffic': other_traffic, 'round-ms': functools.partial(rounded, MILLISECOND),
    'round-us': functools.partial(rounded, MICROSECOND), 'commented': commented,
    'begun-late': lambda frames: frames[len(frames) // 3:], 'ended-early': lambda frames: frames[:2 * len(frames) // 3],
}
KINDS.update({f'snaplen-{length}': functools.partial(snaplen, length) for length in SNAPLENS})
SPLITTERS = {'ring': ring}
