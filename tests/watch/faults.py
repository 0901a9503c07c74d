"""What must not end a watch: interfaces, disks, readers and helpers that go away."""
import contextlib
import os
import shutil
import signal
import time

from program import REJECTED, TOLD, Watch, files_of, is_alive, judged, server_of, sizes_of, verdict_of
from world import SERVER, Network, check, mount, need_mounts, scratch, unmount, wait_for


def verdict_now(watch, network, after=0):
    """It sees and judges as ever."""
    network.traffic()
    watch.out.expect(TOLD, after=after)


def test_an_interface_down_and_up():
    with Network() as network, Watch(network) as watch:
        network.udp(4)
        network.ip('client', 'link set eth0 down\n')
        time.sleep(0.5)
        check(is_alive(watch.pid), 'it ended')
        network.ip('client', 'link set eth0 up\nroute replace default via 192.0.2.1\n')
        network.reject()
        verdict_now(watch, network)
        check(watch.stop() == 1, 'status')


def test_an_interface_deleted_and_made_again():
    with Network() as network, Watch(network, run_as='nobody') as watch:
        network.udp(4)
        network.ip('client', 'link del eth0\n')
        watch.err.expect('tcp53: eth0 is gone; waiting for it')
        time.sleep(0.5)
        network.connect_client()
        watch.err.expect('tcp53: eth0 is back')
        network.reject()
        verdict_now(watch, network)
        check(watch.stop() == 1, 'status')


def fill(path):
    """The disk, with a file."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while os.write(descriptor, bytes(4096)):
            pass
    os.close(descriptor)


def test_no_room_for_evidence():
    """a disk of a megabyte that is full: it goes on, says so, and writes again when there is room"""
    need_mounts()
    directory = scratch.new('disk')
    os.mkdir(directory)
    mount('-t', 'tmpfs', '-o', 'size=1m,mode=777', 'none', directory)
    try:
        fill(f'{directory}/fill')
        with Network() as network, Watch(network, '-w', f'{directory}/ring', '--interval', '1', run_as='nobody') as watch:
            network.reject()
            verdict_now(watch, network)
            watch.err.expect(f'tcp53: {directory}/ring: No space left on device')
            told = len([line for line in watch.err.texts() if 'No space' in line])
            for _ in range(6):
                network.tcp(2)
                time.sleep(0.2)
            check(is_alive(watch.pid), 'it ended')
            check(len([line for line in watch.err.texts() if 'No space' in line]) <= told + 1, f'{watch.err.texts()}')
            os.unlink(f'{directory}/fill')
            time.sleep(1.2)
            network.udp(3)
            network.tcp(3)
            check(wait_for(lambda: sum(sizes_of(f'{directory}/ring')) > 200), f'not written again: {watch.err.texts()}')
            watch.err.expect(f'tcp53: {directory}/ring: evidence is written again')
            check(watch.stop() == 1, 'status')
            report = judged(f'{directory}/ring')
            check(server_of(report, SERVER)['culprit'] == 'intermediary', 'verdict of what was written')
            check(not report['source']['inputs'][0]['truncated'], 'truncated')
    finally:
        unmount(directory)


def test_a_directory_is_removed():
    base = scratch.new('base')
    os.mkdir(base)
    with Network() as network:
        with Watch(network, '-w', f'{base}/ring', '--ticket', f'{base}/tickets', '-o', f'{base}/out/report',
                   '--metrics', f'{base}/prom/a.prom', '--interval', '1') as watch:
            network.udp(4)
            for part in ('ring', 'tickets', 'out', 'prom'):
                shutil.rmtree(f'{base}/{part}')
            network.reject()
            network.traffic()
            watch.out.expect(TOLD)
            watch.err.expect('tcp53: report: ')
            watch.err.expect('tcp53: --ticket: ')
            watch.err.expect(f'tcp53: {base}/ring: No such file or directory; packets of failed lookups are lost')
            time.sleep(2.2)
            network.tcp(2)
            check(is_alive(watch.pid), 'it ended')
            check(watch.err.count('tcp53: report: ') == 1, f'told again and again: {watch.err.texts()}')
            check(watch.stop() == 2, 'status')


def test_standard_output_is_closed():
    """descriptor 1 must not become one of its own, into which lines would go"""
    directory = scratch.new('evidence')
    for arguments, statuses in ((('-w', directory), (1, 2)), ((), (1, 2))):
        with Network() as network:
            network.reject()
            before = ('sh', '-c', 'exec "$@" >&-', 'sh')
            with Watch(network, *arguments, '--interval', '1', before=before) as watch:
                network.udp(4)
                network.tcp(3)
                time.sleep(1.8)
                target = os.readlink(f'/proc/{watch.pid}/fd/1') if is_alive(watch.pid) else 'ended'
                check('socket' not in target and directory not in target, f'descriptor 1 is {target}')
                status = watch.stop() if is_alive(watch.pid) else watch.end()
                check(status in statuses, f'status {status}')
                check(not arguments or files_of(directory), 'no evidence')


def test_all_standard_descriptors_are_closed():
    directory = scratch.new('evidence')
    with Network() as network:
        network.reject()
        before = ('sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh')
        with Watch(network, '-w', directory, before=before, ready=False) as watch:
            check(wait_for(watch.clerk), 'it did not begin')
            time.sleep(0.5)
            network.udp(4)
            network.tcp(3)
            check(wait_for(lambda: sum(sizes_of(directory)) > 200), 'no evidence')
            for number in range(3):
                target = os.readlink(f'/proc/{watch.pid}/fd/{number}')
                check(target == '/dev/null', f'descriptor {number} is {target}')
            check(watch.stop() in (1, 2), 'status')


def test_stopped_for_some_seconds():
    """what came meanwhile is in the kernel's buffer"""
    with Network() as network, Watch(network, '--format', 'jsonl') as watch:
        network.udp(4)
        watch.send(signal.SIGSTOP)
        network.reject()
        network.traffic()
        time.sleep(3)
        network.traffic()
        watch.send(signal.SIGCONT)
        since = time.monotonic()
        when, _ = watch.out.expect('{"type":"change"')
        check(when - since < 2, f'told after {when - since:.1f} s')
        check(watch.stop() == 1, 'status')
        server = server_of(watch.reports()[0], SERVER)
        check(verdict_of(server) == REJECTED and server['tcp']['attempts'] == 6, f'{verdict_of(server)} {server["tcp"]}')
        check(not [line for line in watch.err.texts() if 'clock' in line], f'{watch.err.texts()}')


