"""The ring of capture files, and the folder of each change."""
import hashlib
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import time

from program import (REJECTED, TOLD, Watch, files_of, judged, read_json, server_of, sizes_of, verdict_of, wait_gone)
from world import PATIENCE, SERVER, Network, check, inside, scratch, wait_for

MANY = [f'198.51.100.{host}' for host in range(60, 80)]


def serve_many(network):
    """The server has many addresses: of each, only so many failures are kept."""
    network.ip('server', ''.join(f'addr add {address}/24 dev eth0\n' for address in MANY))


def tshark(*arguments):
    if not shutil.which('tshark'):
        return None
    return subprocess.run(['tshark', '-n', *arguments], capture_output=True, text=True, timeout=20, check=False)


def test_what_is_kept_says_what_was_told():
    directory = scratch.new('evidence')
    with Network() as network:
        with Watch(network, '-w', directory, '--format', 'jsonl', run_as='nobody') as watch:
            network.traffic()
            network.reject()
            time.sleep(0.3)
            network.traffic()
            watch.out.expect('{"type":"change"')
            check(wait_for(lambda: files_of(directory)), 'no file')
            live = judged(directory)  # as it is at any time
            check(not live['source']['inputs'][0]['truncated'], 'truncated while it is written')
            check(watch.stop() == 1, 'status')
            told = verdict_of(watch.changes()[-1]['now'])
        server = server_of(judged(directory), SERVER)
        check(told == REJECTED and verdict_of(server) == REJECTED, f'told {told}, kept {verdict_of(server)}')
        check(server['tcp']['rejected'] == 3, f'{server["tcp"]}')
        done = tshark('-r', files_of(directory)[0], '-Y', 'tcp.flags.reset == 1', '-T', 'fields', '-e', 'ip.src')
        check(not done or (done.returncode == 0 and done.stdout.split() == [SERVER] * 3), f'tshark: {done}')


def test_both_ends_on_any():
    """cooked frames are kept as such"""
    directory = scratch.new('evidence')
    with Network() as network:
        network.reject()
        with Watch(network, '-w', directory, interface='any') as watch:
            network.traffic()
            watch.out.expect(TOLD)
            check(watch.stop() == 1, 'status')
        report = judged(directory)
        check(verdict_of(server_of(report, SERVER)) == REJECTED, f'{verdict_of(server_of(report, SERVER))}')
        check('LINUX_SLL2' in json.dumps(report['source']['inputs']).upper(), f'{report["source"]["inputs"]}')


def big_query(size=1400):
    """A question with so much behind it: a firewall may let the connection through and not this."""
    head = struct.pack('>HHHHHH', 1, 0x0100, 1, 0, 0, 1) + b'\7example\4test\0' + struct.pack('>HH', 15, 1)
    padding = struct.pack('>BHHIHHH', 0, 41, 1232, 0, size + 4, 12, size) + bytes(size)
    return struct.pack('>H', len(head) + len(padding)) + head + padding


def fail_big(network, seconds, count):
    """So many queries that are reset, each with a kilobyte and more; how many were made."""
    data, done, end = big_query(), 0, time.monotonic() + seconds
    with inside(network.spaces['client']):
        while done < count and time.monotonic() < end:
            with socket.socket() as sock:
                sock.settimeout(1)
                try:
                    sock.connect((MANY[done % len(MANY)], 53))
                    sock.sendall(data)
                    sock.recv(100)
                except OSError:
                    pass
            done += 1
    return done


