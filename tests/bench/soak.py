"""tcp53 watch while flows to more servers than it remembers arrive and die: its memory must stay flat."""
import os
import time

from yard import Program, Yard, report, table, watch_options

RATE = 20000        # frames a second: some 2500 flows
STEP = 10           # seconds between looks
WARM = 120          # seconds in which tables that are sized once are touched for the first time
SLOPE_MOST = 1024   # KiB an hour
INTERVAL = 20       # of the watch's windows


def floor(samples, i):
    """The least of each minute, since folders of evidence take memory for moments: (seconds, KiB)."""
    minutes = {}
    for sample in samples:
        minute = sample[0] // 60
        minutes[minute] = min(minutes.get(minute, sample[i]), sample[i])
    return [(60 * minute, least) for minute, least in minutes.items()]


def slope(samples):
    """KiB an hour by least squares, of (seconds, KiB)."""
    count = len(samples)
    if count < 2:
        return 0.0
    middle_x, middle_y = (sum(sample[i] for sample in samples) / count for i in (0, 1))
    spread = sum((x - middle_x) ** 2 for x, _ in samples)
    return 3600 * sum((x - middle_x) * (y - middle_y) for x, y in samples) / spread


def metric(directory, name):
    with open(f'{directory}/tcp53.prom') as lines:
        return sum(float(line.rsplit(' ', 1)[1]) for line in lines if line.startswith((f'{name} ', f'{name}{{')))


def size(directory):
    return sum(os.path.getsize(os.path.join(path, file)) for path, _, files in os.walk(directory) for file in files)


def run(options):
    directory = f'{options.directory}/soak'
    os.mkdir(directory)
    with Yard() as yard:
        watch = Program('tcp53', yard.command(yard.host, os.path.abspath(options.tcp53), *watch_options(
            directory, '--interval', str(INTERVAL), '-W', '4')), f'{options.directory}/log', 'watching',
            stdout=open(f'{options.directory}/lines', 'w'))
        clerk = watch.children()[0]
        samples, descriptors, began = [], [], time.monotonic()
        sender, maker = yard.send(options.programs, 'soak', RATE, options.soak)
        while sender.poll() is None:
            time.sleep(STEP)
            samples.append((time.monotonic() - began, watch.status('VmRSS'), watch.status('VmRSS', clerk)))
            descriptors.append(len(os.listdir(f'/proc/{watch.pid}/fd')))
        maker.wait()
        time.sleep(2 * INTERVAL)
        sent = int(sender.stdout.read().split()[0])
        cpu, peak, outputs = sum(watch.cpu()), watch.status('VmHWM'), size(directory)
        dropped = int(metric(directory, 'tcp53_interface_dropped_frames_total'))
        changes = int(metric(directory, 'tcp53_verdict_changes_total'))
        status = watch.end()
        counters = report(directory)['counters']
    warm = [sample for sample in samples if sample[0] >= min(WARM, options.soak / 2)]
    slopes = [slope(floor(warm, i)) for i in (1, 2)]
    print(f'\n{options.soak} s, {sent:,} frames, {dropped:,} dropped by the kernel, {changes:,} changes told, '
          f'{round(cpu, 1)} s of processor time, exit status {status}')
    print(f'servers evicted {counters["servers_evicted"]:,}, without room {counters["servers_untracked"]:,} '
          f'(of the last window); outputs {outputs / 1e6:.1f} MB')
    table(['resident, KiB', 'first', f'after {round(warm[0][0])} s', 'largest', 'last', 'KiB an hour since then, by the least of each minute'],
          [[name, samples[0][i], warm[0][i], max(sample[i] for sample in samples), samples[-1][i], round(slopes[i - 1])]
           for i, name in ((1, 'tcp53'), (2, 'its clerk'))])
    print(f'\npeak {peak:,} KiB; open descriptors {min(descriptors)} to {max(descriptors)}')
    return 1 if max(slopes) > SLOPE_MOST or max(descriptors) > min(descriptors) + 4 or status == 2 else 0
