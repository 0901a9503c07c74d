"""Which servers are asked, what they answer, and how they compare."""
import json
import os
import shutil
import subprocess

import world
from program import report, run, server_of, tests_of, verdict_of
from world import SERVER, Skipped, check, scratch, write
from yard import SERVER6, Yard, nsd, standin, unbound

ANSWER = [f'microsoft.com MX preference = 10, mail exchanger = mail{n}.microsoft.com' for n in range(1, 6)] \
    + [f'mail{n}.microsoft.com internet address = 131.107.3.{126 - n}' for n in range(1, 6)]
REFUSES, ANSWERS = '10.2.124.134', '10.2.124.133'


def kb_yard():
    return Yard({REFUSES: unbound(tcp=False), ANSWERS: nsd()})


def resolv_conf(*addresses):
    path = scratch.new('resolv.conf')
    write(path, ''.join(f'nameserver {address}\n' for address in addresses))
    return path


def test_table_of_two_servers():
    """One refuses TCP, the other one is to be used."""
    with kb_yard() as yard:
        path = resolv_conf(REFUSES, ANSWERS)
        done = run(yard, '--resolv-conf', path, 'microsoft.com')
        check(done.status == 1, f'status {done.status}: {done.err}')
        for line in ANSWER:
            check(line in [text.strip() for text in done.out.splitlines()], f'no line "{line}" in:\n{done.out}')
        check(f'{ANSWERS} answers over TCP' in done.out, f'no remedy in:\n{done.out}')
        found, done = report(yard, '--resolv-conf', path, 'microsoft.com')
        check(done.status == 1, f'status {done.status}')
        check(verdict_of(found, REFUSES) == ('rejected', 'server', 'syn-reset'), f'{verdict_of(found, REFUSES)}')
        check(verdict_of(found, ANSWERS)[:2] == ('answered', 'none'), f'{verdict_of(found, ANSWERS)}')
        probe = found['probe']
        check((probe['name'], probe['type']) == ('microsoft.com', 'MX'), f'{probe["name"]} {probe["type"]}')
        check(path in probe['servers_from'], f'{probe["servers_from"]}')
        check(probe['recommended'] == [ANSWERS], f'{probe["recommended"]}')
        check(found['source']['command'] == 'probe', f'{found["source"]}')
        check(set(ANSWER) <= set(server_of(probe['servers'], ANSWERS)['answer']), f'{probe["servers"]}')


def test_saved_packets():
    """What is read from them is what was said, frame by frame."""
    with kb_yard() as yard:
        path = scratch.new('pcap')
        found, done = report(yard, '-w', path, 'microsoft.com', REFUSES, ANSWERS)
        check(found['source']['inputs'][0]['path'] == path, f'{found["source"]["inputs"]}')
        again = subprocess.run([scratch.file('tcp53'), 'read', '-j', path], capture_output=True, text=True)
        check(again.returncode == done.status == 1, f'status {done.status}, {again.returncode}: {again.stderr}')
        read = json.loads(again.stdout)
        for address in REFUSES, ANSWERS:
            check(verdict_of(read, address) == verdict_of(found, address), f'{address}: {verdict_of(read, address)}')
        frames = [[e['frames'] for e in server_of(r['servers'], REFUSES)['evidence']] for r in (found, read)]
        check(frames[0] and frames[0] == frames[1], f'frames {frames}')


def test_all_are_fine():
    with Yard({SERVER: unbound(), SERVER6: nsd()}) as yard:
        done = run(yard, 'example.test', SERVER, SERVER6)
        check(done.status == 0, f'status {done.status}: {done.err}\n{done.out}')
        check('example.test MX preference = 10, mail exchanger = mail1.example.test' in done.out, done.out)


def test_other_types():
    with Yard({SERVER: nsd()}) as yard:
        done = run(yard, '-t', 'A', 'mail1.example.test.', SERVER)
        check(done.status == 0, f'status {done.status}: {done.err}')
        check('mail1.example.test internet address = 192.0.2.101' in done.out, done.out)
        done = run(yard, '--type', 'aaaa', 'mail1.example.test', SERVER)
        check(done.status == 0 and 'mail1.example.test AAAA IPv6 address = 2001:db8:1::101' in done.out, done.out)


def test_a_name_that_is_not_there():
    """NXDOMAIN is an answer."""
    with Yard({SERVER: nsd()}) as yard:
        found, done = report(yard, 'no-such.example.test', SERVER)
        check(done.status == 0, f'status {done.status}')
        check(server_of(found['probe']['servers'], SERVER)['rcode'] in (3, 'NXDOMAIN'),
              f'{server_of(found["probe"]["servers"], SERVER)}')


def test_nobody_there():
    with Yard() as yard:
        yard.ip('server', 'link set eth0 down\n')
        found, done = report(yard, 'example.test', SERVER)
        check(done.status == 1, f'status {done.status}')
        check(verdict_of(found, SERVER)[1] in ('undetermined', 'none', 'server'), f'{verdict_of(found, SERVER)}')


