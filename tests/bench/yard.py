"""A pair of network namespaces with an interface that is watched, senders of traffic, and what processes cost."""
import json
import os
import re
import signal
import subprocess
import sys
import time

TICK = os.sysconf('SC_CLK_TCK')
TAIL = 10      # seconds that the longest flow takes
PATIENCE = 20  # seconds for a program to be ready, or to end


def die(text):
    sys.exit(f'bench: {text}')


def ip(*words, check=True):
    subprocess.run(['ip', *words], check=check, stderr=None if check else subprocess.DEVNULL)


class Yard:
    """Namespaces `host`, where `eth0` is watched, and `far`, at whose end of the wire frames are sent."""

    def __init__(self, addresses=()):
        self.host, self.far = (f'tcp53-{os.getpid()}-{name}' for name in ('host', 'far'))
        self.addresses = addresses

    def __enter__(self):
        for name in self.host, self.far:
            ip('netns', 'add', name)
            self.inside(name, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1')
            ip('-n', name, 'link', 'set', 'lo', 'up')
        self.make_wire()
        return self

    def __exit__(self, *_):
        for name in self.host, self.far:
            ip('netns', 'del', name, check=False)

    def make_wire(self):
        ip('-n', self.host, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', self.far)
        for name, addresses in (self.host, ('192.0.2.1',)), (self.far, self.addresses):
            for address in addresses if self.addresses else ():
                ip('-n', name, 'address', 'add', f'{address}/24', 'dev', 'eth0')
            ip('-n', name, 'link', 'set', 'eth0', 'up')

    @staticmethod
    def command(name, *words):
        return ['ip', 'netns', 'exec', name, *words]

    def inside(self, name, *words):
        subprocess.run(self.command(name, *words), check=True)

    def send(self, programs, scenario, rate, seconds):
        """Begins to send so many frames a second for so many seconds; the sender's process and its maker's."""
        span = seconds + TAIL
        maker = subprocess.Popen([f'{programs}/generate', scenario, str(rate * span), '-', str(span)],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sender = subprocess.Popen(self.command(self.far, f'{programs}/send', 'eth0', str(seconds)), stdin=maker.stdout,
                                  stdout=subprocess.PIPE, text=True)
        maker.stdout.close()
        return sender, maker

    def received(self):
        """Frames that came out of the wire, and those that the host's stack could not take."""
        text = subprocess.run(['ip', '-n', self.host, '-j', '-s', 'link', 'show', 'eth0'], check=True,
                              capture_output=True, text=True).stdout
        counts = json.loads(text)[0]['stats64']['rx']
        return counts['packets'], counts['dropped']


class Program:
    """A program at work whose standard error goes to a file."""

    def __init__(self, name, command, log, ready=None, **more):
        self.name, self.log = name, log
        with open(log, 'w') as errors:
            self.process = subprocess.Popen(command, stderr=errors, **more)
        self.pid = self.process.pid
        if ready:
            self.wait_for(ready)

    def said(self):
        with open(self.log) as text:
            return text.read()

    def wait_for(self, pattern, patience=PATIENCE):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if re.search(pattern, self.said()):
                return True
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        die(f'{self.name}: nothing of "{pattern}": {self.said().strip()[-500:]}')

    def status(self, field, pid=None):
        """Kilobytes by /proc/PID/status."""
        with open(f'/proc/{pid or self.pid}/status') as text:
            return int(re.search(rf'^{field}:\s*(\d+)', text.read(), re.M).group(1))

    def cpu(self):
        """User and system seconds up to now."""
        with open(f'/proc/{self.pid}/stat') as text:
            words = text.read().rsplit(')', 1)[1].split()
        return int(words[11]) / TICK, int(words[12]) / TICK

    def children(self):
        with open(f'/proc/{self.pid}/task/{self.pid}/children') as text:
            return [int(word) for word in text.read().split()]

    def end(self, number=signal.SIGTERM):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def watch_options(directory, *more):
    """tcp53 watch as a service has it: all outlets, here to one directory."""
    return ['watch', '-i', 'eth0', '-w', f'{directory}/ring', '--ticket', f'{directory}/tickets', '--metrics',
            f'{directory}/tcp53.prom', '-o', f'{directory}/report.json', '-j', *more]


def report(directory):
    try:
        with open(f'{directory}/report.json') as text:
            return json.load(text)
    except OSError as trouble:
        die(f'no report: {trouble}')


def table(heading, rows):
    """A markdown table; columns that are numbers stand at the right."""
    print('\n| ' + ' | '.join(heading) + ' |')
    numbers = [all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(heading))]
    print('|' + '|'.join(' ---: ' if number else ' --- ' for number in numbers) + '|')
    for row in rows:
        print('| ' + ' | '.join(f'{cell:,}' if isinstance(cell, (int, float)) else str(cell) for cell in row) + ' |')
    sys.stdout.flush()
