/* What the report says of an input, from what the source knows: those two layers do not know one another. */
#ifndef TCP53_INPUTS_H
#define TCP53_INPUTS_H

#include "capture/source.h"
#include "report/report.h"

static inline struct report_input input_described(const struct source_input *input)
{
    struct report_input out = {.operand = input->operand,
                               .path = input->path,
                               .format = input->format,
                               .link_type_count = input->link_type_count,
                               .frames = input->frames,
                               .bytes = input->bytes,
                               .first_ns = input->first_ns,
                               .last_ns = input->last_ns,
                               .snaplen = input->snaplen,
                               .truncated = input->truncated,
                               .trouble = *input->trouble.text ? input->trouble.text : NULL,
                               .kernel_dropped = -1};
    for (unsigned i = 0; i < input->link_type_count; i++)
        out.link_types[i] = source_link_name(input->link_types[i]);
    return out;
}

#endif
