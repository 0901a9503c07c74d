"""Where it watches, what it refuses to begin with, and what it may do once it has begun."""
import os
import shutil
import subprocess
import time

from program import REJECTED, TOLD, Watch, descriptors_of, program, run, server_of, status_of, verdict_of
from world import SERVER, Network, Skipped, check, need_mounts, scratch, wait_for, write

AS_NOBODY = ('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups')
WITH_RAW = (*AS_NOBODY, '--inh-caps', '-all,+net_raw', '--ambient-caps', '-all,+net_raw')


def judge_as(network, *arguments, before=(), interface='eth0'):
    with Watch(network, '--format', 'jsonl', *arguments, before=before, interface=interface) as watch:
        network.traffic()
        watch.out.expect('{"type":"change"')
        check(watch.stop() == 1, 'status')
        return watch.reports()[0], '\n'.join(watch.err.texts())


def test_the_interface_toward_the_resolver():
    need_mounts()
    path = scratch.new('resolv.conf')
    write(path, f'nameserver {SERVER}\n')
    before = ['unshare', '-m', 'sh', '-c', f'mount --bind {path} /etc/resolv.conf && exec "$@"', 'sh']
    with Network() as network:
        network.reject()
        report, said = judge_as(network, before=before, interface=None)
        check(said.startswith('tcp53: watching eth0; '), said)
        check(verdict_of(server_of(report, SERVER)) == REJECTED, 'verdict')


def test_any_interface():
    with Network() as network:
        network.reject()
        report, said = judge_as(network, interface='any')
        check(said.startswith('tcp53: watching any; '), said)
        check(verdict_of(server_of(report, SERVER)) == REJECTED, f'{verdict_of(server_of(report, SERVER))}')


def test_two_interfaces():
    with Network(servers=('server', 'client')) as network:
        network.reject()
        with Watch(network, '-i', 'lo', '--format', 'jsonl') as watch:
            check(network.tcp(3, '127.0.0.1') == 3, 'the local server does not answer')
            network.traffic()
            watch.out.expect('{"type":"change"')
            check(watch.stop() == 1, 'status')
            report = watch.reports()[0]
            check(sorted(i['path'] for i in report['source']['inputs']) == ['eth0', 'lo'], f'{report["source"]}')
            check(all(i['frames'] > 0 for i in report['source']['inputs']), 'an interface without frames')
            check(server_of(report, '127.0.0.1')['outcome'] == 'answered', 'the local one')
            check(verdict_of(server_of(report, SERVER)) == REJECTED, 'the one behind the firewall')
            check(len(watch.changes()) == 1, f'{watch.changes()}')


def test_what_is_refused_at_the_start():
    file = scratch.new('file')
    write(file, '')
    closed = scratch.new('closed')
    os.mkdir(closed, 0o700)
    with Network(servers=()) as network:
        for arguments, before, words in [
                (('-i', 'eth7'), (), ['eth7', 'no such interface', 'eth0']),
                (('-i', 'eth0', '-i', 'eth7'), (), ['eth7']),
                (('-i', 'any', '-i', 'eth0'), (), ['all interfaces']),
                (('-i', 'eth0'), AS_NOBODY, ['CAP_NET_RAW', 'setcap cap_net_raw+ep']),
                (('-i', 'eth0', '-Z', 'nobody'), WITH_RAW, []),
                (('-i', 'eth0', '-Z', 'root'), WITH_RAW, ['only root']),
                (('-i', 'eth0', '-Z', 'no-such-user'), (), ['no user no-such-user']),
                (('-i', 'eth0', '-w', f'{file}/x'), (), [file]),
                (('-i', 'eth0', '-w', closed, '-Z', 'nobody'), (), ['may not write', f'chown nobody {closed}']),
                (('-i', 'eth0', '--ticket', closed, '-Z', 'nobody'), (), ['may not write']),
                (('-i', 'eth0', '-o', f'{closed}/report', '-Z', 'nobody'), (), ['may not write']),
                (('-i', 'eth0', '--metrics', f'{closed}/a.prom', '-Z', 'nobody'), (), ['may not write']),
                (('-i', 'eth0', '--exec', '/no/such/program'), (), ['/no/such/program', 'no such program']),
                (('-i', 'eth0', '--exec', 'sh -c "'), (), ['quote']),
                (('-i', 'eth0', '--exec', ''), (), ['no command']),
                (('-i', 'eth0', '--interval', '0'), (), ['--interval']),
                (('-i', 'eth0', '--filter', 'tcp port'), (), ['filter']),
                (('-i', 'eth0', '-C', '0'), (), ['-C']),
                (('eth0',), (), []),
        ]:
            if not words and '-Z' in arguments:
                continue
            status, out, err = run(network, *arguments, before=before)
            check(status == 2 and out == '', f'{arguments}: status {status}, output "{out[:100]}"')
            check(1 <= len(err.splitlines()) <= 4, f'{arguments}: {err}')
            for word in words:
                check(word in err, f'{arguments}: no "{word}" in: {err}')