def test_no_route():
    """Nothing was sent, so nobody is accused."""
    with Yard() as yard:
        yard.sh('client', 'ip route del default; ip -6 route del default')
        for address in (SERVER, SERVER6):
            found, done = report(yard, 'example.test', address)
            check(done.status in (1, 3), f'status {done.status}')
            check(set(tests_of(found, address)['tcp']['statuses']) == {'local-error'}, f'{tests_of(found, address)}')
            check(all(server['culprit'] in ('none', 'undetermined', 'local') for server in found['servers']),
                  f'{found["servers"]}')


def test_first_hop_reset():
    with Yard({SERVER: unbound(), SERVER6: unbound()}) as yard:
        yard.filter('tcp dport 53 reject with tcp reset')
        found, done = report(yard, 'example.test', SERVER, SERVER6)
        check(done.status == 1, f'status {done.status}')
        check(found['source']['inputs'] and found['source']['inputs'][0]['frames'] > 10, f'{found["source"]["inputs"]}')
        for address in (SERVER, SERVER6):
            check(verdict_of(found, address) == ('rejected', 'intermediary', 'syn-reset'), f'{verdict_of(found, address)}')


def test_one_server_twice():
    with Yard({SERVER: standin('answer')}) as yard:
        found, done = report(yard, '--tries', '1', 'example.test', SERVER, SERVER)
        check(done.status == 0, f'status {done.status}')
        check(len(found['servers']) == 1 and len(found['probe']['servers']) == 1, 'it is asked twice')


def test_another_port():
    with Yard() as yard:
        yard.begin(SERVER, [world.standin(), 'answer', 'udp=yes', 'port=5300'])
        check(world.wait_for(lambda: run(yard, '--port', '5300', '--tries', '1', 'example.test', SERVER).status == 0), 'status')


# ------------------------------------------------------------------ monitoring

def test_plugin():
    cases = [
        ((ANSWERS,), 0, 'TCP53 OK - '),
        ((REFUSES,), 2, 'TCP53 CRITICAL - '),
        ((ANSWERS, REFUSES), 2, 'TCP53 CRITICAL - '),
        (('198.51.100.99',), 1, 'TCP53 WARNING - '),
    ]
    with kb_yard() as yard:
        yard.filter('ip daddr 198.51.100.99 drop')
        for addresses, status, words in cases:
            done = run(yard, '--nagios', '--tries', '1', '--timeout', '2', 'microsoft.com', *addresses)
            check(done.status == status, f'{addresses}: status {done.status}: {done.out}{done.err}')
            check(done.out.startswith(words) and len(done.out.splitlines()) == 1, f'{addresses}: {done.out}')
            check('| ' in done.out, f'no performance data: {done.out}')
        done = run(yard, '--nagios', '--resolv-conf', '/no/such/file', 'microsoft.com')
        check(done.status == 3, f'trouble: status {done.status}: {done.out}{done.err}')


def test_one_line_a_server():
    with kb_yard() as yard:
        done = run(yard, '-q', '--tries', '1', 'microsoft.com', REFUSES, ANSWERS)
        check(done.status == 1 and len(done.out.splitlines()) == 2, f'status {done.status}:\n{done.out}')
        check(done.out.startswith(REFUSES), done.out)


def test_report_in_a_file():
    with kb_yard() as yard:
        path = scratch.new('report.json')
        done = run(yard, '-j', '-o', path, '--tries', '1', 'microsoft.com', REFUSES, ANSWERS)
        check(done.status == 1 and done.out == '', f'status {done.status}: {done.out}{done.err}')
        with open(path, encoding='utf-8') as file:
            text = file.read()
        scratch.keep_json(text)
        check(len(json.loads(text)['servers']) == 2, text[:200])
        done = run(yard, '-o', f'{path}/x', '--tries', '1', 'microsoft.com', ANSWERS)
        check(done.status == 2, f'no such place: status {done.status}')


def test_metrics():
    with kb_yard() as yard:
        path = scratch.new('probe.prom')
        done = run(yard, '--metrics', path, '-q', '--tries', '2', 'microsoft.com', REFUSES, ANSWERS)
        check(done.status == 1, f'status {done.status}: {done.err}')
        with open(path, encoding='utf-8') as file:
            text = file.read()
        for server, transport, value in [(REFUSES, 'udp', 1), (REFUSES, 'tcp', 0), (ANSWERS, 'udp', 1), (ANSWERS, 'tcp', 1)]:
            lines = [line for line in text.splitlines() if line.startswith('tcp53_probe_success{')
                     and server in line and f'transport="{transport}"' in line]
            check(len(lines) == 1 and float(lines[0].split()[-1]) == value, f'{server} {transport}: {lines}')
        check('tcp53_last_run_timestamp_seconds' in text and 'tcp53_verdict{' in text, text)
        check(os.listdir(os.path.dirname(path)) == ['probe.prom'], f'{os.listdir(os.path.dirname(path))}')
        if not shutil.which('promtool'):
            raise Skipped('no promtool')
        done = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True, text=True, check=False)
        check(done.returncode == 0 and not done.stderr, f'promtool: {done.stdout}{done.stderr}')
