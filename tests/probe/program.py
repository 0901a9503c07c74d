"""`tcp53 probe` at work in a namespace, and what it says."""
import collections
import json
import subprocess
import time

from world import check, inside, processes, scratch

PATIENCE = 25.0  # seconds
# What an ordinary user is: not a single capability.
AS_NOBODY = ('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--bounding-set', '-all')

Run = collections.namedtuple('Run', 'status out err seconds')


def start(yard, *words, before=(), space='client'):
    with inside(yard.spaces[space]):
        return processes.start([*before, scratch.file('tcp53'), 'probe', *words], text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process, patience=PATIENCE):
    began = time.monotonic()
    try:
        out, err = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        out = err = None
    processes.end(process)
    check(out is not None, f'it did not end in {patience} s')
    return Run(process.returncode, out, err, time.monotonic() - began)


def run(yard, *words, before=(), space='client', patience=PATIENCE):
    return finish(start(yard, *words, before=before, space=space), patience)


def report(yard, *words, before=(), space='client', patience=PATIENCE):
    """(the JSON report, the run)"""
    done = run(yard, '-j', *words, before=before, space=space, patience=patience)
    return read_report(done), done


def read_report(done):
    check(done.out.startswith('{'), f'status {done.status}, no report: {done.err or done.out}')
    scratch.keep_json(done.out)
    return json.loads(done.out)


def server_of(things, address):
    found = next((thing for thing in things if thing['address'] == address), None)
    check(found, f'no server {address} among {[thing["address"] for thing in things]}')
    return found


def verdict_of(report_, address):
    server = server_of(report_['servers'], address)
    return server['outcome'], server['culprit'], server['mechanism']


def tests_of(report_, address):
    """{test: its object}"""
    return {test['test']: test for test in server_of(report_['probe']['servers'], address)['tests']}


def check_all_answered(tests, *names):
    for name in names:
        test = tests.get(name)
        check(test and test['answered'] == test['tries'] > 0, f'{name}: {test}')
