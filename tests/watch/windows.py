"""Reports: of each window, and where they go."""
import json
import os
import time

from program import REJECTED, TOLD, Watch, read_json, server_of, verdict_of
from world import SERVER, Network, check, scratch


def test_a_report_of_each_window():
    with Network() as network, Watch(network, '--interval', '2', '--format', 'jsonl') as watch:
        network.reject()
        for _ in range(3):
            network.traffic()
            watch.out.expect('{"type":"report"', after=len(watch.out.list))
        time.sleep(2.6)  # a window in which nobody was asked is silent
        check(watch.stop() == 1, 'status')
        changes, reports = watch.changes(), watch.reports()
        check([verdict_of(change['now']) for change in changes] == [REJECTED], f'told {len(changes)} times: {changes}')
        servers = [server_of(report, SERVER) for report in reports if report['servers']]
        asked = [server for server in servers if server['outcome'] != 'none']
        check(sum(server['tcp']['attempts'] for server in asked) == 9, f'{[s["tcp"] for s in asked]}')
        check(all(server['tcp']['attempts'] <= 6 for server in asked), f'{[s["tcp"] for s in asked]}')
        check(all(verdict_of(server) == REJECTED for server in asked), f'{[verdict_of(s) for s in asked]}')
        check(3 <= len(reports) <= 5, f'{len(reports)} reports')
        check(reports[-1]['verdict']['exit_status'] == 3, f'the last, empty one: {reports[-1]["verdict"]}')


def test_each_attempt_is_in_one_window():
    """whatever rejects it, and whenever: those that an ICMP error ends stay open for the client"""
    for rule, mechanism in (('reject with tcp reset', 'syn-reset'),
                            ('reject with icmp type admin-prohibited', 'icmp-admin-prohibited')):
        with Network() as network, Watch(network, '--interval', '1', '--format', 'jsonl') as watch:
            network.udp(6)
            network.rules(f'tcp dport 53 {rule}')
            for _ in range(12):
                network.tcp(1)
                time.sleep(0.15)
            time.sleep(3.5)  # closed flows linger for three seconds
            network.tcp(1)
            check(watch.stop() == 1, 'status')
            servers = [server_of(report, SERVER) for report in watch.reports() if report['servers']]
            counted = [server['tcp']['attempts'] for server in servers]
            check(sum(counted) == 13, f'{mechanism}: {counted} attempts in windows, made were 13')
            check(len(watch.changes()) == 1, f'{mechanism}: {[verdict_of(c["now"]) for c in watch.changes()]}')
            check({s['mechanism'] for s in servers if s['outcome'] == 'rejected'} == {mechanism}, 'mechanism')


def test_windows_as_text():
    with Network() as network, Watch(network, '--interval', '1') as watch:
        network.traffic()
        watch.out.expect(r'=== until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, \d+ frames, 0 dropped')
        time.sleep(1.5)
        check(watch.out.count('===') == 1, 'a report of a window in which nothing happened')
        check(watch.stop() == 0, 'status')
        check(watch.out.count('=== ') == 2, 'the end has no report')
        check(watch.out.count('ANSWERED') == 1, f'{watch.out.texts()}')


def test_a_file_replaced_whole():
    path = scratch.new('out') + '/report.json'
    with Network() as network, Watch(network, '-j', '-o', path, '--interval', '1', run_as='nobody') as watch:
        network.reject()
        seen, whole, end = set(), 0, time.monotonic() + 4.5
        while time.monotonic() < end:
            if whole % 8 == 0:
                network.udp(1)
                network.tcp(1)
            try:
                with open(path, encoding='utf-8') as file:
                    inode, report = os.fstat(file.fileno()).st_ino, json.load(file)
            except FileNotFoundError:
                inode = None
            if inode:
                seen.add((inode, report['generated']))
            whole += 1
            time.sleep(0.02)
        check(len(seen) >= 3, f'{len(seen)} versions')
        check(watch.stop() == 1, 'status')
        check(os.listdir(os.path.dirname(path)) == ['report.json'], f'{os.listdir(os.path.dirname(path))}')
        check(watch.out.texts() == [], f'{watch.out.texts()[:3]}')
        watch.err.expect(TOLD)  # not on standard output: nothing but JSON could be there
        check(server_of(read_json(path), SERVER)['outcome'] in ('rejected', 'none'), 'the last report')


def test_one_object_at_the_end():
    with Network() as network, Watch(network, '-j', '--interval', '1') as watch:
        network.reject()
        network.traffic()
        watch.err.expect(TOLD)
        time.sleep(1.2)
        network.traffic()
        check(watch.out.texts() == [], 'something before the end')
        check(watch.stop() == 1, 'status')
        scratch.keep_json(watch.text())
        report = json.loads(watch.text())
        check(report['source']['command'] == 'watch', 'command')


def test_as_a_plugin():
    with Network() as network:
        for prepare, word, status in [(None, 'UNKNOWN', 3), (network.repair, 'OK', 0), (network.reject, 'CRITICAL', 2)]:
            with Watch(network, '--nagios', '--duration', '2') as watch:
                if prepare:
                    prepare()
                    network.traffic()
                check(watch.end() == status, f'{word}: status {watch.process.returncode}')
                lines = watch.out.texts()
                check(len(lines) == 1 and word in lines[0].split(':')[0] and '|' in lines[0], f'{word}: {lines}')


def test_exit_status():
    path = scratch.new('out') + '/report'
    with Network() as network:
        with Watch(network, '-q') as watch:
            network.udp(2)
            check(watch.stop() == 3, 'UDP alone')
        with Watch(network, '-q') as watch:
            check(network.tcp(2) == 2, 'not answered')
            check(watch.stop() == 0, 'answered')
        network.reject()
        with Watch(network, '-q') as watch:
            network.udp(4)
            network.tcp(2)
            check(watch.stop() == 1, 'rejected, seen when it was stopped at once')
        with Watch(network, '-o', path) as watch:
            os.rmdir(os.path.dirname(path))
            network.tcp(1)
            check(watch.stop() == 2, 'a report that could not be written')
            check(watch.err.count('tcp53: report: No such file or directory') == 1, f'{watch.err.texts()}')


def test_only_what_is_asked_for():
    """--server, --client, --filter, --port; a port that is not named is not seen"""
    with Network() as network:
        network.reject()
        for arguments, seen in [
                (('--server', SERVER), True),
                (('--server', '203.0.113.9'), False),
                (('--client', '192.0.2.10'), True),
                (('--client', '192.0.2.11'), False),
                (('--filter', 'host 198.51.100.53'), True),
                (('--filter', 'host 198.51.100.54'), False),
                (('--port', '5353'), False),
                (('--port', '53', '--port', '5353'), True),
        ]:
            with Watch(network, '-q', *arguments) as watch:
                network.udp(3)
                network.tcp(2)
                status = watch.stop()
                check(status == (1 if seen else 3), f'{arguments}: status {status}')
                check((SERVER in watch.text()) == seen, f'{arguments}: {watch.text()}')
