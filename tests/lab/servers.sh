# shellcheck shell=bash disable=SC2016,SC2154
# Real DNS servers: words for the set-up of a row.

write_zone() { # NUMBER of the case
    local n
    {
        echo '$ORIGIN example.test.'
        echo '$TTL 3600'
        echo '@ SOA ns hostmaster 1 7200 900 1209600 300'
        echo '@ NS ns'
        echo "ns A 198.51.100.$1"
        echo "ns AAAA 2001:db8:0:3::$1"
        for n in 1 2 3 4 5; do
            echo "@ MX ${n}0 mail$n"
            echo "mail$n A 192.0.2.10$n"
        done
        for ((n = 1; n <= 80; n++)); do echo "big MX $n mx$n"; done
        for ((n = 1; n <= 80; n++)); do echo "big A 192.0.2.$n"; done
    } >"$work/example.test.zone"
}

# serve NAMESPACE KIND [OPTION...]: an OPTION is a line of that server's own configuration,
# a blank written as ~. Two servers of one kind may run in a namespace.
# bind_notcp: BIND that is told to have no TCP; nsd_acl and knot_acl: for the one client that the only OPTION names;
# forwarder: unbound that asks the server that the only OPTION names, over TCP alone.
serve() {
    local space=$1 kind=$2 dir options option
    shift 2
    dir=$(mktemp -d "$work/$space.$kind.XXXXXX")
    options=
    for option; do options+="    ${option//\~/ }"$'\n'; done
    "config_$kind" >"$dir/server.conf"
    case $kind in
    bind)     start "$space" named -g -c "$dir/server.conf" ;;
    bind_notcp) start "$space" named -g -T notcp -c "$dir/server.conf" ;;
    unbound | forwarder) start "$space" unbound -d -p -c "$dir/server.conf" ;;
    nsd*)     start "$space" nsd -d -c "$dir/server.conf" ;;
    knot*)    start "$space" knotd -c "$dir/server.conf" ;;
    pdns)     start "$space" pdns_server --config-dir="$dir" ;;
    recursor) start "$space" pdns_recursor --config-dir="$dir" ;;
    dnsmasq)  start "$space" dnsmasq -k -C "$dir/server.conf" ;;
    esac
    wait_until 10 listens "$space" || fail "$kind did not start: $(tail -n 5 "$work/log.$((${#started[@]} - 1))")"
    sleep 0.7 # some open UDP first and TCP a moment later
}

listens() { # NAMESPACE
    [ -n "$(inside "$1" ss -Hlutn 'sport = :53 or sport = :5353')" ]
}

config_bind() {
    cat <<-CONFIG
	options {
	    directory "$dir";
	    pid-file none;
	    session-keyfile "$dir/session.key";
	    managed-keys-directory "$dir";
	    listen-on { any; };
	    listen-on-v6 { any; };
	    recursion no;
	    dnssec-validation no;
	    minimal-responses yes;
	$options};
	controls { };
	zone "example.test" { type primary; file "$work/example.test.zone"; };
	CONFIG
}

config_bind_notcp() {
    config_bind
}

unbound_server() { # what every unbound here has in common
    cat <<-CONFIG
	remote-control:
	    control-enable: no
	server:
	    username: ""
	    chroot: ""
	    directory: "$dir"
	    pidfile: "$dir/pid"
	    use-syslog: no
	    do-daemonize: no
	    module-config: "iterator"
	    local-zone: "test." nodefault
	CONFIG
}

config_unbound() {
    unbound_server
    cat <<-CONFIG
	    interface: 0.0.0.0
	    interface: ::0
	    access-control: 0.0.0.0/0 allow
	    access-control: ::/0 allow
	    minimal-responses: yes
	$options
	auth-zone:
	    name: "example.test"
	    zonefile: "$work/example.test.zone"
	    for-downstream: yes
	    for-upstream: no
	CONFIG
}

config_forwarder() {
    local address=${options//[[:space:]]/}
    unbound_server
    cat <<-CONFIG
	    interface: 127.0.0.1
	    cache-max-ttl: 0
	    tcp-upstream: yes
	forward-zone:
	    name: "."
	    forward-addr: $address
	CONFIG
}

config_nsd() {
    cat <<-CONFIG
	server:
	    username: ""
	    chroot: ""
	    zonesdir: "$dir"
	    pidfile: "$dir/pid"
	    zonelistfile: "$dir/zone.list"
	    xfrdfile: "$dir/xfrd.state"
	    xfrdir: "$dir"
	    database: ""
	    server-count: 1
	    minimal-responses: yes
	$options
	remote-control:
	    control-enable: no
	zone:
	    name: "example.test"
	    zonefile: "$work/example.test.zone"
	CONFIG
}

config_nsd_acl() {
    local address=${options//[[:space:]]/}
    options=
    config_nsd
    echo "    allow-query: $address NOKEY"
}

config_knot() {
    cat <<-CONFIG
	server:
	    rundir: "$dir"
	    listen: [ 0.0.0.0@53, ::@53 ]
	    tcp-workers: 1
	$options
	database:
	    storage: "$dir"
	zone:
	  - domain: example.test
	    file: "$work/example.test.zone"
	CONFIG
}

config_knot_acl() {
    local address=${options//[[:space:]]/}
    options=
    cat <<-CONFIG
	mod-queryacl:
	  - id: lab
	    address: $address
	template:
	  - id: default
	    global-module: mod-queryacl/lab
	CONFIG
    config_knot
}

config_recursor() { # pdns_recursor wants the name recursor.conf
    cat >"$dir/recursor.conf" <<-CONFIG
	auth-zones=example.test=$work/example.test.zone
	socket-dir=$dir
	daemon=no
	local-address=0.0.0.0, ::
	${options//    /}
	CONFIG
}

config_pdns() { # pdns_server wants the name pdns.conf
    echo "zone \"example.test\" { type native; file \"$work/example.test.zone\"; };" >"$dir/zones"
    cat >"$dir/pdns.conf" <<-CONFIG
	launch=bind
	bind-config=$dir/zones
	socket-dir=$dir
	daemon=no
	guardian=no
	local-address=0.0.0.0, ::
	${options//    /}
	CONFIG
}

config_dnsmasq() {
    local n
    echo "no-resolv"
    echo "no-hosts"
    echo "user=root"
    echo "pid-file=$dir/pid"
    for n in 1 2 3 4 5; do
        echo "mx-host=example.test,mail$n.example.test,${n}0"
        echo "host-record=mail$n.example.test,192.0.2.10$n"
    done
    printf '%s' "${options//    /}"
}

# stand_in NAMESPACE MODE [OPTION=VALUE...]: standin.c says what there is
stand_in() {
    local space=$1
    shift
    start "$space" "$tools/standin" "$@"
    wait_until 5 listens_on_tcp "$space" || fail "standin did not start: $(cat "$work/log.$((${#started[@]} - 1))")"
}

listens_on_tcp() { # NAMESPACE
    [ -n "$(inside "$1" ss -Hltn 'sport = :53')" ]
}

# down NAMESPACE ROUTER IFACE: the host says nothing any more, not even to its neighbour
down() {
    inside "$1" nft 'add table inet down
        add chain inet down input { type filter hook input priority -10; policy drop; }
        add table arp down
        add chain arp down input { type filter hook input priority 0; policy drop; }'
    inside "$2" ip neigh flush dev "$3"
    inside "$2" ip -6 neigh flush dev "$3"
}

# hold NAMESPACE ADDRESS COUNT [BEGUN]: keeps so many idle connections open, from another client's place;
# with BEGUN a query's first byte is sent, for servers that see a connection only then
hold() {
    start "$1" bash -c 'for ((n = 0; n < $2; n++)); do
        exec {fd}<>"/dev/tcp/$1/53" || exit 1
        [ -z "$3" ] || printf "\0" >&"$fd"
    done; exec sleep 120' hold "$2" "$3" "${4:-}"
    wait_until 5 holds "$1" "$3" || fail "cannot hold $3 connections to $2"
    sleep 0.5
}

holds() { # NAMESPACE COUNT
    [ "$(inside "$1" ss -Htn state established 'dport = :53' | wc -l)" -ge "$2" ]
}
