"""The network with both address families, and as many DNS servers of any kind at its end as a test wants."""
import ipaddress
import os
import re
import subprocess

import world
from world import Network, Skipped, check, inside, scratch, wait_for, write

CLIENT6, FIRST6, SERVER6 = '2001:db8:1::10', '2001:db8:1::1', '2001:db8:3::53'
ZONES = {
    'example.test': '\n'.join([
        '@ 3600 IN SOA ns hostmaster 1 7200 900 1209600 300', '@ 3600 IN NS ns', 'ns 3600 IN A 198.51.100.53',
        *(f'@ 3600 IN MX {n}0 mail{n}\nmail{n} 3600 IN A 192.0.2.10{n}\nmail{n} 3600 IN AAAA 2001:db8:1::10{n}'
          for n in range(1, 6)),
        *(f'big 3600 IN MX {n} mx{n}' for n in range(1, 81))]),
    'microsoft.com': '\n'.join([
        '@ 3600 IN SOA dns.nwtraders.com. hostmaster 1 7200 900 1209600 300', '@ 3600 IN NS dns.nwtraders.com.',
        *(f'@ 3600 IN MX 10 mail{n}\nmail{n} 3600 IN A 131.107.3.{126 - n}' for n in range(1, 6))]),
}
NSD = '''server:
    username: ""
    chroot: ""
    zonesdir: "{directory}"
    pidfile: "{directory}/pid"
    zonelistfile: "{directory}/zone.list"
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    database: ""
    server-count: 1
    ip-address: {address}
remote-control:
    control-enable: no
'''
UNBOUND = '''remote-control:
    control-enable: no
server:
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: "{directory}/pid"
    use-syslog: no
    do-daemonize: no
    num-threads: 1
    module-config: "iterator"
    access-control: 0.0.0.0/0 allow
    access-control: ::/0 allow
    local-zone: "test." nodefault
    interface: {address}
    do-tcp: {tcp}
'''


def place_of(program):
    found = [os.path.join(place, program) for place in ('/usr/sbin', '/usr/bin', '/sbin')]
    return next((path for path in found if os.path.exists(path)), None)


class Yard(Network):
    """`servers`: functions below, each given the yard and an address: {'198.51.100.61': standin('close')}"""

    def __init__(self, servers=None):
        self.waiting = []
        super().__init__(servers=())
        try:
            for address, server in (servers or {}).items():
                self.also_at(address)
                server(self, address)
            for address, ready in self.waiting:
                check(wait_for(ready), f'no DNS server at {address}')
        except BaseException:
            self.close()
            raise

    def connect(self):
        super().connect()
        for name in self.spaces:
            self.sh(name, 'for file in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 >$file; done; '
                          'for file in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 0 >$file; done')
            if name in ('r1', 'r2'):
                self.sh(name, 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding')
        for name, text in {
                'client': f'addr add {CLIENT6}/64 dev eth0 nodad\nroute add default via {FIRST6}\n',
                'r1': f'addr add {FIRST6}/64 dev eth0 nodad\naddr add 2001:db8:2::1/64 dev eth1 nodad\n'
                      'route add default via 2001:db8:2::2\n',
                'r2': 'addr add 2001:db8:2::2/64 dev eth0 nodad\naddr add 2001:db8:3::fe/64 dev eth1 nodad\n'
                      f'route add default via 2001:db8:2::1\nroute add 10.2.124.0/24 via {world.SERVER}\n',
                'server': f'addr add {SERVER6}/64 dev eth0 nodad\nroute add default via 2001:db8:3::fe\n'}.items():
            self.ip(name, text)

    def sh(self, name, text):
        with inside(self.spaces[name]):
            subprocess.run(['sh', '-c', text], check=True, stderr=subprocess.DEVNULL)

    def also_at(self, address):
        if address in (world.SERVER, SERVER6):
            return
        if ipaddress.ip_address(address).version == 6:
            self.ip('server', f'addr add {address}/64 dev eth0 nodad\n')
        else:
            self.ip('server', f'addr add {address}/24 dev eth0\n')

    def begin(self, address, words, tcp=True):
        process = self.start('server', words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        self.waiting.append((address, lambda: process.poll() is None and self.listens(address, tcp)))

    def listens(self, address, tcp):
        family = '6' if ':' in address else ''
        wanted = f'{int_of(address)}:{53:04X}'
        with inside(self.spaces['server']), \
                open(f'/proc/thread-self/net/{"tcp" if tcp else "udp"}{family}', encoding='ascii') as file:
            return any(line.split()[1] == wanted for line in file.readlines()[1:])

    def nft(self, name, text):
        with inside(self.spaces[name]):
            done = subprocess.run(['nft', '-f', '-'], input=text, text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
        check(done.returncode == 0, f'nft: {done.stdout}')

    def filter(self, *rules, name='r1', hook='forward'):
        """Rules for what passes, of both families"""
        lines = '\n'.join(rules)
        self.nft(name, f'table inet lab {{\nchain {hook} {{\ntype filter hook {hook} priority 0\n{lines}\n}}\n}}\n')

    def count(self):
        """From now on the client's packets are counted, but for what neighbours say to each other."""
        rules = 'meta l4proto { tcp, udp, icmp } counter\nicmpv6 type { destination-unreachable, time-exceeded } counter'
        self.nft('client', 'table inet count {\n' + ''.join(
            f'chain {hook} {{\ntype filter hook {hook} priority -200\n{rules}\n}}\n' for hook in ('output', 'input')) + '}\n')

    def counted(self):
        """(sent, received)"""
        with inside(self.spaces['client']):
            text = subprocess.run(['nft', 'list', 'table', 'inet', 'count'], capture_output=True, text=True, check=True).stdout
        ours, ours6, theirs, theirs6 = (int(number) for number in re.findall(r'packets (\d+)', text))
        return ours + ours6, theirs + theirs6


def int_of(address):
    """As the kernel's tables of sockets write it"""
    packed = ipaddress.ip_address(address).packed
    return ''.join(packed[i:i + 4][::-1].hex().upper() for i in range(0, len(packed), 4))


def standin(*words, udp='yes'):
    """The lab's own server: tests/lab/standin.c"""
    return lambda yard, address: yard.begin(address, [world.standin(), *words, f'udp={udp}', f'at={address}'])


def write_zones(directory):
    for zone, text in ZONES.items():
        write(os.path.join(directory, zone), f'$ORIGIN {zone}.\n{text}\n')


def unbound(tcp=True):
    def begin(yard, address):
        if not world.unbound():
            raise Skipped('no unbound')
        path = scratch.new('unbound.conf')
        directory = os.path.dirname(path)
        write_zones(directory)
        text = UNBOUND.format(directory=directory, address=address, tcp='yes' if tcp else 'no')
        for zone in ZONES:
            text += f'auth-zone:\n    name: "{zone}"\n    zonefile: "{directory}/{zone}"\n' \
                    '    for-downstream: yes\n    for-upstream: no\n'
        write(path, text)
        yard.begin(address, [world.unbound(), '-d', '-p', '-c', path], tcp)
    return begin


def nsd():
    def begin(yard, address):
        if not place_of('nsd'):
            raise Skipped('no nsd')
        path = scratch.new('nsd.conf')
        directory = os.path.dirname(path)
        write_zones(directory)
        text = NSD.format(directory=directory, address=address)
        for zone in ZONES:
            text += f'zone:\n    name: "{zone}"\n    zonefile: "{directory}/{zone}"\n'
        write(path, text)
        yard.begin(address, [place_of('nsd'), '-d', '-c', path])
    return begin
