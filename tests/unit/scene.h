/* A client and a server whose packets go through a whole analysis, for tests that read like a story. */
#ifndef TCP53_TESTS_SCENE_H
#define TCP53_TESTS_SCENE_H

#include "dissect/analysis.h"
#include "report/report.h"
#include "tests/unit/wire.h"

#define SCENE_NAME "example.com" /* what is asked, unless a test asks for something else */

struct scene {
    struct analysis *analysis;
    int64_t time_ns; /* of the next frame */
    uint64_t frames;
    struct addr client, server;
    uint16_t client_port, server_port;
    uint8_t client_ttl, server_ttl;
    uint32_t client_seq, server_seq; /* the next byte of each side */
    uint16_t ip_id;                  /* of the next packet; 0: none counts up */
    bool finished;
    struct report *report;
};

/* 192.0.2.10 at TTL 64 asks 198.51.100.53 at TTL 62; each frame comes 5 ms after the one before. */
void scene_begin(struct scene *scene);
/* The same, and it goes on for weeks (analysis_options.live). */
void scene_watch(struct scene *scene);
void scene_end(struct scene *scene);
void scene_wait(struct scene *scene, int64_t ms);
/* The clock goes on: so much later something else is captured. */
void scene_pass(struct scene *scene, int64_t ms);
/* Another connection: a new client port and new sequence numbers. */
void scene_connect(struct scene *scene);

/* A bare segment of one side with the numbers that are due, to be changed before it is sent. */
struct wire_packet scene_client(const struct scene *scene, uint8_t flags);
struct wire_packet scene_server(const struct scene *scene, uint8_t flags);
/* Feeds a packet as it is; the sides' numbers stay. */
void scene_send(struct scene *scene, const struct wire_packet *packet);

/* One side sends a segment (with what a SYN or FIN counts); payload may be NULL. */
void scene_client_sends(struct scene *scene, uint8_t flags, const struct wire *payload);
void scene_server_sends(struct scene *scene, uint8_t flags, const struct wire *payload);
/* SYN, SYN-ACK, ACK. */
void scene_handshake(struct scene *scene);
/* The query, or the answer, in one segment over TCP. */
void scene_asks(struct scene *scene, uint16_t id);
void scene_answers(struct scene *scene, uint16_t id, unsigned rcode);
/* A whole connection of its own: its SYN is reset from that distance; its query is answered and it is closed. */
void scene_is_reset(struct scene *scene, uint8_t ttl);
void scene_is_answered(struct scene *scene);
/* The query and its answer over UDP. */
void scene_udp_query(struct scene *scene, uint16_t id);
void scene_udp_answer(struct scene *scene, uint16_t id, bool truncated, unsigned rcode);
void scene_udp(struct scene *scene, uint16_t id);
/* An ICMP error of `source` about the client's latest SYN. */
void scene_icmp(struct scene *scene, const char *source, uint8_t ttl, uint8_t type, uint8_t code);

/* Ends the capture, once. */
void scene_finish(struct scene *scene);
/* The same, and what is known of the scene's server, and of its only kind of end. */
const struct server *scene_facts(struct scene *scene);
const struct tcp_facts *scene_tcp(struct scene *scene);
const struct ending *scene_ending(struct scene *scene);
/* Its timeline. */
const struct flow_record *scene_flow(struct scene *scene);
/* How the only flow (or each of several alike) ended: "rejected syn-reset". */
const char *scene_outcome(struct scene *scene);
/* Fails the test when it did not end so. */
void scene_expect(struct scene *scene, const char *outcome);
/* True when its end bears any of these enum flow_sign. */
bool scene_sign(struct scene *scene, uint32_t signs);
/* The report's words on the scene's server: "rejected intermediary syn-reset proven". */
const char *scene_verdict(struct scene *scene);
/* The server as the report shows it. */
const struct report_server *scene_report(struct scene *scene);

#endif
