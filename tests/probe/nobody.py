"""An ordinary user, without the right to capture: what the sockets are told."""
from program import AS_NOBODY, check_all_answered, report, run, server_of, tests_of, verdict_of
from world import SERVER, check
from yard import SERVER6, Yard, standin, unbound

# what is there: what becomes of TCP tries, and the mechanisms that may be said of it
SITUATIONS = {
    'fine': ({'answered'}, {'-'}),
    'refused': ({'refused'}, {'syn-reset'}),
    'reset-after-query': ({'reset'}, {'reset-after-query'}),
    'reset-at-once': ({'reset'}, {'reset-after-query', 'reset-after-handshake'}),
    'closed': ({'closed'}, {'closed-without-answer'}),
    'cut': ({'closed'}, {'partial-answer'}),
    'http': ({'not-dns'}, {'partial-answer'}),
    'stuck': ({'stuck'}, {'query-unanswered', 'query-unacknowledged'}),
    'silent': ({'silent'}, {'syn-unanswered'}),
    'icmp': ({'icmp'}, {'icmp-admin-prohibited'}),
}
OUTCOMES = {'fine': 'answered', 'silent': 'unanswered', 'stuck': 'unanswered', 'cut': 'rejected'}
SERVERS = {'refused': unbound(tcp=False), 'reset-after-query': standin('reset-after-query'), 'reset-at-once': standin('reset'),
           'closed': standin('fin-after-query'), 'cut': standin('cut'), 'http': standin('http'),
           'stuck': standin('hang')}


def yard_of(pattern):
    """{situation: address}, and the yard"""
    places = {situation: pattern.format(61 + n) for n, situation in enumerate(SITUATIONS)}
    yard = Yard({address: SERVERS.get(situation, standin('answer')) for situation, address in places.items()})
    family = 'ip6' if ':' in pattern else 'ip'
    yard.filter(f'{family} daddr {places["silent"]} tcp dport 53 drop',
                f'{family} daddr {places["icmp"]} tcp dport 53 reject with icmpx admin-prohibited')
    return places, yard


def check_situations(pattern):
    places, yard = yard_of(pattern)
    with yard:
        found, done = report(yard, 'example.test', *places.values(), before=AS_NOBODY)
    check(done.status == 1, f'status {done.status}')
    check(found['probe']['captured'] is False and found['probe']['obstacle'], f'{found["probe"]["obstacle"]}')
    check(found['probe']['recommended'] == [places['fine']], f'{found["probe"]["recommended"]}')
    for situation, (statuses, mechanisms) in SITUATIONS.items():
        address = places[situation]
        tests = tests_of(found, address)
        check_all_answered(tests, 'udp', 'udp-edns')
        check(set(tests['tcp']['statuses']) == statuses, f'{situation}: {tests["tcp"]}')
        outcome, culprit, mechanism = verdict_of(found, address)
        check(outcome == OUTCOMES.get(situation, 'rejected'), f'{situation}: {outcome}')
        check(situation == 'fine' or mechanism in mechanisms, f'{situation}: {mechanism}')
        check(culprit in ({'none'} if situation == 'fine' else {'undetermined', 'server'} if situation in SERVERS
                          else {'undetermined', 'intermediary'}), f'{situation}: {culprit}')


def test_told_apart():
    check_situations('198.51.100.{}')


def test_told_apart_v6():
    check_situations('2001:db8:3::{}')


def check_distances(pattern):
    own, nearer = pattern.format(61), pattern.format(62)
    with Yard({own: unbound(tcp=False), nearer: standin('answer')}) as yard:
        yard.filter(f'{"ip6" if ":" in pattern else "ip"} daddr {nearer} tcp dport 53 reject with tcp reset')
        found, _ = report(yard, 'example.test', own, nearer, before=AS_NOBODY)
    ttls = {address: (tests_of(found, address)['udp']['ttl'], tests_of(found, address)['tcp']['ttl'])
            for address in (own, nearer)}
    check(ttls[own][0] and ttls[own][0] == ttls[own][1], f'{ttls}')
    check(ttls[nearer][1] and ttls[nearer][1] > ttls[nearer][0], f'{ttls}')
    check(verdict_of(found, own)[1] == 'server', f'{verdict_of(found, own)}')
    check(verdict_of(found, nearer)[1] != 'server', f'{verdict_of(found, nearer)}')


def test_distance_of_a_reset():
    """It is measured by sockets that hear only packets with a TTL of at least so much."""
    check_distances('198.51.100.{}')


def test_distance_of_a_reset_v6():
    check_distances('2001:db8:3::{}')


def test_how_to_see_packets():
    with Yard({SERVER: unbound(tcp=False)}) as yard:
        for before, option in ((AS_NOBODY, ()), ((), ('--no-capture',))):
            done = run(yard, *option, 'example.test', SERVER, before=before)
            check(done.status == 1, f'status {done.status}: {done.err}')
            check('No packets were seen' in done.out, 'it does not say that it saw no packets')
            check('frame 0' not in done.out, 'a frame that nobody saw')
        check('root' in run(yard, 'example.test', SERVER, before=AS_NOBODY).out, 'it does not say how to run it')


def test_locate_by_nobody():
    """SYNs with a limited TTL need no rights."""
    with Yard({SERVER: standin('answer'), SERVER6: standin('answer')}) as yard:
        yard.filter('tcp dport 53 reject with tcp reset')
        found, _ = report(yard, '--locate', 'example.test', SERVER, SERVER6, before=AS_NOBODY, patience=40)
        for address, first in ((SERVER, '192.0.2.1'), (SERVER6, '2001:db8:1::1')):
            path = server_of(found['probe']['servers'], address)['path']
            check(path and path['begins'] and path['begins']['ttl'] == 2, f'{address}: {path and path["begins"]}')
            check(path['begins']['reply'] == 'reset' and path['begins']['way'] == 'syn', f'{path["begins"]}')
            check(path['server_hop'] == 3, f'the server is hop {path["server_hop"]}')
            check(path['hops'][0]['address'] == first, f'{path["hops"][0]}')
            check(verdict_of(found, address)[:2] == ('rejected', 'intermediary'), f'{verdict_of(found, address)}')
