#include "capture/pktap.h"

#include "dissect/cursor.h"

#include <stdio.h>
#include <string.h>

/* https://www.tcpdump.org/linktypes/LINKTYPE_PKTAP.html and the header of Darwin's kernel, struct pktap_header. */
enum {
    RECORD_PACKET = 1,
    HEADER_LEAST = 108,
    AT_LENGTH = 0,
    AT_RECORD = 4,
    AT_LINK_TYPE = 8,
    AT_FLAGS = 36,
    AT_PID = 52,
    AT_COMMAND = 56,
    COMMAND_BYTES = 20,
    FLAG_INCOMING = 0x01,
    FLAG_OUTGOING = 0x02,
};

/* All its numbers are little-endian, in the byte order of the hosts that write it. */
static uint32_t number_at(const struct frame *frame, uint32_t at)
{
    struct cursor number = cursor_of(frame->data + at, 4);
    return cursor_u32_little(&number);
}

static uint8_t process_of(const struct frame *frame, struct notes *notes)
{
    char text[64], command[COMMAND_BYTES + 1] = "";
    memcpy(command, frame->data + AT_COMMAND, COMMAND_BYTES);
    if (!*command)
        return 0;
    snprintf(text, sizeof text, "process %s, PID %u", command, number_at(frame, AT_PID));
    return notes_add(notes, text);
}

void pktap_unwrap(struct frame *frame, struct notes *notes)
{
    if (frame->link_type != LINK_PKTAP && frame->link_type != LINK_PKTAP_DLT)
        return;
    if (frame->captured < HEADER_LEAST || number_at(frame, AT_RECORD) != RECORD_PACKET)
        return;
    uint32_t length = number_at(frame, AT_LENGTH), flags = number_at(frame, AT_FLAGS);
    if (length < HEADER_LEAST || length > frame->captured)
        return;
    if (frame->note == 0)
        frame->note = process_of(frame, notes);
    frame->link_type = (int)number_at(frame, AT_LINK_TYPE);
    frame->direction = flags & FLAG_OUTGOING   ? LINK_OUTGOING
                       : flags & FLAG_INCOMING ? LINK_INCOMING
                                               : LINK_DIRECTION_UNKNOWN;
    frame->data += length;
    frame->captured -= length;
    frame->declared -= length;
}
