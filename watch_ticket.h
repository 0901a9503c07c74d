/* What is attached to a ticket: a folder with the packets at hand and what they say. */
#ifndef TCP53_WATCH_TICKET_H
#define TCP53_WATCH_TICKET_H

#include "capture/clerk.h"
#include "capture/keep.h"
#include "options.h"
#include "report/change.h"

enum {
    TICKET_NAME = 128,     /* bytes of a folder's name */
    TICKET_FILE = 32,      /* of a file's in it */
    TICKET_FRAMES = 16384, /* about so many, some 3 MB; the kernel's buffer must not run over meanwhile */
};

#define TICKET_PCAP "evidence.pcap"
#define TICKET_JSON "report.json"
#define TICKET_TEXT "report.txt"

struct ticket {
    struct clerk *clerk;
    unsigned place; /* directory of the folders */
    struct keep *keep;
    const struct facts *facts; /* of the report that tells the change */
    const struct options *options;
    unsigned serial; /* two changes of one second have two folders */
};

/*
 * Writes the folder, which has its name when it is whole, and gives the name; false with errno, and what was written of it
 * is in `folder`. Frames of the link type
 * that most of them have are in it: a pcap file has one.
 */
bool ticket_write(const struct ticket *ticket, const struct change *change, char name[TICKET_NAME],
                  char folder[TICKET_NAME]);

#endif
