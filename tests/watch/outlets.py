"""The user's command, and metrics."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

from program import REJECTED, TOLD, Watch, is_alive, server_of, verdict_of
from world import PATIENCE, SERVER, Network, check, scratch, wait_for, write


def script(text):
    """A program of the user's, and a directory where it may write."""
    path = scratch.new('command')
    write(path, f'#!/bin/sh\n{text}\n')
    os.chmod(path, 0o755)
    place = scratch.new('seen')
    os.mkdir(place)
    os.chown(place, 65534, 65534)
    return path, place


def test_a_command_that_hangs_is_killed():
    """after thirty seconds; a change meanwhile is skipped; the watch ends without it"""
    path, place = script('''echo $$ >"$1/pid.$$"
[ -e "$1/killed" ] && exit
trap 'echo killed >"$1/killed"; exit 1' TERM
while :; do sleep 0.1; done''')
    with Network() as network:
        with Watch(network, '--exec', f'{path} {place}', '--interval', '1', run_as='nobody') as watch:
            network.reject()
            network.traffic()
            watch.out.expect(TOLD)
            since = time.monotonic()
            network.repair()
            time.sleep(1.3)
            network.traffic()
            watch.err.expect(f'tcp53: --exec: not run for {SERVER}: it is still at the change before')
            check(len([n for n in os.listdir(place) if n.startswith('pid')]) == 1, 'two at a time')
            check(wait_for(lambda: os.path.exists(f'{place}/killed'), 33), 'it was not ended')
            took = time.monotonic() - since
            check(29 < took < 33, f'ended after {took:.0f} s')
            watch.err.expect('tcp53: --exec: the command failed')
            time.sleep(1.2)
            network.reject()
            network.traffic()
            check(wait_for(lambda: len(os.listdir(place)) == 3), 'none runs after the one that was killed')
            check(watch.stop() == 1, 'status')


def test_the_end_does_not_wait_for_a_command():
    path, place = script('echo $$ >"$1/pid"; exec sleep 20')
    with Network() as network:
        network.reject()
        with Watch(network, '--exec', f'{path} {place}', run_as='nobody') as watch:
            network.traffic()
            check(wait_for(lambda: os.path.exists(f'{place}/pid') and os.path.getsize(f'{place}/pid')), 'it did not run')
            clerk = watch.clerk()
            began = time.monotonic()
            watch.send(signal.SIGINT)
            check(watch.process.wait(PATIENCE) == 1, 'status')
            took = time.monotonic() - began
            with open(f'{place}/pid', encoding='ascii') as file:
                command = int(file.read())
            for pid in (command, clerk):
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)
            check(took < 4, f'the end took {took:.1f} s')


SHOW = '''for word; do printf '%s\\n' "$word" >>"$1/words.new"; done
env >"$1/environment"
cat >"$1/input"
id -u >"$1/uid"
grep -E 'NoNewPrivs|CapEff' /proc/self/status >"$1/status"
ls -l /proc/self/fd >"$1/descriptors"
mv "$1/words.new" "$1/words"'''


def content(*parts):
    with open(os.path.join(*parts), encoding='utf-8') as file:
        return file.read()


def test_what_a_command_is_given():
    path, place = script(SHOW)
    with Network() as network:
        with Watch(network, '-j', '--exec', f"{path} {place} 'two words' \"it's\" $HOME *", run_as='nobody',
                   env={'SECRET': 'x', 'LD_PRELOAD': ''}) as watch:
            network.traffic()
            network.reject()
            network.traffic()
            check(wait_for(lambda: os.path.exists(f'{place}/words')), 'it did not run')
            check(watch.stop() == 1, 'status')
            check(json.loads(watch.text())['source']['command'] == 'watch', 'standard output')
        check(content(place, 'words').splitlines() == [place, 'two words', "it's", '$HOME', '*'], content(place, 'words'))
        given = dict(line.split('=', 1) for line in content(place, 'environment').splitlines())
        wanted = {'SERVER': SERVER, 'PORT': '53', 'OUTCOME': 'rejected', 'CULPRIT': 'intermediary',
                  'CONFIDENCE': 'proven', 'MECHANISM': 'syn-reset', 'WAS': 'answered'}
        for key, value in wanted.items():
            check(given.get(f'TCP53_{key}') == value, f'TCP53_{key}={given.get(f"TCP53_{key}")}')
        check('SECRET' not in given and given['USER'] == 'nobody', f'{given}')
        check(content(place, 'uid').strip() == '65534', content(place, 'uid'))
        check(re.search(r'CapEff:\s+0+\n', content(place, 'status')) and 'NoNewPrivs:\t1' in content(place, 'status'),
              content(place, 'status'))
        scratch.keep_json(content(place, 'input'))
        check(verdict_of(server_of(json.loads(content(place, 'input')), SERVER)) == REJECTED, 'its report')
        check(len(content(place, 'descriptors').splitlines()) <= 5, content(place, 'descriptors'))


def samples_of(path):
    """{name{labels}: value}"""
    found = {}
    for line in content(path).splitlines():
        if not line.startswith('#'):
            name, value = line.rsplit(' ', 1)
            found[name] = float(value)
    return found


def test_metrics():
    path = scratch.new('prom') + '/tcp53.prom'
    with Network() as network:
        with Watch(network, '--metrics', path, '--interval', '1', '-q', run_as='nobody') as watch:
            check(wait_for(lambda: os.path.exists(path)), 'no file at the start')
            seen = [samples_of(path)]
            for turn in range(3):
                if turn == 1:
                    network.reject()
                network.traffic()
                time.sleep(1.3)
                inode = os.stat(path).st_ino
                watch.send(signal.SIGHUP)  # written at the next tick
                check(wait_for(lambda: os.stat(path).st_ino != inode), 'not written again')
                seen.append(samples_of(path))
            check(os.listdir(os.path.dirname(path)) == ['tcp53.prom'], f'{os.listdir(os.path.dirname(path))}')
            check(watch.stop() == 1, 'status')
        attempts = f'tcp53_server_attempts_total{{server="{SERVER}",port="53",outcome='
        for samples in seen:
            for name, value in samples.items():
                if re.match(r'\w+_total\b', name):
                    later = seen[-1].get(name, value)
                    check(later >= value, f'{name} went from {value} to {later}')
        check(seen[1].get(attempts + '"answered"}', 0) >= 3, f'{[(k, v) for k, v in seen[1].items() if "attempts" in k]}')
        frames = next(name for name in seen[-1] if name.startswith('tcp53_interface_frames_total'))
        verdict = f'tcp53_verdict{{server="{SERVER}",port="53",outcome="rejected",culprit="intermediary"}}'
        check(verdict in seen[-1] and verdict not in seen[1], f'{[k for k in seen[-1] if "verdict" in k]}')
        check(seen[-1][frames] >
              seen[1][frames] > 10, f'{frames}')
        check(seen[-1]['tcp53_verdict_changes_total'] == 1, 'changes')
        if shutil.which('promtool'):
            with open(path, encoding='utf-8') as file:
                done = subprocess.run(['promtool', 'check', 'metrics'], stdin=file, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, check=False)
            check(done.returncode == 0 and done.stdout == '', f'promtool: {done.stdout}')
