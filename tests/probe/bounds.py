"""How much a probe sends, and how long it takes."""
import os
import signal
import time

from program import AS_NOBODY, finish, read_report, report, run, start, tests_of, verdict_of
from world import SERVER, check, descendants_of, inside, scratch, wait_for
from yard import SERVER6, Yard, standin

MOST, MOST_LOCATED = 200, 600  # packets that a default run sends to one server, and gets
PATIENCE_OF_SILENCE = 15.0


def count_for(words, most, rules=(), **servers):
    with Yard(servers.get('servers') or {SERVER: standin('answer'), SERVER6: standin('answer')}) as yard:
        for rule in rules:
            yard.filter(rule)
        for address in (SERVER, SERVER6):
            yard.count()
            _, done = report(yard, *words, 'example.test', address, patience=40)
            sent, received = yard.counted()
            check(sent > 5, f'{address}: {sent} packets sent')
            check(sent + received <= most, f'{address}: {sent} packets sent, {received} received')
            check(done.seconds < (40 if '--locate' in words else PATIENCE_OF_SILENCE), f'{done.seconds:.1f} s')
            yard.nft('client', 'delete table inet count')


def test_packets_of_a_server_that_answers():
    count_for((), MOST)


def test_packets_of_a_server_that_refuses():
    count_for((), MOST, rules=['tcp dport 53 reject with tcp reset'])


def test_packets_of_a_server_that_is_silent():
    count_for((), MOST, rules=['meta l4proto { tcp, udp } drop'])


def test_packets_of_locate():
    count_for(('--locate',), MOST_LOCATED)


def test_packets_of_locate_and_silence():
    count_for(('--locate',), MOST_LOCATED, rules=['tcp dport 53 drop'])


def test_packets_of_locate_and_reset():
    count_for(('--locate',), MOST_LOCATED, rules=['tcp dport 53 reject with tcp reset'])


def test_tries_and_timeout():
    with Yard({SERVER: standin('answer')}) as yard:
        yard.filter('tcp dport 53 drop')
        found, done = report(yard, '--tries', '1', '--timeout', '1', 'example.test', SERVER)
        check(done.seconds < 5, f'{done.seconds:.1f} s')
        test = tests_of(found, SERVER)['tcp']
        check(test['tries'] == 1 and set(test['statuses']) == {'silent'}, f'{test}')
        check(verdict_of(found, SERVER)[0] in ('unanswered', 'none'), f'{verdict_of(found, SERVER)}')  # one SYN is little


def test_interrupted():
    """What is known so far is told, and nobody stays."""
    with Yard({SERVER: standin('answer')}) as yard:
        yard.filter('tcp dport 53 drop')
        for before in ((), AS_NOBODY):
            process = start(yard, '-j', '--timeout', '10', 'example.test', SERVER, before=before)
            time.sleep(1.5)
            below = descendants_of(process.pid)
            process.send_signal(signal.SIGINT)
            done = finish(process, 3)
            check(done.status in (1, 3), f'status {done.status}: {done.err}')
            check(tests_of(read_report(done), SERVER)['udp']['answered'] > 0, 'what UDP said is not told')
            check(wait_for(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in below)), f'left: {below}')
            with inside(yard.spaces['client']), open('/proc/thread-self/net/tcp', encoding='ascii') as file:
                states = [line.split()[3] for line in file.readlines()[1:]]
            check('02' not in states and '01' not in states, f'sockets left: {states}')


def test_interrupted_while_locating():
    with Yard({SERVER: standin('answer')}) as yard:
        yard.filter('tcp dport 53 drop')
        path = scratch.new('report')
        process = start(yard, '--locate', '-o', path, 'example.test', SERVER)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        done = finish(process, 3)
        check(done.status in (1, 3), f'status {done.status}: {done.err}')
        with open(path, encoding='utf-8') as file:
            check(SERVER in file.read(), 'the report does not name the server')


def test_silence_of_many_servers():
    """They are waited for together."""
    addresses = [f'198.51.100.{n}' for n in range(61, 69)]
    with Yard() as yard:
        yard.filter('meta l4proto { tcp, udp } drop')
        done = run(yard, 'example.test', *addresses)
        check(done.status == 1, f'status {done.status}: {done.err}')
        check(done.seconds < PATIENCE_OF_SILENCE, f'{done.seconds:.1f} s')
        for address in addresses:
            check(address in done.out, f'no {address}')
