#include "dissect/answer.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What nslookup calls the parts of a record; types that are not here are shown in presentation format. */
static const struct form {
    ldns_rr_type type;
    const char *parts[2];
} forms[] = {
    {LDNS_RR_TYPE_MX, {"MX preference = ", ", mail exchanger = "}},
    {LDNS_RR_TYPE_A, {"internet address = "}},
    {LDNS_RR_TYPE_AAAA, {"AAAA IPv6 address = "}},
    {LDNS_RR_TYPE_NS, {"nameserver = "}},
    {LDNS_RR_TYPE_CNAME, {"canonical name = "}},
    {LDNS_RR_TYPE_PTR, {"name = "}},
};

static const struct form *form_of(ldns_rr_type type)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (forms[i].type == type)
            return &forms[i];
    return NULL;
}

/*
 * A part in presentation format, names without their last dot; an escaped dot is no last one. ldns leaves bytes of some
 * types as they are: they are written as it writes those of names (RFC 1035, 5.1).
 */
static void write_part(FILE *out, const ldns_rdf *part)
{
    char *text = part ? ldns_rdf2str(part) : NULL;
    size_t length = text ? strlen(text) : 0;
    length -= length > 1 && ldns_rdf_get_type(part) == LDNS_RDF_TYPE_DNAME && text[length - 1] == '.';
    for (size_t i = 0; i < length; i++)
        fprintf(out, text[i] >= ' ' && text[i] <= '~' ? "%c" : "\\%03u", (unsigned char)text[i]);
    free(text);
}

static void write_record(FILE *out, const ldns_rr *record)
{
    const struct form *form = form_of(ldns_rr_get_type(record));
    size_t count = ldns_rr_rd_count(record);
    write_part(out, ldns_rr_owner(record));
    if (!form) {
        char *type = ldns_rr_type2str(ldns_rr_get_type(record));
        fprintf(out, " %s", type ? type : "?");
        free(type);
    }
    for (size_t i = 0; i < count; i++) {
        bool named = form && i < sizeof form->parts / sizeof *form->parts && form->parts[i];
        fprintf(out, "%s%s", i == 0 || !named ? " " : "", named ? form->parts[i] : "");
        write_part(out, ldns_rr_rdf(record, i));
    }
}

/* Longer lines end in three dots. */
static void cut(char *line)
{
    enum { DOTS = 3 };
    if (strlen(line) >= ANSWER_LINE)
        memcpy(line + ANSWER_LINE - 1 - DOTS, "...", DOTS + 1);
}

static bool add(struct answer *answer, const ldns_rr *record)
{
    char *line = NULL;
    size_t size = 0;
    if (answer->count == ANSWER_LINES) {
        answer->left_out++;
        return true;
    }
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return false;
    write_record(out, record);
    if (fclose(out) != 0) {
        free(line);
        return false;
    }
    cut(line);
    answer->lines[answer->count++] = line;
    return true;
}

static bool is_address(const ldns_rr *record)
{
    return ldns_rr_get_type(record) == LDNS_RR_TYPE_A || ldns_rr_get_type(record) == LDNS_RR_TYPE_AAAA;
}

static bool add_all(struct answer *answer, const ldns_rr_list *records, bool addresses_only)
{
    bool fine = true;
    size_t count = records ? ldns_rr_list_rr_count(records) : 0;
    for (size_t i = 0; i < count && fine; i++) {
        const ldns_rr *record = ldns_rr_list_rr(records, i);
        if (record && (!addresses_only || is_address(record)))
            fine = add(answer, record);
    }
    return fine;
}

bool answer_read(struct answer *answer, const uint8_t *bytes, size_t length)
{
    ldns_pkt *message = NULL;
    *answer = (struct answer){.count = 0};
    if (!bytes || length > UINT16_MAX || ldns_wire2pkt(&message, bytes, length) != LDNS_STATUS_OK)
        return false;
    answer->rcode = (uint8_t)ldns_pkt_get_rcode(message);
    bool fine = ldns_pkt_qr(message) && add_all(answer, ldns_pkt_answer(message), false);
    answer->own = answer->count;
    fine = fine && add_all(answer, ldns_pkt_additional(message), true);
    ldns_pkt_free(message);
    return fine;
}

void answer_free(struct answer *answer)
{
    for (unsigned i = 0; i < answer->count; i++)
        free(answer->lines[i]);
    answer->count = 0;
}
