"""`tcp53 watch` at work in a namespace, and what it says."""
import contextlib
import glob
import json
import os
import re
import signal
import subprocess
import threading
import time

from world import PATIENCE, Failed, check, inside, processes, scratch, wait_for

VERDICT = ('outcome', 'culprit', 'confidence', 'mechanism')
REJECTED = ('rejected', 'intermediary', 'proven', 'syn-reset')
TOLD = r'\S+ 198\.51\.100\.53: rejected, by an intermediary \(proven\)'


def program():
    return scratch.file('tcp53')


class Lines:
    """What comes through a pipe, with the time of each line."""

    def __init__(self, pipe):
        self.list, self.over = [], threading.Event()
        self.pipe = pipe
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with contextlib.suppress(ValueError, OSError):
            for line in self.pipe:
                self.list.append((time.monotonic(), line.rstrip('\n')))
        self.over.set()

    def find(self, pattern, after=0):
        return next(((when, line) for when, line in list(self.list)[after:] if re.match(pattern, line)), None)

    def expect(self, pattern, patience=PATIENCE, after=0):
        """(time, line) of the first line that begins so."""
        end = time.monotonic() + patience
        while True:
            over = self.over.is_set()
            found = self.find(pattern, after)
            if found:
                return found
            if over or time.monotonic() > end:
                raise Failed(f'no line "{pattern}" among {[line for _, line in self.list[-5:]]}')
            time.sleep(0.01)

    def texts(self):
        return [line for _, line in list(self.list)]

    def count(self, pattern):
        return sum(1 for line in self.texts() if re.match(pattern, line))


class Watch:
    """Ends, by force at worst, with its `with`."""

    def __init__(self, network, *arguments, before=(), space='client', interface='eth0', env=None, stdout=subprocess.PIPE,
                 ready=True, run_as=None):
        words = [*before, program(), 'watch', *(['-i', interface] if interface else []),
                 *(['-Z', run_as] if run_as else []), *arguments]
        with inside(network.spaces[space]):
            self.process = processes.start(words, text=True, stdin=subprocess.DEVNULL, stdout=stdout,
                                           stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
        self.out = Lines(self.process.stdout) if stdout == subprocess.PIPE else None
        self.err = Lines(self.process.stderr)
        self.started = time.monotonic()
        if ready:
            self.err.expect('tcp53: watching ')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes.end(self.process)

    @property
    def pid(self):
        return self.process.pid

    def clerk(self):
        with open(f'/proc/{self.pid}/task/{self.pid}/children', encoding='ascii') as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def send(self, number):
        self.process.send_signal(number)

    def end(self, patience=PATIENCE):
        """Its status, once it has ended by itself."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise Failed(f'it did not end in {patience} s; {self.err.texts()[-3:]}') from None
        for lines in (self.out, self.err):
            if lines:
                lines.over.wait(PATIENCE)
        return status

    def stop(self, number=signal.SIGINT, patience=PATIENCE):
        self.send(number)
        return self.end(patience)

    def text(self):
        return '\n'.join(self.out.texts()) + '\n'

    def objects(self):
        """Of --format jsonl; what they are is validated at the end."""
        lines = self.out.texts()
        if lines:
            scratch.keep_json('\n'.join(lines) + '\n')
        return [json.loads(line) for line in lines]

    def changes(self):
        return [thing for thing in self.objects() if thing['type'] == 'change']

    def reports(self):
        return [thing for thing in self.objects() if thing['type'] == 'report']


def run(network, *arguments, before=(), space='client', env=None, patience=PATIENCE):
    """A run that ends by itself: status, output, errors."""
    with Watch(network, *arguments, before=before, space=space, interface=None, env=env, ready=False) as watch:
        status = watch.end(patience)
        return status, '\n'.join(watch.out.texts()), '\n'.join(watch.err.texts())


def verdict_of(thing):
    return tuple(thing[key] for key in VERDICT)


def read_json(path):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    scratch.keep_json(text)
    return json.loads(text)


def judged(*paths):
    """What `tcp53 read` says of captures."""
    done = subprocess.run([program(), 'read', '-j', *paths], capture_output=True, text=True, timeout=4 * PATIENCE,
                          check=False)
    check(done.stdout.startswith('{'), f'read {paths}: {done.stderr}')
    scratch.keep_json(done.stdout)
    return json.loads(done.stdout)


def server_of(report, address):
    found = next((server for server in report['servers'] if server['address'] == address), None)
    check(found, f'no server {address} in the report')
    return found


def files_of(directory):
    return sorted(glob.glob(os.path.join(directory, '*.pcap')))


def sizes_of(directory):
    with contextlib.suppress(FileNotFoundError):
        return [os.path.getsize(path) for path in files_of(directory)]
    return []


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def descriptors_of(pid):
    found = {}
    for name in os.listdir(f'/proc/{pid}/fd'):
        with contextlib.suppress(FileNotFoundError):
            found[int(name)] = os.readlink(f'/proc/{pid}/fd/{name}')
    return found


def is_alive(pid):
    with contextlib.suppress(FileNotFoundError):
        return status_of(pid)['State'][0] != 'Z'
    return False


def wait_gone(pid, patience=PATIENCE):
    return wait_for(lambda: not is_alive(pid), patience)
