#include "report/change.h"

#include "report/words.h"
#include "report/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <syslog.h>

enum { TO_THE_SECOND = sizeof "2026-11-24T09:30:12" - 1 };

/* What is made of each outcome: words for people, whether somebody makes it so on purpose, and how urgent it is. */
static const struct {
    const char *words;
    bool by_somebody, failure;
    int priority;
} outcomes[REPORT_OUTCOMES] = {
    [REPORT_NONE] = {"not asked over TCP", false, false, LOG_INFO},
    [REPORT_ANSWERED] = {"answered", false, false, LOG_NOTICE},
    [REPORT_ABORTED] = {"left by its clients", false, false, LOG_INFO},
    [REPORT_MIXED] = {"answered in part (mixed)", false, true, LOG_WARNING},
    [REPORT_UNANSWERED] = {"unanswered", false, true, LOG_WARNING},
    [REPORT_REJECTED] = {"rejected", true, true, LOG_ERR},
};

static const struct {
    const char *by, *because;
} culprits[CULPRITS] = {
    [CULPRIT_NONE] = {"", ""},
    [CULPRIT_UNDETERMINED] = {", by whom is not known", ", why is not known"},
    [CULPRIT_SERVER] = {", by the server's host", ", because of the server's host"},
    [CULPRIT_INTERMEDIARY] = {", by an intermediary", ", because of an intermediary"},
    [CULPRIT_LOCAL] = {", by the client's own filter", ", because of the client's own filter"},
};

static const char *time_text(int64_t time_ns, char *text)
{
    words_time(time_ns, text);
    text[TO_THE_SECOND] = 'Z';
    text[TO_THE_SECOND + 1] = '\0';
    return text;
}

/* What came in, as UTF-8 without control characters, tabs and ends of lines among them. Frees it. */
static char *one_line(char *text)
{
    char *clean = text ? words_utf8(text) : NULL;
    free(text);
    for (char *at = clean; at && *at; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    return clean;
}

/* "rejected, by an intermediary (proven)" */
static char *state_text(const struct change_state *state)
{
    const char *who =
        outcomes[state->outcome].by_somebody ? culprits[state->culprit].by : culprits[state->culprit].because;
    bool sure = state->confidence != CONFIDENCE_NONE;
    return words_format("%s%s%s%s%s", outcomes[state->outcome].words, who, sure ? " (" : "",
                        sure ? confidence_name(state->confidence) : "", sure ? ")" : "");
}

/* "; 12 of 40 attempts failed since 2026-11-24T09:30:05Z" */
static char *failures_text(const struct change *change)
{
    char since[WORDS_TIME];
    uint64_t failed = (uint64_t)change->rejected + change->unanswered;
    if (!outcomes[change->now.outcome].failure || failed == 0)
        return strdup("");
    return words_format("; %" PRIu64 " of %u attempt%s failed%s%s", failed, change->attempts,
                        words_plural(change->attempts), change->since_ns ? " since " : "",
                        change->since_ns ? time_text(change->since_ns, since) : "");
}

static char *text_of(const struct change *change)
{
    char end[WORDS_ENDPOINT];
    const char *server =
        change->port == DNS_PORT ? addr_text(change->address, end) : words_endpoint(change->address, change->port, end);
    char *now = state_text(&change->now), *before = state_text(&change->before), *failures = failures_text(change);
    char *text = NULL;
    if (now && before && failures) {
        char time[WORDS_TIME];
        text = words_format("%s %s: %s; was %s%s. %s", time_text(change->time_ns, time), server, now, before, failures,
                            change->headline ? change->headline : "");
    }
    free(now);
    free(before);
    free(failures);
    return one_line(text);
}

bool change_text(const struct change *change, FILE *out)
{
    char *text = text_of(change);
    bool fine = text && fprintf(out, "%s\n", text) > 0 && fflush(out) == 0;
    free(text);
    return fine;
}

/* Leaves at most CHANGE_MESSAGE bytes of clean text, and no part of a character (RFC 3629: 10xxxxxx goes on one). */
static void shorten(char *text)
{
    static const char more[] = "...";
    if (strlen(text) <= CHANGE_MESSAGE)
        return;
    size_t end = CHANGE_MESSAGE + 1 - sizeof more;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, more, sizeof more);
}

char *change_message(const struct change *change)
{
    char address[ADDR_TEXT], since[WORDS_TIME];
    const struct change_state *now = &change->now;
    char *message = one_line(words_format(
        "verdict server=%s port=%u outcome=%s culprit=%s confidence=%s mechanism=%s was=%s%s%s: %s",
        addr_text(change->address, address), (unsigned)change->port, report_outcome_name(now->outcome),
        culprit_name(now->culprit), confidence_name(now->confidence), mechanism_name(now->mechanism),
        report_outcome_name(change->before.outcome), change->since_ns ? " since=" : "",
        change->since_ns ? time_text(change->since_ns, since) : "", change->headline ? change->headline : ""));
    if (message)
        shorten(message);
    return message;
}

static struct json_object *state_of(struct writer *writer, const struct change_state *state)
{
    struct json_object *object = json_object_new_object();
    writer_text(writer, object, "outcome", report_outcome_name(state->outcome));
    writer_text(writer, object, "culprit", culprit_name(state->culprit));
    writer_text(writer, object, "confidence", confidence_name(state->confidence));
    writer_text(writer, object, "mechanism", mechanism_name(state->mechanism));
    return object;
}

static struct json_object *tcp_of(struct writer *writer, const struct change *change)
{
    struct json_object *object = json_object_new_object();
    writer_number(writer, object, "attempts", change->attempts);
    writer_number(writer, object, "answered", change->answered);
    writer_number(writer, object, "rejected", change->rejected);
    writer_number(writer, object, "unanswered", change->unanswered);
    writer_time_or_null(writer, object, "first_failure", change->since_ns);
    return object;
}

bool change_json(const struct change *change, FILE *out)
{
    struct writer writer = {0};
    struct json_object *object = json_object_new_object();
    writer_text(&writer, object, "type", "change");
    writer_text(&writer, object, "schema_version", REPORT_SCHEMA_VERSION);
    writer_time(&writer, object, "time", change->time_ns);
    writer_address(&writer, object, "address", change->address);
    writer_number(&writer, object, "port", change->port);
    writer_put(&writer, object, "before", state_of(&writer, &change->before));
    writer_put(&writer, object, "now", state_of(&writer, &change->now));
    writer_text(&writer, object, "headline", change->headline);
    writer_put(&writer, object, "tcp", tcp_of(&writer, change));
    const char *line =
        writer.failed ? NULL
                      : json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    bool fine = line && fprintf(out, "%s\n", line) > 0 && fflush(out) == 0;
    json_object_put(object);
    return fine;
}

int change_priority(const struct change *change)
{
    return outcomes[change->now.outcome].priority;
}
