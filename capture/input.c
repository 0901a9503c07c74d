#include "capture/input.h"

#include "capture/reader.h"

#include <pcap/pcap.h>
#include <stdio.h>

const char *input_link_name(int link_type)
{
    static char number[24];
    const char *name = pcap_datalink_val_to_name(link_type);
    if (!name)
        name = wiretap_link_name(link_type);
    if (name)
        return name;
    snprintf(number, sizeof number, "%d", link_type);
    return number;
}
