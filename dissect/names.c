/* The stable words of events, mechanisms and tunnels. */
#include "dissect/flow.h"
#include "dissect/tunnel.h"

#include <assert.h>

const char *mechanism_name(enum mechanism mechanism)
{
    static const char *const names[] = {
        [MECHANISM_NONE] = "none",
        [MECHANISM_ANSWERED] = "answered",
        [MECHANISM_SYN_RESET] = "syn-reset",
        [MECHANISM_SYN_UNANSWERED] = "syn-unanswered",
        [MECHANISM_ICMP_ADMIN] = "icmp-admin-prohibited",
        [MECHANISM_ICMP_PORT] = "icmp-port-unreachable",
        [MECHANISM_ICMP_PROTOCOL] = "icmp-protocol-unreachable",
        [MECHANISM_ICMP_HOST] = "icmp-host-unreachable",
        [MECHANISM_RESET_AFTER_HANDSHAKE] = "reset-after-handshake",
        [MECHANISM_RESET_AFTER_QUERY] = "reset-after-query",
        [MECHANISM_CLOSED] = "closed-without-answer",
        [MECHANISM_PARTIAL_ANSWER] = "partial-answer",
        [MECHANISM_QUERY_UNANSWERED] = "query-unanswered",
        [MECHANISM_QUERY_UNACKED] = "query-unacknowledged",
        [MECHANISM_ERROR_RCODE] = "error-rcode",
        [MECHANISM_FORGED_RESET] = "forged-reset",
        [MECHANISM_TCP_PROXY] = "tcp-proxy",
        [MECHANISM_SYN_PROXY] = "syn-proxy",
        [MECHANISM_LOCAL_FILTER] = "local-filter",
        [MECHANISM_SYNACK_IGNORED] = "synack-ignored",
        [MECHANISM_CLIENT_ABORTED] = "client-aborted",
        [MECHANISM_NOT_DNS] = "not-dns",
        [MECHANISM_INCOMPLETE] = "incomplete",
        [MECHANISM_REJECTED_OTHERWISE] = "rejected-otherwise",
    };
    static_assert(sizeof names / sizeof *names == MECHANISMS, "each mechanism has its name");
    return names[mechanism];
}

const char *flow_event_name(enum flow_event event)
{
    static const char *const names[] = {
        [FLOW_SYN] = "SYN",
        [FLOW_SYN_AGAIN] = "SYN again",
        [FLOW_SYNACK] = "SYN-ACK",
        [FLOW_SYNACK_AGAIN] = "SYN-ACK again",
        [FLOW_ACK] = "ACK",
        [FLOW_QUERY] = "query",
        [FLOW_QUERY_AGAIN] = "query again",
        [FLOW_QUERY_ACKED] = "ACK of the query",
        [FLOW_ANSWER_PART] = "part of an answer",
        [FLOW_ANSWER] = "answer",
        [FLOW_SERVER_FIN] = "FIN",
        [FLOW_SERVER_RST] = "RST",
        [FLOW_SERVER_RST_AGAIN] = "RST again",
        [FLOW_SERVER_AFTER_RST] = "goes on after its RST",
        [FLOW_CLIENT_FIN] = "FIN",
        [FLOW_CLIENT_RST] = "RST",
        [FLOW_CLIENT_AFTER_RST] = "goes on after the RST",
        [FLOW_ICMP] = "ICMP error",
        [FLOW_SERVER_LATER] = "ACK",
    };
    static_assert(sizeof names / sizeof *names == FLOW_EVENTS, "each event has its name");
    return names[event];
}

const char *tunnel_name(enum tunnel tunnel)
{
    static const char *const names[] = {
        [TUNNEL_PPPOE] = "PPPoE",
        [TUNNEL_MPLS] = "MPLS",
        [TUNNEL_PBB] = "PBB",
        [TUNNEL_IP_IN_IP] = "IP-in-IP",
        [TUNNEL_6IN4] = "6in4",
        [TUNNEL_IP_IN_IPV6] = "IP-in-IPv6",
        [TUNNEL_MPLS_IN_IP] = "MPLS-in-IP",
        [TUNNEL_ETHERIP] = "EtherIP",
        [TUNNEL_GRE] = "GRE",
        [TUNNEL_PPTP] = "PPTP",
        [TUNNEL_WCCP] = "WCCP",
        [TUNNEL_ERSPAN] = "ERSPAN",
        [TUNNEL_VXLAN] = "VXLAN",
        [TUNNEL_GENEVE] = "Geneve",
        [TUNNEL_TZSP] = "TZSP",
        [TUNNEL_GTP] = "GTP-U",
        [TUNNEL_TEREDO] = "Teredo",
        [TUNNEL_L2TP] = "L2TP",
        [TUNNEL_MPLS_IN_UDP] = "MPLS-in-UDP",
    };
    static_assert(sizeof names / sizeof *names == TUNNELS, "each tunnel has its name");
    return names[tunnel];
}
