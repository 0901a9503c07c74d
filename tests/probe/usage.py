"""What cannot be asked is said at once, and nothing is sent."""
import os

from program import AS_NOBODY, run
from world import SERVER, check, scratch, write
from yard import Yard, standin


def test_what_is_refused_at_the_start():
    no_servers = scratch.new('resolv.conf')
    write(no_servers, 'search example.test\n')
    with Yard() as yard:
        yard.count()
        for words, said in [
                ((), []),
                (('',), []),
                (('a..b', SERVER), ['a..b']),
                ((f'{"x" * 64}.test', SERVER), []),
                ((f'{"x." * 130}test', SERVER), []),
                (('example.test', 'dns.example.test'), ['dns.example.test']),
                (('example.test', '198.51.100'), ['198.51.100']),
                (('example.test', '198.51.100.300'), ['198.51.100.300']),
                (('-t', 'NO-SUCH', 'example.test', SERVER), ['NO-SUCH']),
                (('--tries', '0', 'example.test', SERVER), ['--tries']),
                (('--tries', 'x', 'example.test', SERVER), ['--tries']),
                (('--tries', '1000', 'example.test', SERVER), ['--tries']),
                (('--timeout', '0', 'example.test', SERVER), ['--timeout']),
                (('--timeout', 'soon', 'example.test', SERVER), ['--timeout']),
                (('--other-port', '0', 'example.test', SERVER), ['--other-port']),
                (('--other-port', '70000', 'example.test', SERVER), ['--other-port']),
                (('--other-name', 'a..b', 'example.test', SERVER), ['a..b']),
                (('--port', '0', 'example.test', SERVER), ['--port']),
                (('-i', 'eth7', 'example.test', SERVER), ['eth7']),
                (('--resolv-conf', '/no/such/file', 'example.test'), ['/no/such/file']),
                (('--resolv-conf', no_servers, 'example.test'), [no_servers]),
                (('--no-such-option', 'example.test', SERVER), ['no-such-option']),
        ]:
            done = run(yard, *words, patience=5)
            check(done.status == 2, f'{words}: status {done.status}: {done.out}{done.err}')
            check(done.out == '' and 1 <= len(done.err.splitlines()) <= 4, f'{words}: "{done.out[:200]}", "{done.err}"')
            for word in said:
                check(word in done.err, f'{words}: no "{word}" in: {done.err}')
            check(yard.counted()[0] == 0, f'{words}: {yard.counted()} packets')


def test_unreadable_list_of_servers():
    path = scratch.new('resolv.conf')
    write(path, f'nameserver {SERVER}\n')
    with Yard({SERVER: standin('answer')}) as yard:
        done = run(yard, '--resolv-conf', path, '--tries', '1', 'example.test')
        check(done.status == 0, f'status {done.status}: {done.err}')
        os.chmod(path, 0o600)
        done = run(yard, '--resolv-conf', path, 'example.test', before=AS_NOBODY)
        check(done.status == 2 and path in done.err, f'status {done.status}: {done.err}')
