#include "inputs.h"

#include "capture/interrupt.h"
#include "capture/reader.h"
#include "clock.h"

#include <assert.h>
#include <stdlib.h>

static struct report_input described(const struct input *input)
{
    struct report_input out = {.operand = input->operand,
                               .path = input->path,
                               .format = input->format,
                               .compression = input->compression,
                               .time_zone = input->local_times ? clock_zone() : NULL,
                               .link_type_count = input->link_type_count,
                               .frames = input->frames,
                               .bytes = input->bytes,
                               .first_ns = input->first_ns,
                               .last_ns = input->last_ns,
                               .selected = input->selected,
                               .skipped = input->skipped,
                               .cut = input->cut,
                               .backward = input->backward,
                               .snaplen = input->snaplen,
                               .truncated = input->truncated,
                               .trouble = *input->trouble.text ? input->trouble.text : NULL,
                               .kernel_dropped = input->kernel_dropped};
    static_assert(sizeof out.link_types / sizeof *out.link_types == INPUT_LINK_TYPES, "all of them are told");
    static_assert(sizeof *out.link_types == INPUT_LINK_NAME, "in full");
    for (unsigned i = 0; i < input->link_type_count; i++)
        input_link_name(input->link_types[i], out.link_types[i]);
    return out;
}

static const char *note_of(const void *source, uint8_t note)
{
    return source_note(source, note);
}

bool inputs_list(const struct input *inputs, size_t count, struct report_source *from)
{
    struct report_input *list = calloc(count, sizeof *list);
    if (!list)
        return false;
    for (size_t i = 0; i < count; i++)
        list[i] = described(&inputs[i]);
    from->inputs = list;
    from->input_count = count;
    from->pcap_version = libpcap_version();
    from->wiretap_version = wiretap_version();
    return true;
}

bool inputs_describe(const struct source *source, struct report_source *from)
{
    size_t count;
    const struct input *inputs = source_inputs(source, &count);
    if (!inputs_list(inputs, count, from))
        return false;
    from->late = source_late(source);
    from->interrupted = interrupt_is_raised();
    from->notes = source;
    from->note_of = note_of;
    return true;
}

void inputs_release(struct report_source *from)
{
    free((struct report_input *)from->inputs);
    from->inputs = NULL;
}
