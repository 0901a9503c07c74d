# shellcheck shell=bash disable=SC2034,SC2154  # the variables are for whoever sources this
# The table of cases, cases/*.tsv. README.md says what each column holds.

themes="fine host software boxes injectors traps client pairs"
columns="name number families delay save capture setup scenario origin point truth client_view server_view compare_view"
spare_number=251 # of a case without a number of its own

table_rows() {
    local theme files=()
    for theme in $themes; do files+=("$lab_dir/cases/$theme.tsv"); done
    grep -hv -e '^#' -e '^$' "${files[@]}"
}

split_row() { # ROW: its columns as variables
    # shellcheck disable=SC2086,SC2229  # a list of names
    IFS=$'\t' read -r $columns <<<"$1"
    [ "$number" != - ] || number=$spare_number
    [ "$truth" ] || return 1
    extension=pcap
    case $name in *.pcapng | *.cap) extension=${name##*.} ;; esac
    stem=${name%".$extension"} # of the files of its captures, with the family: STEM.v4
    case $client_view in =) client_view=$truth ;; esac
    case $server_view in =) server_view=$truth ;; esac
    case $compare_view in =) compare_view=$truth ;; esac
}

name_addresses() { # FAMILY NUMBER: what $server1 and the rest stand for
    case $1 in
    4) client=192.0.2.10 lan=192.0.2.0/24 onlink=192.0.2.$2 server1=198.51.100.$2 server2=203.0.113.$2 ;;
    6) client=2001:db8:0:1::10 lan=2001:db8:0:1::/64 onlink=2001:db8:0:1::$2
        server1=2001:db8:0:3::$2 server2=2001:db8:0:5::$2 ;;
    esac
}

fill_in() { # STEPS: with every address in its place
    local name steps=$1
    for name in server1 server2 onlink client lan; do steps=${steps//\$$name/${!name}}; done
    printf '%s\n' "$steps"
}

# points_of CAPTURE-COLUMN: a line each, who sees it and NAMESPACE:IFACE[:TCPDUMP-OPTIONS]
points_of() {
    local all point server=s1:eth0 more=()
    IFS=, read -r -a all <<<"${1//\~/ }"
    case ${all[0]} in
    *:[a-z]*) echo "client ${all[0]}" ;;
    *) echo "client client:${all[0]}" ;;
    esac
    for point in "${all[@]:1}"; do
        case $point in
        s1:*) server=$point ;;
        s2:*) more+=("server2 $point") ;;
        r1:*) more+=("onlink $point") ;;
        *) more+=("${point%%:*} $point") ;;
        esac
    done
    printf '%s\n' "server $server" "${more[@]}"
}

check_table() {
    local wrong
    wrong=$(table_rows | awk -F'\t' '
        NF != 14                                    { print $1 ": " NF " columns instead of 14" }
        seen[$1]++                                  { print $1 ": twice" }
        $2 !~ /^(-|[0-9]+)$/ || $2 == 0 || $2 > 250 { print $1 ": number " $2 }
        $2 != "-" && taken[$2]++                    { print $1 ": the number " $2 " is taken" }
        $2 == "-" && $5 != "-"                      { print $1 ": a sample needs a number of its own" }
        $3 !~ /^(4|6|46)$/                          { print $1 ": families " $3 }
        $4 !~ /^(far|0)$/                           { print $1 ": delay " $4 }
        $5 !~ /^(client|server|pair|-)$/            { print $1 ": save " $5 }')
    [ -z "$wrong" ] || fail "cases: $wrong"
}
