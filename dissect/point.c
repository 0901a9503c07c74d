#include "dissect/point.h"

bool point_is_initial_ttl(uint8_t ttl)
{
    return ttl == 64 || ttl == 128 || ttl == 255;
}

static bool is_elsewhere(const struct point *point, struct addr client, unsigned input)
{
    return point->input != input && !addr_same(point->client, client);
}

void point_note(struct point *point, struct addr client, uint8_t ttl, struct frame_ref ref)
{
    if (!point_is_initial_ttl(ttl))
        return;
    if (!point->known)
        *point = (struct point){.client = client, .input = ref.input, .known = true};
    else
        point->several |= is_elsewhere(point, client, ref.input);
}

bool point_is_same(const struct point *a, const struct point *b)
{
    return !a->known || !b->known || (!a->several && !b->several && !is_elsewhere(a, b->client, b->input));
}
