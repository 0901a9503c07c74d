/*
 * https://github.com/corelight/community-id-spec: SHA-1 over seed, addresses, protocol and ports, the smaller end
 * first, in base64. The hash is that of ldns, which is linked anyway; its small header has none of ldns' types.
 */
#include "dissect/community.h"

#include "dissect/packet.h"

#include <ldns/sha1.h>
#include <stddef.h>

enum { HASHED_MOST = 2 + 16 + 16 + 2 + 2 + 2 };

static void base64(const uint8_t *bytes, size_t count, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t three =
            (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        *text++ = digits[three >> 18];
        *text++ = digits[three >> 12 & 63];
        *text++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *text++ = left > 2 ? digits[three & 63] : '=';
    }
    *text = '\0';
}

static size_t put_address(uint8_t *to, struct addr address)
{
    const uint8_t *bytes = (const uint8_t *)address.word;
    size_t skip = addr_is_v4(address) ? 12 : 0;
    memcpy(to, bytes + skip, 16 - skip);
    return 16 - skip;
}

static size_t put_port(uint8_t *to, uint16_t port)
{
    to[0] = (uint8_t)(port >> 8);
    to[1] = (uint8_t)port;
    return 2;
}

const char *community_id(struct community_end one, struct community_end other, char *text)
{
    int order = addr_order(one.address, other.address);
    bool swap = order > 0 || (order == 0 && one.port > other.port);
    const struct community_end *first = swap ? &other : &one, *second = swap ? &one : &other;
    uint8_t hashed[HASHED_MOST] = {0}, digest[LDNS_SHA1_DIGEST_LENGTH];
    size_t length = 2; /* the seed, 0 */
    length += put_address(hashed + length, first->address);
    length += put_address(hashed + length, second->address);
    hashed[length] = PROTOCOL_TCP;
    length += 2; /* protocol and a zero byte */
    length += put_port(hashed + length, first->port);
    length += put_port(hashed + length, second->port);
    ldns_sha1(hashed, (unsigned)length, digest);
    text[0] = '1';
    text[1] = ':';
    base64(digest, sizeof digest, text + 2);
    return text;
}
