/* What is said between the clerk and the process that it serves: one request, one answer, a descriptor with either. */
#ifndef TCP53_CAPTURE_CLERK_WIRE_H
#define TCP53_CAPTURE_CLERK_WIRE_H

#include "capture/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum clerk_kind {
    CLERK_CREATE,
    CLERK_OPEN,
    CLERK_RENAME,
    CLERK_REMOVE,
    CLERK_MAKE_DIRECTORY,
    CLERK_RUN,
    CLERK_ENDED,
    CLERK_NOTIFY,
    CLERK_KINDS
};

enum { CLERK_TEXT = 4080, CLERK_STRINGS = 64 };

struct clerk_request {
    uint64_t serial; /* from 1; the answer has the same */
    uint32_t kind, place;
    char text[CLERK_TEXT]; /* strings, each with its NUL; an empty one ends them */
};

/* The first answer, serial 0, says that the clerk is ready, or why not. */
struct clerk_answer {
    uint64_t serial;
    int32_t error;  /* errno; 0: done */
    int32_t status; /* of CLERK_ENDED */
    struct failure failure;
};

/* Strings up to a NULL; false when there is no room for them. */
bool clerk_wire_pack(struct clerk_request *request, const char *const *strings);
/* At most CLERK_STRINGS, then NULL; false when the text is not as clerk_wire_pack() makes it. */
bool clerk_wire_unpack(struct clerk_request *request, char *strings[CLERK_STRINGS + 1]);

/* Sends a message, with a descriptor unless that is -1, which stays the caller's. False and errno; never SIGPIPE. */
bool clerk_wire_send(int socket, const void *message, size_t size, int descriptor);
/* As recvmsg(2); *descriptor is the one that came along, which is the caller's now, or -1. `flags`: 0 or MSG_DONTWAIT. */
ssize_t clerk_wire_receive(int socket, void *message, size_t size, int *descriptor, int flags);

#endif
