#include "dissect/addr.h"

#include <arpa/inet.h>

bool addr_is_v4(struct addr addr)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(addr.word, prefix, sizeof prefix) == 0;
}

bool addr_is_loopback(struct addr addr)
{
    const uint8_t *bytes = (const uint8_t *)addr.word;
    static const uint8_t six[16] = {[15] = 1};
    return addr_is_v4(addr) ? bytes[12] == 127 : memcmp(bytes, six, sizeof six) == 0;
}

/* The private blocks, as prefixes of the sixteen bytes. */
static const struct {
    uint8_t at, bytes[2], mask[2];
} private_blocks[] = {
    {12, {10, 0}, {0xff, 0}},        /* 10.0.0.0/8 */
    {12, {172, 16}, {0xff, 0xf0}},   /* 172.16.0.0/12 */
    {12, {192, 168}, {0xff, 0xff}},  /* 192.168.0.0/16 */
    {12, {169, 254}, {0xff, 0xff}},  /* 169.254.0.0/16 */
    {12, {127, 0}, {0xff, 0}},       /* 127.0.0.0/8 */
    {0, {0xfc, 0}, {0xfe, 0}},       /* fc00::/7 */
    {0, {0xfe, 0x80}, {0xff, 0xc0}}, /* fe80::/10 */
};

static int private_block(struct addr addr)
{
    const uint8_t *bytes = (const uint8_t *)addr.word;
    int first = addr_is_v4(addr) ? 0 : 5, last = addr_is_v4(addr) ? 5 : 7;
    for (int i = first; i < last; i++) {
        const uint8_t *at = bytes + private_blocks[i].at;
        if ((at[0] & private_blocks[i].mask[0]) == private_blocks[i].bytes[0] &&
            (at[1] & private_blocks[i].mask[1]) == private_blocks[i].bytes[1])
            return i;
    }
    return -1;
}

bool addr_is_private(struct addr addr)
{
    return private_block(addr) >= 0;
}

bool addr_is_link_local(struct addr addr)
{
    const uint8_t *bytes = (const uint8_t *)addr.word;
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool addr_same_region(struct addr a, struct addr b)
{
    return addr_is_v4(a) == addr_is_v4(b) && memcmp(a.word, b.word, addr_is_v4(a) ? 14 : 4) == 0;
}

bool addr_are_neighbours(struct addr a, struct addr b)
{
    return addr_is_v4(a) == addr_is_v4(b) && memcmp(a.word, b.word, addr_is_v4(a) ? 15 : 8) == 0;
}

bool addr_may_share_link(struct addr a, struct addr b)
{
    if (addr_is_v4(a) != addr_is_v4(b))
        return false;
    if (addr_are_neighbours(a, b))
        return true;
    return private_block(a) >= 0 && private_block(a) == private_block(b);
}

const char *addr_text(struct addr addr, char *text)
{
    const uint8_t *bytes = (const uint8_t *)addr.word;
    if (addr_is_v4(addr))
        inet_ntop(AF_INET, bytes + 12, text, ADDR_TEXT);
    else
        inet_ntop(AF_INET6, bytes, text, ADDR_TEXT);
    return text;
}

bool addr_read(const char *text, struct addr *addr)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1)
        *addr = addr_v4(bytes);
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        *addr = addr_v6(bytes);
    else
        return false;
    return true;
}

int addr_order(struct addr a, struct addr b)
{
    return memcmp(a.word, b.word, sizeof a.word);
}
