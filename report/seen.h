/* What rules look at in a case, asked by more than one of them; and short words for their rows. */
#ifndef TCP53_REPORT_SEEN_H
#define TCP53_REPORT_SEEN_H

#include "report/rules.h"

#define SERVER CULPRIT_SERVER
#define BOX CULPRIT_INTERMEDIARY
#define LOCAL CULPRIT_LOCAL
#define NOBODY CULPRIT_NONE
#define WEAK STRENGTH_WEAK
#define STRONG STRENGTH_STRONG
#define CONCLUSIVE STRENGTH_CONCLUSIVE

enum {
    SEEN_SAMPLES_ENOUGH = 3, /* packets of each kind from which on a constant distance counts as constant */
    SEEN_ROUTE_GAP = 3,      /* hops by which routes to one address differ */
    SEEN_EDGE_HOPS = 1,      /* this near the capture there is no other route */
    SEEN_NETWORKS_ENOUGH = 3,
    SEEN_FLOOR_LEAST_US = 4000, /* round trips below this are too near the noise of a capture to compare */
    SEEN_FLOOR_SAMPLES = 5,     /* of UDP answers, which may include looking something up */
    SEEN_HANDSHAKES = 3,        /* kernels answer those at once */
};

/* One of the flow's signs (enum flow_sign) was seen. */
bool seen_sign(const struct rule_case *c, uint32_t signs);
/* The flows ended by this mechanism. */
bool seen_mechanism(const struct rule_case *c, enum mechanism mechanism);
/* An ICMP error ended them. */
bool seen_icmp(const struct rule_case *c);
/* A RST or a FIN in the server's name ended them. */
bool seen_segment(const struct rule_case *c);
/* That packet's distance and the server's are both known by enough samples, and constant. */
bool seen_steady(const struct rule_case *c);
/* Only a socket was told of that packet: what would contradict it, such as a server that goes on, was not seen either. */
bool seen_only_told(const struct rule_case *c);
/*
 * That packet may be this very host's own filter's: it passed no router, and no capture shows whether it came in at all.
 */
bool seen_perhaps_own(const struct rule_case *c);
/* That packet came from nearer than anything of the server's. */
bool seen_nearer(const struct rule_case *c);
/* TCP ends at the place from which the SYN-ACK came, and that is not where the server is. */
bool seen_tcp_ends_nearer(const struct rule_case *c);
/* The least round trip to the server is known, by handshakes or by UDP. */
bool seen_handshake_floor(const struct rule_case *c);
bool seen_udp_floor(const struct rule_case *c);
/* How long the packet that ends the connection took is known, at the client. */
bool seen_timed(const struct rule_case *c);
/* And that is about as long as a round trip to the server takes. */
bool seen_at_round_trip(const struct rule_case *c);
/* A second capture shows that the packet which ends the connection never left the server's side. */
bool seen_refuted(const struct rule_case *c);
/* What answers is hardly the server, though it has its address. */
bool seen_posing(const struct rule_case *c);

#endif