def test_the_clerk_is_killed():
    base = scratch.new('base')
    os.mkdir(base)
    with Network() as network:
        with Watch(network, '-w', f'{base}/ring', '-o', f'{base}/out/report', '--ticket', f'{base}/tickets',
                   '--interval', '1', '--exec', 'true') as watch:
            network.udp(4)
            os.kill(watch.clerk(), signal.SIGKILL)
            time.sleep(0.7)
            network.reject()
            verdict_now(watch, network)
            watch.err.expect('tcp53: report: Broken pipe')
            watch.err.expect(r'tcp53: the process that opens files .* has ended')
            check(is_alive(watch.pid), 'it ended')
            check(watch.stop() == 2, 'status')
            check(len(watch.err.texts()) <= 8, f'told again and again: {watch.err.texts()}')


def test_a_clerk_that_hangs():
    """files wait for it no longer than some seconds; verdicts are told meanwhile"""
    base = scratch.new('base')
    os.mkdir(base)
    with Network() as network:
        with Watch(network, '-w', f'{base}/ring', '--interval', '60') as watch:
            clerk = watch.clerk()
            network.udp(4)
            os.kill(clerk, signal.SIGSTOP)
            network.reject()
            network.traffic()
            watch.out.expect(TOLD)
            check(wait_for(lambda: watch.err.find('tcp53: .*'), 6), 'nothing is said')
            os.kill(clerk, signal.SIGCONT)
            time.sleep(1.2)
            network.tcp(3)
            check(wait_for(lambda: sum(sizes_of(f'{base}/ring')) > 200), 'no evidence once it works again')
            check(watch.stop() in (1, 2), 'status')
