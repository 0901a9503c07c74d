/* A plain TCP relay, as a transparent proxy or a load balancer has it:
 *
 *   relay PORT ADDRESS     takes connections at PORT, over both families, and connects each to port 53 of ADDRESS.
 *                          A connection for which there is no other half is closed, or reset when its query is unread.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int connected(const char *address)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *to;
    if (getaddrinfo(address, "53", &hints, &to) != 0)
        return -1;
    int fd = socket(to->ai_family, SOCK_STREAM, 0);
    int failed = fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) != 0;
    freeaddrinfo(to);
    return failed ? -1 : fd;
}

static void pass_on(int one, int other)
{
    struct pollfd ends[2] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}};
    char bytes[4096];

    while (poll(ends, 2, -1) > 0)
        for (int i = 0; i < 2; i++)
            if (ends[i].revents) {
                ssize_t got = read(ends[i].fd, bytes, sizeof bytes);
                if (got <= 0 || write(ends[!i].fd, bytes, (size_t)got) != got)
                    return;
            }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: relay PORT ADDRESS\n");
        return 2;
    }
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(argv[1]))};
    int door = socket(AF_INET6, SOCK_STREAM, 0), yes = 1;
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (door < 0 || bind(door, (struct sockaddr *)&here, sizeof here) != 0 || listen(door, 64) != 0) {
        perror("relay");
        return 1;
    }
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int near = accept(door, NULL, NULL);
        if (near < 0)
            continue;
        if (fork() == 0) {
            int far = connected(argv[2]);
            if (far >= 0)
                pass_on(near, far);
            return 0;
        }
        close(near);
    }
}
