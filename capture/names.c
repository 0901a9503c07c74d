/*
 * Names are never resolved: resolving is what is broken. Libpcap's filter expressions would ("host mail.example"), through
 * this function of the C library, which the program has of its own therefore: addresses, and names of ports and protocols,
 * which are in a file, it hands on.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>

typedef int resolver(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found);

resolver getaddrinfo;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    static resolver *real;
    struct addrinfo numeric = {0};
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!real)
        return EAI_FAIL;
    if (hints)
        numeric = *hints;
    if (node)
        numeric.ai_flags |= AI_NUMERICHOST;
    return real(node, service, node ? &numeric : hints, found);
}
