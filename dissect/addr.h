/* IP addresses of both families in one fixed form. */
#ifndef TCP53_DISSECT_ADDR_H
#define TCP53_DISSECT_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Sixteen bytes in network order; IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). All zero is "no address". */
struct addr {
    uint64_t word[2];
};

enum { ADDR_TEXT = 46 }; /* bytes that the longest text form takes, with its NUL */

static inline struct addr addr_v4(const uint8_t bytes[4])
{
    struct addr addr = {{0, 0}};
    uint8_t *out = (uint8_t *)addr.word;
    out[10] = out[11] = 0xff;
    memcpy(out + 12, bytes, 4);
    return addr;
}

static inline struct addr addr_v6(const uint8_t bytes[16])
{
    struct addr addr;
    memcpy(addr.word, bytes, 16);
    return addr;
}

static inline bool addr_same(struct addr a, struct addr b)
{
    return a.word[0] == b.word[0] && a.word[1] == b.word[1];
}

static inline bool addr_is_none(struct addr a)
{
    return (a.word[0] | a.word[1]) == 0;
}

/* Mixes 64 bits: the finaliser of MurmurHash3, whose constants it uses. */
static inline uint64_t hash_mix(uint64_t h)
{
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ULL;
    return h ^ h >> 33;
}

static inline uint64_t addr_hash(struct addr a, uint64_t seed)
{
    return hash_mix(a.word[0] ^ hash_mix(a.word[1] ^ seed));
}

bool addr_is_v4(struct addr addr);
/* True for 127.0.0.0/8 and ::1. */
bool addr_is_loopback(struct addr addr);
/* True in the blocks that are not routed on the Internet: RFC 1918, RFC 4193, link-local, loopback. */
bool addr_is_private(struct addr addr);
/* True in fe80::/10 (RFC 4291, 2.5.6): such an address means nothing without an interface. */
bool addr_is_link_local(struct addr addr);
/* True when both share the first 16 bits (IPv4) or 32 bits (IPv6): likely one operator's. */
bool addr_same_region(struct addr a, struct addr b);
/* True in the same /24 (IPv4) or /64 (IPv6). */
bool addr_are_neighbours(struct addr a, struct addr b);
/* True when both may sit on one link: the same /24 or /64, or the same private block (RFC 1918, RFC 4193, link-local). */
bool addr_may_share_link(struct addr a, struct addr b);
/* Numeric text (RFC 5952) into `text` of ADDR_TEXT bytes; returns `text`. */
const char *addr_text(struct addr addr, char *text);
/* Reads a numeric address of either family; false when it is none. */
bool addr_read(const char *text, struct addr *addr);
/* Orders by value, for stable reports: <0, 0, >0. */
int addr_order(struct addr a, struct addr b);

#endif
