"""What capturing does to an exchange: order, copies, gaps, cuts, other traffic in between. All seeded, so repeatable."""
import dataclasses
import functools
import random

import frames as f
from packets import PROTOCOL_UDP, ipv4, take_all_apart, udp

MICROSECOND, MILLISECOND = 1_000, 1_000_000


def twice(frames):
    """each frame once more within 0.2 ms, as a mirror of two ports makes it"""
    copies = [frame.at(frame.time + 20 * MICROSECOND + 17 * MICROSECOND * (number % 8))
              for number, frame in enumerate(frames)]
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
            packet = ipv4(bytes([192, 0, 2, 77]), bytes([192, 0, 2, 78]), PROTOCOL_UDP, udp(4000, 4001, bytes(60000)), 64)
            jumbo = bytes.fromhex('0200000053770200000053780800') + packet
            if frame.link == f.ETHERNET:
                out.append(f.Frame(frame.time, f.ETHERNET, jumbo))
            out.append(f.Frame(frame.time, frame.link, b''))
        out.append(frame)
    return out


def rounded(unit, frames):
    return [frame.at(frame.time // unit * unit) for frame in frames]


def commented(frames):
    """somebody wrote at the seventh frame what the matter is, and at the eighth in another script"""
    words = {7: 'here mail stops', 8: 'ab hier keine Post: größer als 512 Bytes ✉'}
    return [dataclasses.replace(frame, comment=words.get(frame.origin, '')) for frame in frames]


SNAPLENS = (34, 40, 54, 60, 68, 80, 96, 120)
KINDS = {
    'plain': list, 'twice': twice, 'shuffled': shuffled, 'reversed': lambda frames: frames[::-1],
    'to-server-only': functools.partial(one_way, True), 'from-server-only': functools.partial(one_way, False),
    'other-traffic': other_traffic, 'round-ms': functools.partial(rounded, MILLISECOND),
    'round-us': functools.partial(rounded, MICROSECOND), 'commented': commented,
    'begun-late': lambda frames: frames[len(frames) // 3:], 'ended-early': lambda frames: frames[:2 * len(frames) // 3],
}
KINDS.update({f'snaplen-{length}': functools.partial(snaplen, length) for length in SNAPLENS})
SPLITTERS = {'ring': ring}
