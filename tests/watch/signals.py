"""How it ends, and what else it does when it is told to."""
import fcntl
import os
import signal
import subprocess
import time

from program import REJECTED, Lines, Watch, files_of, is_alive, judged, server_of, verdict_of, wait_gone
from world import PATIENCE, SERVER, Network, check, processes, scratch, wait_for

F_SETPIPE_SZ = 1031


def test_interrupt_and_terminate():
    with Network() as network:
        network.reject()
        for number in (signal.SIGINT, signal.SIGTERM):
            with Watch(network) as watch:
                network.udp(4)
                network.tcp(1)
                began = time.monotonic()
                status = watch.stop(number)
                check(status == 1, f'{number.name}: status {status}; {watch.text()[:400]}')
                check(time.monotonic() - began < 1, f'{number.name}: took {time.monotonic() - began:.1f} s')
                check('REJECTED, culprit: intermediary' in watch.text(), f'{number.name}: {watch.text()[:200]}')
                check(SERVER in watch.out.texts()[-1], 'no summary')


def test_a_report_so_far():
    with Network() as network, Watch(network, '--format', 'jsonl') as watch:
        network.udp(4)
        network.tcp(2)
        for turn in (1, 2):
            time.sleep(0.3)
            before = len(watch.out.list)
            watch.send(signal.SIGUSR1)
            watch.out.expect('{"type":"report"', after=before)
            check(watch.reports()[-1]['servers'][0]['tcp']['attempts'] == 2 * turn, 'counting went on')
            network.tcp(2)
        check(watch.stop() == 0, 'status')
        check(watch.reports()[-1]['servers'][0]['tcp']['attempts'] == 6, 'the end')


def test_hangup_begins_a_new_file():
    directory = scratch.new('evidence')
    with Network() as network, Watch(network, '-w', directory) as watch:
        network.reject()
        for turn in (1, 2):
            network.udp(2)
            network.tcp(2)
            check(wait_for(lambda wanted=turn: len(files_of(directory)) == wanted), f'{files_of(directory)}')
            watch.send(signal.SIGHUP)
            time.sleep(0.1)
        check(watch.stop() == 1, 'status')
        names = [os.path.basename(path) for path in files_of(directory)]
        check(names[:2] == ['tcp53-0001.pcap', 'tcp53-0002.pcap'], f'{names}')
        report = judged(*files_of(directory))
        check(verdict_of(server_of(report, SERVER)) == REJECTED, f'{verdict_of(server_of(report, SERVER))}')


def full_pipe():
    """A pipe that nobody reads and that takes nothing more: (read end, write end)"""
    mine, its = os.pipe()
    fcntl.fcntl(its, F_SETPIPE_SZ, 4096)
    os.set_blocking(its, False)
    try:
        while True:
            os.write(its, b'x' * 64)
    except BlockingIOError:
        pass
    os.set_blocking(its, True)
    return mine, its


def test_a_second_interrupt_ends_what_nobody_reads():
    """the report cannot be written: standard output is full"""
    with Network() as network:
        mine, its = full_pipe()
        with Watch(network, stdout=its) as watch:
            os.close(its)
            network.udp(2)
            network.tcp(1)
            watch.send(signal.SIGINT)
            time.sleep(1)
            check(is_alive(watch.pid), 'it did not wait for its reader')
            watch.send(signal.SIGINT)
            check(watch.end(1) == -signal.SIGINT, f'status {watch.process.returncode}')
        os.close(mine)


def test_interrupts_while_a_line_waits():
    """it stands in a line of change that nobody reads: the first interrupt cannot be heard, but two must end it"""
    with Network() as network:
        network.reject()
        mine, its = full_pipe()
        with Watch(network, stdout=its) as watch:
            os.close(its)
            network.udp(4)
            network.tcp(2)
            time.sleep(1.5)
            for _ in range(2):
                watch.send(signal.SIGINT)
                time.sleep(0.3)
            check(wait_gone(watch.pid, 1), 'it cannot be interrupted')
        os.close(mine)


def test_terminate_while_a_line_waits():
    """as a service manager ends it; a reader that reads again gets everything"""
    with Network() as network:
        network.reject()
        mine, its = full_pipe()
        with Watch(network, stdout=its) as watch, os.fdopen(mine, errors='replace') as pipe:
            os.close(its)
            network.udp(4)
            network.tcp(2)
            time.sleep(1.2)
            watch.send(signal.SIGTERM)
            time.sleep(0.2)
            lines = Lines(pipe)
            status = watch.end()
            lines.over.wait(PATIENCE)
            check(status == 1, f'status {status}, {[line for line in lines.texts() if not line.startswith("x")][:3]}')
            check(any(SERVER in line and 'rejected' in line for line in lines.texts()), f'{lines.texts()[-3:]}')
            check(any('REJECTED' in line for line in lines.texts()), f'{lines.texts()[-3:]}')


def test_the_reader_leaves():
    """`tcp53 watch | head -1`"""
    with Network() as network:
        network.reject()
        head = processes.start(['head', '-n', '1'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with Watch(network, stdout=head.stdin) as watch:
            head.stdin.close()
            network.udp(4)
            network.tcp(2)
            check(wait_for(lambda: head.poll() is not None), 'head did not get its line')
            status = watch.end(1)
            check(status in (1, 2), f'status {status}')
            check(watch.err.count('.*Broken pipe') == 0, f'{watch.err.texts()}')
        line = head.stdout.read()
        processes.end(head)
        check(SERVER in line and line.count('\n') == 1, line)


def test_the_reader_leaves_and_there_is_something_else():
    """a watch that keeps evidence goes on"""
    directory = scratch.new('evidence')
    with Network() as network:
        network.reject()
        mine, its = os.pipe()
        with Watch(network, '-w', directory, '--interval', '1', stdout=its) as watch:
            os.close(its)
            os.close(mine)
            network.udp(4)
            network.tcp(3)
            check(wait_for(lambda: files_of(directory)), 'no evidence')
            time.sleep(1.5)
            check(is_alive(watch.pid), 'it ended')
            check(watch.stop() in (1, 2), 'status')


def test_so_many_frames():
    with Network() as network:
        for count, wanted in ((4, 2), (1, 1)):
            with Watch(network, '--format', 'jsonl', '-c', str(count)) as watch:
                network.udp(8)
                status = watch.end()
                check(status == 3, f'status {status}')
                source = watch.reports()[0]['source']['inputs'][0]
                server = watch.reports()[0]['servers'][0]
                check(server['udp']['queries'] == wanted, f'{server["udp"]} {source}')


def test_so_many_seconds():
    with Network() as network, Watch(network, '--duration', '2', '-q') as watch:
        network.reject()
        network.udp(3)
        network.tcp(2)
        check(watch.end() == 1, 'status')
        took = time.monotonic() - watch.started
        check(1.9 < took < 2.9, f'{took:.1f} s')
