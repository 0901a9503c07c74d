/* Which servers are asked by default and which interfaces are watched for them: for tests/live/resolved.
 *
 *   servers FILE     FILE: a resolv.conf
 */
#include "capture/resolvers.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct resolver_server list[RESOLVERS_MOST];
    struct failure failure = {""};
    char from[256] = "", text[ADDR_TEXT], names[RESOLVERS_MOST][IFNAMSIZ];
    if (argc != 2)
        return 2;
    size_t count = resolvers_servers(argv[1], list, RESOLVERS_MOST, from, sizeof from, &failure);
    for (size_t i = 0; i < count; i++)
        printf("server %s %u %s\n", addr_text(list[i].address, text), (unsigned)list[i].port,
               list[i].link ? list[i].link_name : "-");
    printf("%s\n", count ? from : failure.text);
    count = resolvers_interfaces(argv[1], names, RESOLVERS_MOST);
    for (size_t i = 0; i < count; i++)
        printf("interface %s\n", names[i]);
    return 0;
}
