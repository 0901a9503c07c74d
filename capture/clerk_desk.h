/* The clerk's own process: it waits at its desk for requests and for its command. */
#ifndef TCP53_CAPTURE_CLERK_DESK_H
#define TCP53_CAPTURE_CLERK_DESK_H

#include "capture/clerk.h"

/* In the child: gives up privileges, says so or why not, serves until the socket closes, and exits. */
_Noreturn void clerk_desk(int socket, const int *places, const struct clerk_options *options);

#endif