def test_the_right_to_capture_alone():
    with Network() as network:
        network.reject()
        evidence = scratch.new('evidence')
        os.chown(os.path.dirname(evidence), 65534, 65534)
        report, said = judge_as(network, '-w', evidence, before=WITH_RAW)
        check('nobody (uid 65534), no capabilities' in said, said)
        check(verdict_of(server_of(report, SERVER)) == REJECTED, 'verdict')
        check(os.listdir(evidence), 'no evidence')


def test_the_right_of_a_file():
    """setcap on the program, as the refusal advises"""
    if not shutil.which('setcap', path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin'):
        raise Skipped('no setcap')
    copy = scratch.new('tcp53')
    shutil.copy(program(), copy)
    done = subprocess.run(['setcap', 'cap_net_raw+ep', copy], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Skipped(f'setcap: {done.stderr.strip()}')
    with Network() as network:
        network.reject()
        before = (*AS_NOBODY, 'sh', '-c', f'shift && exec {copy} "$@"', 'sh')
        _, said = judge_as(network, before=before)
        check('no capabilities' in said, said)


def check_powerless(pid, what, seccomp):
    status = status_of(pid)
    for key in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb', 'CapBnd'):
        check(int(status[key], 16) == 0, f'{what}: {key} {status[key]}')
    check(status['NoNewPrivs'] == '1', f'{what}: NoNewPrivs {status["NoNewPrivs"]}')
    check(seccomp is None or status['Seccomp'] == seccomp, f'{what}: Seccomp {status["Seccomp"]}')
    check(set(status['Uid'].split()) == {'65534'} and set(status['Gid'].split()) == {'65534'}, f'{what}: {status["Uid"]}')
    check(status['Groups'].strip() == '', f'{what}: groups {status["Groups"]}')


def kinds(descriptors):
    """What is open beyond 0, 1 and 2."""
    return sorted(target.split(':')[0] if target.startswith(('socket', 'pipe')) else target
                  for number, target in descriptors.items() if number > 2)


def test_both_processes_without_powers():
    directory = scratch.new('evidence')
    with Network() as network:
        network.reject()
        with Watch(network, '-w', directory, '-o', f'{os.path.dirname(directory)}/out/report', '--exec', 'true',
                   run_as='nobody') as watch:
            clerk = watch.clerk()
            check(clerk, 'no clerk')
            check_powerless(watch.pid, 'the parser', '2')
            check_powerless(clerk, 'the clerk', None)
            check(status_of(clerk)['Name'] == 'tcp53-clerk', status_of(clerk)['Name'])
            said = watch.err.texts()[0]
            check('running as nobody (uid 65534), no capabilities, no new privileges' in said, said)
            idle = descriptors_of(watch.pid)
            network.traffic()
            watch.out.expect(TOLD)
            check(wait_for(lambda: os.listdir(directory)), 'no evidence')
            time.sleep(0.5)
            used, desk = descriptors_of(watch.pid), descriptors_of(clerk)
            check(all(kind in ('socket', 'anon_inode:[signalfd]') or kind.startswith(directory) for kind in kinds(used)),
                  f'the parser: {used}')
            check(len(idle) <= 9 and len(used) <= len(idle) + 1, f'the parser: {idle}, then {used}')
            check({'/dev/null'} == {desk[0], desk[1]}, f'the clerk: {desk}')
            check(set(kinds(desk)) == {'socket', 'anon_inode:[signalfd]', directory, f'{os.path.dirname(directory)}/out',
                                       f'{directory}/tcp53-0001.pcap'} and len(desk) == 8, f'the clerk: {desk}')
            check(watch.stop() == 1, 'status')
            check(wait_for(lambda: not os.path.exists(f'/proc/{clerk}')), 'the clerk is still there')


def test_no_clerk_without_files():
    with Network(servers=()) as network, Watch(network) as watch:
        check(watch.clerk() is None, 'a process that nobody needs')
        check(watch.stop() == 3, 'status')


def test_files_of_the_user():
    """directories that are missing are made for the user, files cannot be read by others"""
    base = scratch.new('all')
    os.mkdir(base)
    with Network() as network:
        network.reject()
        with Watch(network, '-w', f'{base}/ring', '--ticket', f'{base}/tickets', '-o', f'{base}/out/report',
                   '--metrics', f'{base}/prom/a.prom', run_as='nobody') as watch:
            network.traffic()
            watch.out.expect(TOLD)
            check(watch.stop() == 1, 'status')
        for directory, _, files in os.walk(base):
            for path in [directory, *(f'{directory}/{name}' for name in files)]:
                about = os.stat(path)
                check(path == base or about.st_uid == 65534, f'{path}: owner {about.st_uid}')
                check(path == base or about.st_mode & 0o7 == 0, f'{path}: mode {about.st_mode:o}')
        for part in ('ring', 'tickets', 'out', 'prom'):
            check(os.listdir(f'{base}/{part}'), f'nothing in {part}')
