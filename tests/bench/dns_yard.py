"""A yard where DNS is asked and answered by real sockets: every server answers over UDP, one over TCP as well."""
import contextlib
import ctypes
import os
import socket
import struct
import threading

from yard import Yard

CLONE_NEWNET = 0x40000000
ANSWERING = '192.0.2.53'
REFUSING = [f'192.0.2.{last}' for last in range(100, 160)]  # the kernel resets what comes to their port


def question(number, name=b'\7example\3org\0'):
    return struct.pack('>HHHHHH', number, 0x0100, 1, 0, 0, 0) + name + struct.pack('>HH', 15, 1)


def answer(asked):
    return asked[:2] + b'\x81\x80' + asked[4:6] + b'\0\1\0\0\0\0' + asked[12:] + \
        b'\xc0\x0c' + struct.pack('>HHIH', 15, 1, 60, 4) + b'\0\x0a\xc0\x0c'


@contextlib.contextmanager
def within(name):
    """Sockets made here belong to that namespace, whoever uses them."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open('/proc/thread-self/ns/net', 'rb') as own, open(f'/run/netns/{name}', 'rb') as other:
        libc.setns(other.fileno(), CLONE_NEWNET)
        try:
            yield
        finally:
            libc.setns(own.fileno(), CLONE_NEWNET)


def serve_udp(server):
    while True:
        asked, client = server.recvfrom(512)
        with contextlib.suppress(OSError):  # the interface may be gone
            server.sendto(answer(asked), client)


def serve_tcp(server):
    while True:
        client = server.accept()[0]
        with client, contextlib.suppress(OSError):
            message = answer(client.recv(512)[2:])
            client.sendall(struct.pack('>H', len(message)) + message)


class DnsYard(Yard):
    def __init__(self):
        super().__init__(addresses=[ANSWERING, *REFUSING])

    def __enter__(self):
        super().__enter__()
        with within(self.far):
            for address in self.addresses:
                server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                server.bind((address, 53))
                threading.Thread(target=serve_udp, args=(server,), daemon=True).start()
            listener = socket.create_server((ANSWERING, 53))
            threading.Thread(target=serve_tcp, args=(listener,), daemon=True).start()
        return self

    def ask(self, address, port_kind):
        """True when there was an answer."""
        with within(self.host):
            client = socket.socket(socket.AF_INET, port_kind)
        with client, contextlib.suppress(OSError):
            client.settimeout(2)
            client.connect((address, 53))
            asked = question(os.getpid() & 0xffff)
            client.send(asked if port_kind == socket.SOCK_DGRAM else struct.pack('>H', len(asked)) + asked)
            return bool(client.recv(512))
        return False

    def ask_all_ways(self, address, times=3):
        return [self.ask(address, kind) for _ in range(times) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
