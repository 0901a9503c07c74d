"""What is told of a change, where and how soon."""
import os
import signal
import socket
import time

from program import REJECTED, TOLD, Lines, Watch, server_of, verdict_of
from world import PROMPT, SERVER, Network, check, mount, need_mounts, scratch, write


def test_a_line_within_two_seconds_and_one_when_it_is_repaired():
    with Network() as network, Watch(network, '--interval', '2') as watch:
        network.traffic()
        time.sleep(0.7)
        check(watch.out.count(TOLD) == 0 and watch.out.count(r'\S+ 198') == 0, f'told of what works: {watch.out.texts()}')
        network.reject()
        printed = network.traffic()
        check('refused' in printed or 'reset' in printed, f'dig: {printed}')
        since = time.monotonic()
        when, line = watch.out.expect(TOLD + r'; was answered; \d+ of \d+ attempts failed since \S+Z\. ')
        check(when - since < PROMPT, f'told after {when - since:.1f} s')
        network.repair()
        time.sleep(2.2)  # a window begins in which nothing failed
        network.traffic()
        since = time.monotonic()
        when, _ = watch.out.expect(r'\S+ 198\.51\.100\.53: answered; was rejected, by an intermediary \(proven\)')
        check(when - since < PROMPT, f'repair told after {when - since:.1f} s')
        check(watch.stop() == 0, 'status of a server that answers again')
        check('\x1b' not in watch.text() and line.count('\n') == 0, 'colours in a pipe')


def test_json_lines():
    with Network() as network, Watch(network, '--format', 'jsonl', run_as='nobody') as watch:
        network.reject()
        network.traffic()
        since = time.monotonic()
        when, _ = watch.out.expect('{"type":"change"')
        check(when - since < PROMPT, f'told after {when - since:.1f} s')
        time.sleep(0.6)
        network.traffic()
        check(watch.stop() == 1, 'status')
        changes, reports = watch.changes(), watch.reports()
        check([verdict_of(change['now']) for change in changes] == [REJECTED], f'{changes}')
        change = changes[0]
        check((change['address'], change['port'], change['before']['outcome']) == (SERVER, 53, 'none'), f'{change}')
        check(change['tcp']['rejected'] >= 1 and change['tcp']['first_failure'], f'{change["tcp"]}')
        check(len(reports) == 1, f'{len(reports)} reports')
        server = server_of(reports[0], SERVER)
        check(verdict_of(server) == REJECTED, f'{verdict_of(server)}')
        check(server['tcp']['attempts'] == 6 and server['udp']['answers'] == 12, f'{server["tcp"]} {server["udp"]}')
        source = reports[0]['source']
        check(source['command'] == 'watch' and [i['path'] for i in source['inputs']] == ['eth0'], f'{source}')
        check(reports[0]['vantage'] == 'client', reports[0]['vantage'])


def test_the_server_itself():
    """its own firewall"""
    with Network() as network, Watch(network, '--format', 'jsonl', '--interval', '600') as watch:
        network.dig('+notcp', names=[f'u{i}.example.test' for i in range(6)])
        network.rules('tcp dport 53 reject with tcp reset', name='server', hook='input')
        network.traffic()
        watch.out.expect('{"type":"change"')
        check(watch.stop() == 1, 'status')
        server = server_of(watch.reports()[0], SERVER)
        check(verdict_of(server)[:3] == ('rejected', 'server', 'strong'), f'{verdict_of(server)}')


def test_the_journal_takes_priorities():
    """JOURNAL_STREAM names standard output by its device and inode, as systemd does"""
    with Network() as network:
        network.reject()
        for fits in (True, False):
            mine, its = os.pipe()
            about = os.fstat(its)
            stream = f'{about.st_dev}:{about.st_ino + (not fits)}'
            with Watch(network, env={'JOURNAL_STREAM': stream}, stdout=its) as watch, os.fdopen(mine) as pipe:
                os.close(its)
                lines = Lines(pipe)
                network.traffic()
                lines.expect('<3>' + TOLD if fits else TOLD)
                check(watch.stop() == 1, 'status')
                lines.over.wait(2)


class Daemon:
    """A syslog daemon's socket at a path."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.path = path

    def next(self, seconds=PROMPT):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(8192).decode()
        except TimeoutError:
            return ''

    def end(self):
        self.socket.close()
        os.unlink(self.path)


def private_devices():
    """A /dev, to be bound over the real one, that has what a program needs and no syslog's socket."""
    need_mounts()
    path = scratch.new('dev')
    os.mkdir(path)
    for name in ('null', 'zero', 'urandom', 'random', 'full'):
        write(f'{path}/{name}', '')
        mount('--bind', f'/dev/{name}', f'{path}/{name}')
    return path


IN_OTHER_DEVICES = ['unshare', '-m', 'sh', '-c', 'mount --rbind "$0" /dev && exec "$@"']


def test_syslog_goes_and_comes_back():
    devices = private_devices()
    before = [*IN_OTHER_DEVICES, devices]
    with Network() as network:
        with Watch(network, '--syslog', before=before, ready=False) as watch:
            check(watch.end() == 2, 'without a daemon: status')
            watch.err.expect('tcp53: /dev/log: No such file or directory; does a syslog daemon run')
        daemon = Daemon(f'{devices}/log')
        with Watch(network, '--syslog', '--interval', '1', before=before, run_as='nobody') as watch:
            network.traffic()
            network.reject()
            time.sleep(1.2)
            network.traffic()
            line = daemon.next()
            check(line.startswith('<27>') and f' tcp53[{watch.pid}]: verdict server={SERVER} port=53 outcome=rejected '
                  'culprit=intermediary confidence=proven mechanism=syn-reset was=answered since=' in line, f'"{line}"')
            daemon.end()
            network.repair()
            time.sleep(1.2)
            network.traffic()
            watch.out.expect(r'\S+ 198\.51\.100\.53: answered')
            time.sleep(0.3)
            daemon = Daemon(f'{devices}/log')
            network.reject()
            time.sleep(1.2)
            network.traffic()
            lines = [daemon.next(4), daemon.next(4)]
            daemon.end()
            check(any('1 line lost' in line for line in lines), f'nothing of what was lost: {lines}')
            check(any('outcome=rejected' in line for line in lines), f'{lines}; {watch.out.texts()}')
            check(watch.stop(signal.SIGTERM) == 1, 'status')


def test_colour_and_quiet_have_their_say():
    with Network() as network, Watch(network, '-q', '--color', 'always') as watch:
        network.reject()
        network.traffic()
        watch.out.expect(TOLD)
        check(watch.stop() == 1, 'status')
        lines = watch.out.texts()
        check(len(lines) == 3 and all(SERVER in line and 'rejected' in line for line in lines), f'{lines}')
