"""Runs the tests of a directory side by side in namespaces of their own: what tests/watch and tests/probe have in common."""
import fnmatch
import importlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

import world

AT_ONCE = 8


class Tests:
    def __init__(self, word, limit, tests):
        self.word, self.limit = word, limit
        self.queue, self.lock = queue.Queue(), threading.Lock()
        self.passed = self.failed = 0
        self.under_way = {name for name, _ in tests}
        for test in tests:
            self.queue.put(test)

    def note(self, name, why):
        with self.lock:
            if name not in self.under_way or world.processes.over:
                return
            self.under_way.remove(name)
            self.passed += why is None
            self.failed += why is not None
            if why is not None:
                print(f'FAILED {name}\n    {why}', flush=True)

    def skip(self, name, why):
        with self.lock:
            self.under_way.discard(name)
            print(f'{self.word}: skipped {name}: {why}', flush=True)

    def run_one(self, name, test):
        began = time.monotonic()
        try:
            test()
            self.note(name, None)
        except world.Skipped as why:
            self.skip(name, why)
        except world.Failed as why:
            self.note(name, why)
        except Exception:  # a test that is itself wrong fails
            self.note(name, traceback.format_exc(limit=-4))
        if os.environ.get('TIMES'):
            print(f'{time.monotonic() - began:5.1f} s  {name}', file=sys.stderr)

    def work(self):
        while True:
            try:
                name, test = self.queue.get_nowait()
            except queue.Empty:
                return
            self.run_one(name, test)

    def run(self):
        workers = [threading.Thread(target=self.work, daemon=True) for _ in range(AT_ONCE)]
        end = time.monotonic() + self.limit
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(max(end - time.monotonic(), 0))
        for name in sorted(self.under_way):
            self.note(name, f'not done after {self.limit:.0f} s')


def chosen_tests(parts, patterns):
    tests = []
    for part in parts:
        module = importlib.import_module(part)
        tests += [(name[5:].replace('_', ' '), test) for name, test in vars(module).items() if name.startswith('test_')]
    return [(name, test) for name, test in tests if not patterns or any(fnmatch.fnmatch(name, p) for p in patterns)]


def validate():
    files = world.scratch.json_files()
    done = subprocess.run([sys.executable, 'tests/validate', *files], cwd=world.root, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise world.Failed(f'of {len(files)} files: {done.stdout[:600]}')


def interrupted(number, _):
    signal.signal(number, signal.SIG_IGN)
    clear()
    os._exit(128 + number)


def clear():
    world.processes.end_all()
    world.scratch.remove()


def run(word, parts, limit, program, patterns):
    """The tests of these modules, those that wait long first, in that many seconds; does not return."""
    if not world.has_spaces():
        world.scratch.remove()
        print(f'{word}: skipped: needs root, network namespaces, ip, nft and dig')
        end(0)
    shutil.copy(program, world.scratch.file('tcp53'))
    world.have_own_mounts()
    if not world.unbound():
        print(f'{word}: no unbound here (tests/lab/setup installs it): a stand-in answers')
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        tests = Tests(word, limit, chosen_tests(parts, patterns))
        tests.run()
        if world.scratch.json_files():
            tests.under_way.add('all JSON fits the schema')
            tests.run_one('all JSON fits the schema', validate)
    finally:
        clear()
    print(f'{word}: {tests.passed} passed, {tests.failed} failed', flush=True)
    end(1 if tests.failed else 0)


def end(status):
    sys.stdout.flush()
    os._exit(status)  # not waiting for threads that are stuck
