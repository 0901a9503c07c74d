"""tcp53 watch beside tcpdump, and each alone, on one interface under load."""
import os
import re
import shutil
import time

from yard import Program, Yard, report, table, watch_options

READERS = ('tcpdump', 'tcpdump -B 16384', 'tcp53', 'tcp53, all outlets')
GROUPS = (('together', READERS[:2] + READERS[3:]), *((f'alone', (reader,)) for reader in READERS))
SETTLE = 1  # seconds after the last frame, for what is in the readers' buffers


def start(reader, options, yard, number):
    directory = f'{options.directory}/{number}'
    os.makedirs(directory)
    if reader.startswith('tcpdump'):
        command = [*reader.split(), '-i', 'eth0', '-n', '-Z', 'root', '-w', f'{directory}/out.pcap']
        ready = 'listening on'
    else:
        outlets = watch_options(directory)
        if 'outlets' not in reader:
            outlets = ['watch', '-i', 'eth0', '-o', f'{directory}/report.json', '-j']
        command, ready = [os.path.abspath(options.tcp53), *outlets], 'watching'
    program = Program(reader, yard.command(yard.host, *command), f'{directory}/log', ready)
    program.directory, program.before = directory, sum(program.cpu())
    return program


def counted(program):
    """Frames seen, dropped by the kernel."""
    if program.name.startswith('tcpdump'):
        words = program.said()
        return [int(re.search(rf'(\d+) packets? {what}', words).group(1)) for what in ('captured', 'dropped by kernel')]
    source = report(program.directory)['source']['inputs'][0]
    return source['frames'], source['kernel_dropped']


def one_run(readers, rate, options):
    """Rows of the table: reader, sent, arrived, seen, dropped, seconds of CPU, MiB."""
    rows = []
    with Yard() as yard:
        programs = [start(reader, options, yard, number) for number, reader in enumerate(readers)]
        sender, maker = yard.send(options.programs, 'dns', rate, options.seconds)
        sent, _, refused, seconds, lag = sender.communicate()[0].split()
        maker.wait()
        time.sleep(SETTLE)
        arrived, lost = yard.received()
        costs = [(program.cpu(), program.status('VmHWM')) for program in programs]
        for program, (cpu, peak) in zip(programs, costs):
            program.end()
            seen, dropped = counted(program)
            rows.append([program.name, int(sent), int(sent) - arrived, seen, dropped,
                         round(cpu[0], 2), round(cpu[1], 2), round(peak / 1024, 1)])
            shutil.rmtree(program.directory)
    return rows, float(seconds), float(lag), int(refused), lost


def run(options):
    rows, beaten = [], False
    for rate in options.rates:
        for round_number in range(options.repeat):
            for kind, readers in GROUPS:
                done, seconds, lag, refused, _ = one_run(readers, rate, options)
                dropped = {row[0]: row[4] for row in done}
                tcpdump = [drops for name, drops in dropped.items() if name.startswith('tcpdump')]
                beaten |= any(drops for name, drops in dropped.items() if name.startswith('tcp53')) and 0 in tcpdump
                rows += [[kind, rate, round(done[0][1] / seconds), round(lag), *row] for row in done]
                if refused:
                    print(f'{refused} frames were not taken by the interface')
    table(['run', 'frames/s asked', 'sent/s', 'lag ms', 'reader', 'sent', 'lost before', 'seen', 'dropped', 'user s',
           'system s', 'peak MiB'], rows)
    return 1 if beaten else 0
