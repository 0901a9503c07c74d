"""What tcp53 watch does when the world around it fails: it has to go on, and to keep what it judged.

Each fault comes between servers that begin to refuse TCP: the verdict on each has to be told, those from before the
fault have to be in the last report, and the packets that prove them in the evidence.
"""
import contextlib
import glob
import json
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

from dns_yard import REFUSING, DnsYard
from yard import Program, ip, table, watch_options

TOLD_WITHIN = 5  # seconds
KILLS = 20
FAULTS = []


class Lost(Exception):
    """Something ended, or was lost."""


def fault(name):
    def keep(function):
        FAULTS.append((name, function))
        return function
    return keep


def need(condition, text):
    if not condition:
        raise Lost(text)


class Stage:
    """A watch at work, and the verdicts that it told."""

    def __init__(self, options, number, before=(), words=None, **more):
        self.options, self.tcp53 = options, os.path.abspath(options.tcp53)
        self.directory = f'{options.directory}/{number}'
        os.makedirs(self.directory, exist_ok=True)
        self.yard, self.before, self.more = DnsYard(), before, more
        self.words = words if words is not None else watch_options(self.directory)
        self.fresh, self.told = iter(REFUSING), []

    def __enter__(self):
        self.yard.__enter__()
        self.watch = Program('tcp53', self.yard.command(self.yard.host, *self.before, self.tcp53, *self.words),
                             f'{self.directory}/log', 'watching', **self.more)
        return self

    def __exit__(self, *_):
        self.watch.end(signal.SIGKILL)
        self.yard.__exit__()

    def news(self, pattern, patience=TOLD_WITHIN):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if pattern in self.watch.said():
                return
            need(self.watch.process.poll() is None, f'it ended with status {self.watch.process.poll()}')
            time.sleep(0.05)
        raise Lost(f'"{pattern}" was not said')

    def reject(self):
        """Another server refuses TCP, which has to be told."""
        address = next(self.fresh)
        self.yard.ask_all_ways(address)
        self.news(f' {address}: rejected')
        self.told.append(address)
        return address

    def rejected_by_report(self, *words):
        done = subprocess.run([self.tcp53, 'read', '-j', *words], capture_output=True, text=True)
        need(done.returncode in (0, 1, 3), f'tcp53 read: {done.stderr.strip()}')
        return rejected(json.loads(done.stdout))

    def evidence(self):
        files = sorted(glob.glob(f'{self.directory}/ring/*.pcap'))
        return self.rejected_by_report(*files) if files else set()

    def finish(self, wanted_status=1):
        """Ends it; what its last report and the evidence hold of what was told, in words."""
        status = self.watch.end()
        need(status == wanted_status, f'it ended with status {status}, not {wanted_status}')
        try:
            with open(f'{self.directory}/report.json') as text:
                reported = rejected(json.load(text))
        except OSError:
            reported = set()
        evident = self.evidence()
        return [sum(address in where for address in self.told) for where in (reported, evident)]

    def everything_kept(self, **more):
        reported, evident = self.finish(**more)
        need(reported == evident == len(self.told),
             f'of {len(self.told)} told the last report has {reported}, the evidence {evident}')
        return f'all {len(self.told)} verdicts told, in the last report and in the evidence'


def rejected(read):
    return {server['address'] for server in read['servers'] if server['outcome'] == 'rejected'}


@fault('interface down, and up')
def down(options):
    with Stage(options, 'down') as stage:
        stage.reject()
        ip('-n', stage.yard.host, 'link', 'set', 'eth0', 'down')
        time.sleep(2)
        ip('-n', stage.yard.host, 'link', 'set', 'eth0', 'up')
        time.sleep(0.5)
        stage.reject()
        return stage.everything_kept()


