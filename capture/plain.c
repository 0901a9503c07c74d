/* In the place of wiretap.c, when the program is built without libwiretap. */
#include "capture/reader.h"

#if !TCP53_WIRETAP

struct reader *wiretap_open(const char *path, struct input *input, struct notes *notes)
{
    (void)path;
    (void)notes;
    failure_set(&input->trouble, "%s: not a pcap or pcapng capture", input->path);
    return NULL;
}

bool wiretap_knows(const char *path)
{
    (void)path;
    return false;
}

bool wiretap_reads(const char *path)
{
    return wiretap_knows(path);
}

const char *wiretap_link_name(int link_type)
{
    (void)link_type;
    return NULL;
}

const char *wiretap_version(void)
{
    return NULL;
}

#endif
