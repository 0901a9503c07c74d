"""A small network: client - r1 - r2 - server, each in a network namespace without a name. They are gone with the last
process and descriptor that holds them, however this process ends."""
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

PATIENCE = 5.0   # seconds for what must come
PROMPT = 2.0     # seconds in which a verdict has to be told
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
CLIENT, FIRST, SERVER = '192.0.2.10', '192.0.2.1', '198.51.100.53'
SPACES = ('client', 'r1', 'r2', 'server')
MX = 15

libc = ctypes.CDLL(None, use_errno=True)
here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))


class Failed(Exception):
    """An expectation was not met."""


class Skipped(Exception):
    """What is tested cannot be had here."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def wait_for(condition, patience=PATIENCE, step=0.02):
    """What the condition gives, once that is true; None when it is too late."""
    end = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            return None
        time.sleep(step)


def called(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


# ------------------------------------------------------------------ processes

def descendants_of(pid):
    found = []
    with contextlib.suppress(OSError):
        with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as file:
            for child in file.read().split():
                found += [int(child), *descendants_of(child)]
    return found


class Processes:
    """All that were started, to be ended by their numbers."""

    def __init__(self):
        self.list, self.lock, self.over = [], threading.Lock(), False

    def start(self, words, **more):
        with self.lock:
            check(not self.over, 'interrupted')
            process = subprocess.Popen(words, **more)
            self.list.append(process)
        return process

    def end(self, process):
        """It, and what it has started: a clerk stays while its command runs."""
        if process.poll() is None:
            below = descendants_of(process.pid)
            process.kill()
            process.wait()
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        with self.lock:
            if process in self.list:
                self.list.remove(process)

    def end_all(self):
        with self.lock:
            self.over = True
            left = list(self.list)
        for process in left:
            self.end(process)


processes = Processes()


# ------------------------------------------------------------------ the place for files, and mounts of one's own

class Scratch:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix='tcp53-spaces-')
        os.chmod(self.path, 0o755)
        self.count, self.lock = 0, threading.Lock()
        os.mkdir(self.file('json'))

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def new(self, name):
        """A path where there is nothing yet, in a directory of its own that root owns."""
        with self.lock:
            self.count += 1
            directory = self.file(f'{self.count}')
        os.mkdir(directory)
        return os.path.join(directory, name)

    def keep_json(self, text):
        """For validation, at the end."""
        path = self.new('json')
        path = self.file('json', path.split('/')[-2])
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)

    def json_files(self):
        return [self.file('json', name) for name in sorted(os.listdir(self.file('json')))]

    def remove(self):
        with open('/proc/self/mounts', encoding='utf-8') as file:
            mounted = [line.split()[1] for line in file]
        for path in reversed(mounted):
            if path.startswith(self.path):
                unmount(path)
        for _ in range(3):  # tests that were interrupted may write still
            shutil.rmtree(self.path, ignore_errors=True)


scratch = Scratch()
own_mounts = False


def have_own_mounts():
    """What is mounted from now on is seen by this process and its children, and gone with them."""
    global own_mounts
    try:
        called(libc.unshare(CLONE_NEWNS))
        called(libc.mount(b'none', b'/', None, MS_REC | MS_PRIVATE, None))
        own_mounts = True
    except OSError:
        own_mounts = False


def need_mounts():
    if not own_mounts:
        raise Skipped('nothing can be mounted here')


def mount(*words):
    need_mounts()
    subprocess.run(['mount', *words], check=True)


def unmount(path):
    subprocess.run(['umount', '-l', path], check=False)


# ------------------------------------------------------------------ namespaces

def own_space():
    return os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)


def new_space():
    before = own_space()
    try:
        called(libc.unshare(CLONE_NEWNET))
        return own_space()
    finally:
        libc.setns(before, CLONE_NEWNET)
        os.close(before)


@contextlib.contextmanager
def inside(space):
    """This thread, and what it starts meanwhile, is in that namespace."""
    before = own_space()
    called(libc.setns(space, CLONE_NEWNET))
    try:
        yield
    finally:
        called(libc.setns(before, CLONE_NEWNET))
        os.close(before)


def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def has_spaces():
    if os.geteuid() != 0 or not all(shutil.which(word) for word in ('ip', 'nft', 'dig')):
        return False
    try:
        os.close(new_space())
        return True
    except OSError:
        return False


# ------------------------------------------------------------------ DNS

UNBOUND = '''server:
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: "{directory}/pid"
    use-syslog: no
    do-daemonize: no
    num-threads: 1
    module-config: "iterator"
    interface: 0.0.0.0
    access-control: 0.0.0.0/0 allow
    local-zone: "test." nodefault
    local-zone: "example.test." redirect
    local-data: "example.test. MX 10 mx.example.test."
    outgoing-num-tcp: 0
    incoming-num-tcp: 50
remote-control:
    control-enable: no
'''
standin_lock = threading.Lock()


def question(name='example.test', kind=MX):
    labels = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.'))
    return struct.pack('>HHHHHH', os.getpid() & 0xffff, 0x0100, 1, 0, 0, 0) + labels + b'\0' + struct.pack('>HH', kind, 1)


def standin():
    """The lab's own server, where there is no unbound."""
    program = scratch.file('standin')
    with standin_lock:
        if not os.path.exists(program):
            subprocess.run(['cc', '-o', program, os.path.join(root, 'tests/lab/standin.c')], check=True)
    return program