@fault('interface deleted, and made again')
def deleted(options):
    with Stage(options, 'deleted') as stage:
        stage.reject()
        ip('-n', stage.yard.host, 'link', 'del', 'eth0')
        stage.news('eth0 is gone')
        time.sleep(1)
        began = time.monotonic()
        stage.yard.make_wire()
        while 'eth0 is back' not in stage.watch.said() and time.monotonic() < began + TOLD_WITHIN:
            stage.yard.ask_all_ways(REFUSING[-1], 1)
        seconds = time.monotonic() - began
        stage.reject()
        return f'"gone" and "back" said, the latter after {seconds:.1f} s; {stage.everything_kept()}'


@fault('disk of 1 MB full, and room again')
def full(options):
    directory = f'{options.directory}/full'
    os.makedirs(directory)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m,mode=0755', 'tmpfs', directory], check=True)
    try:
        return fill(options, directory)
    finally:
        subprocess.run(['umount', '-l', directory], check=True)


def fill(options, directory):
    log = f'{options.directory}/full-log'
    os.makedirs(log, exist_ok=True)
    with Stage(options, 'full-log', words=watch_options(directory)) as stage:
        stage.directory = directory
        stage.reject()
        with contextlib.suppress(OSError), open(f'{directory}/filler', 'wb', buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        meanwhile = stage.reject()
        stage.news('No space left on device')
        time.sleep(1)
        os.unlink(f'{directory}/filler')
        time.sleep(2)
        stage.reject()
        stage.yard.ask_all_ways(meanwhile)
        time.sleep(1.5)
        return f'said so; {stage.everything_kept()} (what was lost meanwhile: with the next failure)'


def is_torn(path):
    """Whether a pcap file ends in the middle of a record."""
    with open(path, 'rb') as file:
        data = file.read()
    at = 24
    while at + 16 <= len(data):
        at += 16 + struct.unpack_from('<I', data, at + 8)[0]
    return len(data) >= 24 and at != len(data)


@fault('kill -9 in the middle of writing, 20 times')
def killed(options):
    torn_at_once = torn_later = unread = files_seen = 0
    with Stage(options, 'killed') as stage:
        stage.watch.end(signal.SIGKILL)
        sender, maker = stage.yard.send(options.programs, 'dns', 20000, 3 * KILLS)
        for _ in range(KILLS):
            stage.watch = Program('tcp53', stage.watch.process.args, stage.watch.log, 'watching')
            time.sleep(random.uniform(0.3, 1.2))
            stage.watch.end(signal.SIGKILL)
            files = glob.glob(f'{stage.directory}/ring/*.pcap')
            torn_at_once += sum(is_torn(file) for file in files)
            time.sleep(1)
            torn_later += sum(is_torn(file) for file in files)
            for file in files:
                done = subprocess.run([stage.tcp53, 'read', '-j', file], capture_output=True, text=True)
                unread += done.returncode not in (0, 1, 3)
            files_seen = max(files_seen, len(files))
        sender.terminate()
        sender.communicate()
        maker.wait()
        need(files_seen > 0, 'nothing was written')
        need(torn_later == 0 and unread == 0, f'{torn_later} torn files, {unread} that cannot be read')
        bytes_kept = sum(os.path.getsize(file) for file in files)
        return f'torn files at once {torn_at_once}, a second later {torn_later}; up to {files_seen} files, ' \
               f'{bytes_kept / 1e6:.1f} MB, all read'


# A /dev of its own, with a socket that the test makes.
DEV = 'mount --make-rprivate /; cd "$0"; for n in null urandom shm; do mount --rbind /dev/$n $n; done; ' \
      'mount --rbind "$0" /dev; cd /; exec "$@"'


class Daemon:
    """A syslog daemon."""

    def __init__(self, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.path, self.lines = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)

    def read(self):
        threading.Thread(target=self.take, daemon=True).start()
        return self

    def take(self):
        with contextlib.suppress(OSError):
            while True:
                self.lines.append(self.socket.recv(2048).decode())

    def close(self):
        os.unlink(self.path)
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def has(self, text):
        end = time.monotonic() + TOLD_WITHIN
        while time.monotonic() < end and not any(text in line for line in self.lines):
            time.sleep(0.05)
        need(any(text in line for line in self.lines), f'syslog has no line of {text}')


@fault('syslog gone, back, and not reading')
def syslog(options):
    dev = f'{options.directory}/dev'
    os.makedirs(f'{dev}/shm')
    for name in 'null', 'urandom':
        open(f'{dev}/{name}', 'w').close()
    daemon = Daemon(f'{dev}/log').read()
    directory = f'{options.directory}/syslog'
    words = watch_options(directory, '--syslog')
    with Stage(options, 'syslog', before=('unshare', '-m', 'sh', '-c', DEV, dev), words=words) as stage:
        daemon.has(f'server={stage.reject()}')
        daemon.close()
        lost = stage.reject()
        daemon = Daemon(f'{dev}/log').read()
        time.sleep(2)
        daemon.has(f'server={stage.reject()}')
        need(not any(f'server={lost}' in line for line in daemon.lines), 'a line was late')
        left_out = sum('lost' in line or 'not sent' in line for line in daemon.lines)
        daemon.close()
        deaf = Daemon(f'{dev}/log')
        time.sleep(1.5)
        for _ in range(30):
            last = stage.reject()
        result = stage.everything_kept()
        deaf.close()
    return f'sent again once it was back, {left_out} line about those lost; never waited for (last: {last}); {result}'


@fault('standard output closed')
def closed(options):
    directory = f'{options.directory}/closed'
    reader, writer = os.pipe()
    words = ['watch', '-i', 'eth0', '-w', f'{directory}/ring', '--ticket', f'{directory}/tickets']
    with Stage(options, 'closed', words=words, stdout=writer) as stage:
        os.close(writer)
        os.close(reader)
        for address in REFUSING[:3]:
            stage.yard.ask_all_ways(address)
            time.sleep(1.5)
        need(stage.watch.process.poll() is None, 'it ended')
        status = stage.watch.end()
        evident = stage.evidence()
        tickets = os.listdir(f'{directory}/tickets')
        need(all(address in evident for address in REFUSING[:3]), f'evidence of {evident} only')
        need(all(any(address in ticket for ticket in tickets) for address in REFUSING[:3]), f'only {tickets}')
        return f'goes on, since there are other outlets: 3 of 3 in tickets and evidence; exit status {status}'


@fault('clerk killed')
def clerk(options):
    with Stage(options, 'clerk') as stage:
        stage.reject()
        time.sleep(0.5)
        os.kill(stage.watch.children()[0], signal.SIGKILL)
        stage.reject()
        stage.reject()
        reported, evident = stage.finish(wanted_status=2)
        need(evident >= 1, 'evidence from before is gone')
        return f'goes on: all 3 verdicts told; files end (report has {reported}, evidence {evident}); exit status 2'


def shift(seconds):
    time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + seconds)


def stepped(options, seconds):
    offset = time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    with Stage(options, f'clock{seconds}') as stage:
        try:
            stage.reject()
            shift(seconds)
            stage.news('the clock was set by')
            stage.reject()
            time.sleep(2)
        finally:
            time.clock_settime(time.CLOCK_REALTIME, offset + time.clock_gettime(time.CLOCK_MONOTONIC))
        time.sleep(1)
        stage.reject()
        need(stage.watch.said().count('the clock was set by') == 2, 'the step back was not said')
        need(not any(' answered' in line for line in stage.watch.said().splitlines()[1:]), 'a false change')
        return f'both steps said; {stage.everything_kept()}'


@fault('clock an hour forward, and back')
def forward(options):
    return stepped(options, 3600)


@fault('clock an hour back, and forward')
def back(options):
    return stepped(options, -3600)


def run(options):
    rows = []
    for name, function in FAULTS:
        if options.only not in name or (name.startswith('clock') and not options.set_clock):
            continue
        try:
            rows.append((name, function(options), 'ok'))
        except Lost as lost:
            rows.append((name, str(lost), 'LOST'))
    table(['fault', 'what was seen', ''], rows)
    return 1 if any(row[2] != 'ok' for row in rows) else 0