def test_bounds_and_numbers():
    """thousands of failures; a restart goes on with the next number"""
    directory = scratch.new('evidence')
    with Network() as network:
        serve_many(network)
        network.rules('tcp dport 53 ip length > 1000 reject with tcp reset')
        words = ('-w', directory, '-C', '1', '-W', '2', '--interval', '1', '-q')
        with Watch(network, *words) as watch:
            made = fail_big(network, 8, 4000)
            check(made >= 1000, f'only {made} failures')
            time.sleep(0.7)
            check(max(sizes_of(directory)) <= 1000000, f'{sizes_of(directory)}')
            status = watch.stop()
            check(status == 1, f'status {status}: {watch.out.texts()[-30:]}')
        sizes, names = sizes_of(directory), [os.path.basename(path) for path in files_of(directory)]
        check(len(names) == 2 and max(sizes) <= 1000000, f'{names} {sizes}')
        last = int(names[-1][6:10])
        check(last >= 2 and sum(sizes) > 900000, f'{names} {sizes}: no file was full')
        check(all(not given['truncated'] for given in judged(directory)['source']['inputs']), 'truncated')
        with Watch(network, *words) as watch:
            fail_big(network, 2, 40)
            time.sleep(0.6)
            check(watch.stop() == 1, 'status')
        names = [os.path.basename(path) for path in files_of(directory)]
        check(names == [f'tcp53-{last:04}.pcap', f'tcp53-{last + 1:04}.pcap'], f'{names}')
        check(server_of(judged(directory), MANY[0])['culprit'] == 'intermediary', 'verdict of what is left')


def test_killed_while_failures_pour_in():
    """what the kernel left half written is cut off by the clerk: then the directory reads whole"""
    torn = kills = 0
    with Network() as network:
        serve_many(network)
        network.reject()
        for _ in range(6):
            directory = scratch.new('evidence')
            with Watch(network, '-w', directory, '-q', run_as='nobody') as watch:
                clerk = watch.clerk()
                network.udp(4)
                end = time.monotonic() + random.uniform(0.4, 1.0)
                turn = 0
                while time.monotonic() < end:
                    network.fail(count=20, server=MANY[turn % len(MANY)])
                    turn += 1
                watch.process.kill()
                watch.process.wait()
                kills += 1
                check(wait_gone(clerk, PATIENCE), 'the clerk stays')
            if not files_of(directory):
                continue
            report = judged(directory)
            torn += any(given['truncated'] for given in report['source']['inputs'])
            check(report['counters']['malformed'] == 0, f'{report["counters"]}')
    check(torn == 0, f'truncated after {torn} of {kills} kills')


def sha256(path):
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def check_ticket(folder, change):
    check(sorted(os.listdir(folder)) == ['evidence.pcap', 'report.json', 'report.txt'], f'{os.listdir(folder)}')
    report = read_json(f'{folder}/report.json')
    check(report['source']['inputs'][0]['sha256'] == sha256(f'{folder}/evidence.pcap'), 'the digest')
    again = judged(f'{folder}/evidence.pcap')
    own, read = server_of(report, SERVER), server_of(again, SERVER)
    for key in ('outcome', 'culprit', 'confidence', 'mechanism', 'tcp', 'headline', 'advice'):
        check(own[key] == read[key], f'{key}: {own[key]} in the report, {read[key]} by reading the capture')
    with open(f'{folder}/report.txt', encoding='utf-8') as file:
        text = file.read()
    check(SERVER in text.splitlines()[0] and change['now']['outcome'] in text.splitlines()[0], text.splitlines()[0])
    return verdict_of(own)


def test_a_folder_for_each_change():
    directory = scratch.new('tickets')
    with Network() as network:
        with Watch(network, '--ticket', directory, '--format', 'jsonl', '--interval', '2', run_as='nobody') as watch:
            network.traffic()
            network.reject()
            network.traffic()
            watch.out.expect('{"type":"change".*"before":{"outcome":"(answered|none)"')
            network.repair()
            time.sleep(2.3)
            network.traffic()
            watch.out.expect('{"type":"change".*"before":{"outcome":"rejected"')
            check(watch.stop() == 0, 'status')
            changes = watch.changes()
        names = sorted(os.listdir(directory))
        check(len(names) == len(changes) >= 2, f'{names}, {len(changes)} changes')
        check(f'Z-{SERVER}-rejected-intermediary' in names[0] and f'Z-{SERVER}-answered-none' in names[-1],
              f'{names}')
        check(check_ticket(f'{directory}/{names[0]}', changes[0]) == REJECTED, 'the verdict of the first')
        done = tshark('-r', f'{directory}/{names[0]}/evidence.pcap')
        check(not done or (done.returncode == 0 and 'RST' in done.stdout), f'tshark: {done}')