def unbound():
    """Where it is; None when there is none."""
    return shutil.which('unbound', path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')


def server_words():
    if not unbound():
        return [standin(), 'answer', 'udp=yes']
    path = scratch.new('unbound.conf')
    write(path, UNBOUND.format(directory=os.path.dirname(path)))
    return [unbound(), '-d', '-p', '-c', path]


class Network:
    """Its server answers; `close` ends what runs in it. `start` names other places where a server is wanted."""

    def __init__(self, servers=('server',)):
        self.spaces, self.started = {}, []
        try:
            for name in SPACES:
                self.spaces[name] = new_space()
            self.connect()
            for name in servers:
                self.serve(name)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in self.started:
            processes.end(process)
        for space in self.spaces.values():
            os.close(space)
        self.spaces, self.started = {}, []

    def ip(self, name, text, check_it=True):
        """Commands of ip(8), one a line."""
        with inside(self.spaces[name]):
            done = subprocess.run(['ip', '-batch', '-'], input=text, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
        check(done.returncode == 0 or not check_it, f'ip: {done.stdout}')

    def cable(self, near, near_name, near_address, far, far_name, far_address):
        self.ip(near, f'link add {near_name} type veth peer name {far_name} netns '
                      f'/proc/{os.getpid()}/fd/{self.spaces[far]}\n'
                      f'addr add {near_address} dev {near_name}\nlink set {near_name} up\n')
        self.ip(far, f'addr add {far_address} dev {far_name}\nlink set {far_name} up\n')

    def connect_client(self):
        self.cable('client', 'eth0', f'{CLIENT}/24', 'r1', 'eth0', f'{FIRST}/24')
        self.ip('client', f'route add default via {FIRST}\n')

    def connect(self):
        for name, space in self.spaces.items():
            with inside(space):
                with contextlib.suppress(OSError):
                    write('/proc/sys/net/ipv6/conf/all/disable_ipv6', '1')
                    write('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1')
                if name in ('r1', 'r2'):
                    write('/proc/sys/net/ipv4/ip_forward', '1')
            self.ip(name, 'link set lo up\n')
        self.connect_client()
        self.cable('r1', 'eth1', '198.18.0.1/30', 'r2', 'eth0', '198.18.0.2/30')
        self.cable('r2', 'eth1', '198.51.100.254/24', 'server', 'eth0', f'{SERVER}/24')
        self.ip('r1', 'route add default via 198.18.0.2\n')
        self.ip('r2', 'route add default via 198.18.0.1\n')
        self.ip('server', 'route add default via 198.51.100.254\n')

    def start(self, name, words, **more):
        with inside(self.spaces[name]):
            process = processes.start(words, **more)
        self.started.append(process)
        return process

    def serve(self, name):
        self.start(name, server_words(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with inside(self.spaces[name]):
            check(wait_for(lambda: self.tcp(1, '127.0.0.1', name) == 1), 'the DNS server did not start')

    def rules(self, text, name='r1', hook='forward'):
        """Rules for what passes; '' takes them away."""
        rules = 'table ip t\ndelete table ip t\n'
        if text:
            rules += f'table ip t {{\nchain c {{\ntype filter hook {hook} priority 0\n{text}\n}}\n}}\n'
        with inside(self.spaces[name]):
            subprocess.run(['nft', '-f', '-'], input=rules, text=True, check=True)

    def reject(self):
        self.rules('tcp dport 53 reject with tcp reset')

    def repair(self):
        self.rules('')

    def dig(self, *words, names=('example.test',), server=SERVER):
        """One after the other; what dig printed."""
        asked = [word for name in names for word in (name, 'MX')]
        with inside(self.spaces['client']):
            return subprocess.run(['dig', f'@{server}', '+tries=1', '+time=2', '+noedns', '+short', *words, *asked],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout

    def udp(self, count=1, server=SERVER):
        """Queries that must be answered."""
        with inside(self.spaces['client']), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            for _ in range(count):
                sock.sendto(question(), (server, 53))
                sock.recv(4096)

    def tcp(self, count=1, server=SERVER, name='client'):
        """Queries, each in a connection of its own; how many were answered."""
        answered = 0
        for _ in range(count):
            with inside(self.spaces[name]), socket.socket() as sock:
                sock.settimeout(PATIENCE)
                with contextlib.suppress(OSError):
                    sock.connect((server, 53))
                    sock.sendall(struct.pack('>H', len(question())) + question())
                    answered += len(sock.recv(4096)) > 0
        return answered

    def fail(self, seconds=None, count=None, server=SERVER):
        """Connections that are refused, as fast as they can be; how many."""
        end, done = time.monotonic() + (seconds or 60), 0
        with inside(self.spaces['client']):
            while time.monotonic() < end and done != count:
                with socket.socket() as sock, contextlib.suppress(ConnectionRefusedError):
                    sock.settimeout(PATIENCE)
                    sock.connect((server, 53))
                done += 1
        return done

    def traffic(self):
        """UDP that is answered, and TCP that is not or is, by the program people know."""
        self.dig('+notcp', names=[f'u{i}.example.test' for i in range(6)])
        return self.dig('+tcp', names=[f't{i}.example.test' for i in range(3)])
