"""What differs: other segments, a TOS, another name, another port."""
import re

import world
from program import check_all_answered, report, run, server_of, tests_of, verdict_of
from world import SERVER, check
from yard import SERVER6, Yard, nsd, standin, unbound

# the query's name "example..." behind a TCP header with timestamps and the message's length and header
BY_NAME = 'tcp dport 53 @th,368,64 0x076578616d706c65 reject with tcp reset'


def test_all_ways_of_asking():
    with Yard({SERVER: unbound(), SERVER6: nsd()}) as yard:
        found, done = report(yard, 'example.test', SERVER, SERVER6)
        check(done.status == 0, f'status {done.status}')
        check(found['probe']['captured'] is True and found['probe']['obstacle'] is None, f'{found["probe"]}')
        for address in (SERVER, SERVER6):
            check(verdict_of(found, address)[0] == 'answered', f'{verdict_of(found, address)}')
            check_all_answered(tests_of(found, address), 'udp', 'udp-edns', 'tcp', 'pipelined', 'reused', 'split')


def test_big_answer():
    """TC=1 over UDP, the whole over TCP"""
    with Yard({SERVER: unbound(), SERVER6: nsd()}) as yard:
        found, done = report(yard, 'big.example.test', SERVER, SERVER6)
        check(done.status == 0, f'status {done.status}')
        for address in (SERVER, SERVER6):
            tests = tests_of(found, address)
            check(set(tests['udp']['statuses']) == {'truncated'}, f'{address}: {tests["udp"]}')
            check_all_answered(tests, 'truncated', 'tcp')
            check(tests['tcp']['bytes'] > 1232, f'{address}: {tests["tcp"]}')
            lines = server_of(found['probe']['servers'], address)['answer']
            # unbound begins with any of them, and a long answer's last ones are left out
            check(all(re.fullmatch(r'big.example.test MX preference = (\d+), mail exchanger = mx\1.example.test', line)
                      for line in lines), f'{lines[:3]}')
            check(len(set(lines)) == 64, f'{len(lines)} lines')


def test_long_answers_that_rotate():
    """are the same, although others of their records are left out"""
    with Yard({SERVER: unbound(), '198.51.100.61': unbound()}) as yard:
        shown = run(yard, 'big.example.test', SERVER, '198.51.100.61').out
        check('... and 16 more' in shown and 'another one' not in shown, shown)


def test_big_answer_refused():
    with Yard({SERVER: unbound()}) as yard:
        yard.filter('tcp dport 53 reject with tcp reset')
        found, done = report(yard, 'big.example.test', SERVER)
        check(done.status == 1, f'status {done.status}')
        check(set(tests_of(found, SERVER)['truncated']['statuses']) == {'refused'}, f'{tests_of(found, SERVER)}')
        check(verdict_of(found, SERVER) == ('rejected', 'intermediary', 'syn-reset'), f'{verdict_of(found, SERVER)}')


def test_only_what_is_asked_for():
    with Yard({SERVER: standin('answer')}) as yard:
        found, _ = report(yard, 'example.test', SERVER)
        check(not {'marked', 'other-name', 'other-port'} & set(tests_of(found, SERVER)), f'{list(tests_of(found, SERVER))}')


def test_other_name():
    """A box that looks for a name; a query in two segments goes past it."""
    with Yard({SERVER: standin('answer'), SERVER6: standin('answer')}) as yard:
        yard.filter(BY_NAME)
        found, done = report(yard, '--other-name', 'harmless.test', 'example.test', SERVER, SERVER6)
        check(done.status == 1, f'status {done.status}')
        for address in (SERVER, SERVER6):
            tests = tests_of(found, address)
            check(set(tests['tcp']['statuses']) == {'reset'}, f'{address}: {tests["tcp"]}')
            check_all_answered(tests, 'other-name', 'split')
            outcome, culprit, mechanism = verdict_of(found, address)
            check((outcome, culprit, mechanism) == ('mixed', 'intermediary', 'reset-after-query'),
                  f'{address}: {outcome} {culprit} {mechanism}')


def test_other_port():
    """One that listens, one that is closed"""
    with Yard({SERVER: standin('answer'), SERVER6: standin('answer')}) as yard:
        yard.begin(SERVER, [world.standin(), 'answer', 'port=5300'])
        yard.filter('tcp dport 53 reject with tcp reset')
        for port, status in ((5300, 'answered'), (5301, 'refused')):
            found, _ = report(yard, '--other-port', str(port), 'example.test', SERVER, SERVER6)
            for address in (SERVER, SERVER6):
                test = tests_of(found, address)['other-port']
                check(set(test['statuses']) == {status}, f'{address} port {port}: {test}')
                check(verdict_of(found, address)[:2] == ('rejected', 'intermediary'), f'{verdict_of(found, address)}')
            check([server['port'] for server in found['servers']] == [53, 53], 'another port among the servers')


def test_marked():
    """The TOS of a SYN comes back from the server's own stack, and not from a netfilter."""
    with Yard({'198.51.100.61': unbound(tcp=False), '198.51.100.62': standin('answer')}) as yard:
        yard.filter('ip daddr 198.51.100.62 tcp dport 53 reject with tcp reset')
        found, _ = report(yard, '--mark', 'example.test', '198.51.100.61', '198.51.100.62')
        for address, culprit in (('198.51.100.61', 'server'), ('198.51.100.62', 'intermediary')):
            check(set(tests_of(found, address)['marked']['statuses']) == {'refused'}, f'{tests_of(found, address)["marked"]}')
            check(verdict_of(found, address)[:2] == ('rejected', culprit), f'{verdict_of(found, address)}')


def test_located():
    with Yard({SERVER: standin('answer'), SERVER6: standin('answer')}) as yard:
        yard.filter('tcp dport 53 reject with icmpx admin-prohibited', name='r2')
        found, done = report(yard, '--locate', 'example.test', SERVER, SERVER6, patience=40)
        check(done.status == 1, f'status {done.status}')
        for address, router in ((SERVER, '198.18.0.2'), (SERVER6, '2001:db8:2::2')):
            check(verdict_of(found, address) == ('rejected', 'intermediary', 'icmp-admin-prohibited'),
                  f'{verdict_of(found, address)}')
            path = server_of(found['probe']['servers'], address)['path']
            check([hop['address'] for hop in path['hops']][1] == router, f'{address}: {path["hops"]}')
            check(router in [box['address'] for box in found['intermediaries']], f'{found["intermediaries"]}')


def test_own_filter():
    """What this host's own filter keeps back is in no capture: the sockets know of it."""
    for fate, outcome in (('drop', 'unanswered'), ('reject with icmpx port-unreachable', 'rejected')):
        with Yard({SERVER: standin('answer')}) as yard:
            yard.nft('client', 'add table inet own; add chain inet own output { type filter hook output priority 0; }; '
                               f'add rule inet own output tcp dport 53 {fate}')
            found, done = report(yard, '--timeout', '1', 'example.test', SERVER)
            check(done.status == 1, f'{fate}: status {done.status}')
            check(verdict_of(found, SERVER)[0] == outcome, f'{fate}: {verdict_of(found, SERVER)}')
