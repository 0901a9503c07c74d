#include "capture/clerk_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool clerk_wire_pack(struct clerk_request *request, const char *const *strings)
{
    size_t used = 0;
    memset(request->text, 0, sizeof request->text);
    for (size_t i = 0; strings && strings[i]; i++) {
        size_t length = strlen(strings[i]) + 1;
        if (length == 1 || i == CLERK_STRINGS || length >= sizeof request->text - used)
            return false;
        memcpy(request->text + used, strings[i], length);
        used += length;
    }
    return true;
}

bool clerk_wire_unpack(struct clerk_request *request, char *strings[CLERK_STRINGS + 1])
{
    char *at = request->text, *end = request->text + sizeof request->text;
    if (end[-1])
        return false;
    size_t count = 0;
    for (; *at && count < CLERK_STRINGS; at += strlen(at) + 1)
        strings[count++] = at;
    strings[count] = NULL;
    return !*at;
}

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void attach(struct msghdr *message, union control *control, int descriptor)
{
    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = sizeof control->bytes;
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    *head =
        (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof descriptor)};
    memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
}

bool clerk_wire_send(int socket, const void *message, size_t size, int descriptor)
{
    union control control;
    struct iovec part = {.iov_base = (void *)message, .iov_len = size};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0)
        attach(&head, &control, descriptor);
    ssize_t sent;
    do
        sent = sendmsg(socket, &head, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)size;
}

ssize_t clerk_wire_receive(int socket, void *message, size_t size, int *descriptor, int flags)
{
    union control control;
    struct iovec part = {.iov_base = message, .iov_len = size};
    struct msghdr head = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = CMSG_LEN(sizeof *descriptor)};
    ssize_t got;
    *descriptor = -1;
    do
        got = recvmsg(socket, &head, flags | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    const struct cmsghdr *given = got >= 0 ? CMSG_FIRSTHDR(&head) : NULL;
    if (given && given->cmsg_level == SOL_SOCKET && given->cmsg_type == SCM_RIGHTS &&
        given->cmsg_len == CMSG_LEN(sizeof *descriptor))
        memcpy(descriptor, CMSG_DATA(given), sizeof *descriptor);
    return got;
}
