/* A changed verdict: as people read it, as a log takes it, and as the JSON Schema wants it. */
#include "report/change.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

TestSuite(change, .timeout = 20);

#define FINE                                                                                                           \
    {                                                                                                                  \
        REPORT_ANSWERED, CULPRIT_NONE, CONFIDENCE_NONE, MECHANISM_ANSWERED                                             \
    }
#define RESET                                                                                                          \
    {                                                                                                                  \
        REPORT_REJECTED, CULPRIT_INTERMEDIARY, CONFIDENCE_PROVEN, MECHANISM_SYN_RESET                                  \
    }

static const struct change_state fine = FINE, reset = RESET;

/* 2026-11-24T09:30:12.345678901Z */
#define JUDGED INT64_C(1795512612345678901)
#define SINCE INT64_C(1795512605000000000)

static struct change example(struct change_state before, struct change_state now)
{
    return (struct change){
        .time_ns = JUDGED,
        .address = addr_v4((const uint8_t[]){192, 0, 2, 53}),
        .port = 53,
        .before = before,
        .now = now,
        .headline = "A firewall rejects TCP queries.",
        .attempts = 40,
        .answered = 28,
        .rejected = 9,
        .unanswered = 3,
        .since_ns = SINCE,
    };
}

static char *written(bool (*write)(const struct change *change, FILE *out), const struct change *change)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    cr_assert(write(change, out));
    fclose(out);
    return text;
}

static void expect_text(const struct change *change, const char *wanted)
{
    char *text = written(change_text, change);
    cr_expect_str_eq(text, wanted, "%s", text);
    free(text);
}

#define FAILED "; 12 of 40 attempts failed since 2026-11-24T09:30:05Z"
#define HEADLINE ". A firewall rejects TCP queries.\n"

Test(change, a_line_for_people)
{
    static const struct {
        struct change_state before, now;
        const char *wanted;
    } rows[] = {
        {FINE, RESET, ": rejected, by an intermediary (proven); was answered" FAILED HEADLINE},
        {RESET, FINE, ": answered; was rejected, by an intermediary (proven)" HEADLINE},
        {{REPORT_NONE, CULPRIT_NONE, CONFIDENCE_NONE, MECHANISM_NONE},
         {REPORT_REJECTED, CULPRIT_UNDETERMINED, CONFIDENCE_NONE, MECHANISM_SYN_RESET},
         ": rejected, by whom is not known; was not asked over TCP" FAILED HEADLINE},
        {FINE,
         {REPORT_UNANSWERED, CULPRIT_SERVER, CONFIDENCE_STRONG, MECHANISM_QUERY_UNANSWERED},
         ": unanswered, because of the server's host (strong); was answered" FAILED HEADLINE},
        {FINE,
         {REPORT_MIXED, CULPRIT_LOCAL, CONFIDENCE_INDICATED, MECHANISM_LOCAL_FILTER},
         ": answered in part (mixed), because of the client's own filter (indicated); was answered" FAILED HEADLINE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct change change = example(rows[i].before, rows[i].now);
        char wanted[512];
        snprintf(wanted, sizeof wanted, "2026-11-24T09:30:12Z 192.0.2.53%s", rows[i].wanted);
        expect_text(&change, wanted);
    }
}

Test(change, ports_families_and_what_is_not_known)
{
    struct change change = example(fine, reset);
    change.port = 5353;
    change.attempts = change.rejected = 1;
    change.unanswered = 0;
    change.since_ns = 0;
    change.headline = NULL;
    expect_text(&change, "2026-11-24T09:30:12Z 192.0.2.53:5353: rejected, by an intermediary (proven); was answered; "
                         "1 of 1 attempt failed. \n");
    cr_assert(addr_read("2001:db8::35", &change.address));
    change.port = 53;
    expect_text(&change, "2026-11-24T09:30:12Z 2001:db8::35: rejected, by an intermediary (proven); was answered; "
                         "1 of 1 attempt failed. \n");
    char *message = change_message(&change);
    cr_expect_str_eq(message, "verdict server=2001:db8::35 port=53 outcome=rejected culprit=intermediary "
                              "confidence=proven mechanism=syn-reset was=answered: ");
    free(message);
}

Test(change, a_message_for_a_log)
{
    struct change change = example(fine, reset);
    char *message = change_message(&change);
    cr_expect_str_eq(message, "verdict server=192.0.2.53 port=53 outcome=rejected culprit=intermediary "
                              "confidence=proven mechanism=syn-reset was=answered since=2026-11-24T09:30:05Z: "
                              "A firewall rejects TCP queries.");
    free(message);
}

/* Whatever a name in the headline holds, a log gets one line, and a terminal no order. */
Test(change, hostile_headlines)
{
    static const char *const headlines[] = {"two\nlines", "a\ttab",   "\033[31mred\a", "cut \xc3",
                                            "\xff\xfe",   "\xc2\x85", "\r\n\r\n",      "\x7f"};
    for (size_t i = 0; i < sizeof headlines / sizeof *headlines; i++) {
        struct change change = example(fine, reset);
        change.headline = headlines[i];
        char *message = change_message(&change), *text = written(change_text, &change);
        cr_assert_not_null(message);
        for (const char *at = message; *at; at++)
            cr_expect((unsigned char)*at >= 0x20 && *at != 0x7f, "headline %zu: %s", i, message);
        cr_expect_eq(strchr(text, '\n'), text + strlen(text) - 1, "headline %zu: %s", i, text);
        cr_expect_null(strstr(message, "\xc2\x85"));
        cr_expect(strpbrk(text, "\033\a\r\x7f") == NULL, "headline %zu: %s", i, text);
        free(text);
        free(message);
    }
}

/* Wherever a long one is cut, no character is cut. */
Test(change, a_message_is_short)
{
    char headline[2048];
    for (size_t shift = 0; shift < 5; shift++) {
        memset(headline, 'x', shift);
        for (size_t i = shift; i + 4 < sizeof headline; i += 4)
            memcpy(headline + i, "\xf0\x9f\x94\xa5", 5);
        struct change change = example(fine, reset);
        change.headline = headline;
        char *message = change_message(&change);
        size_t length = strlen(message);
        cr_expect_leq(length, CHANGE_MESSAGE);
        cr_expect_gt(length, CHANGE_MESSAGE - 4);
        cr_expect_str_eq(message + length - 3, "...");
        cr_expect(memcmp(message + length - 7, "\xf0\x9f\x94\xa5", 4) == 0, "shift %zu", shift);
        free(message);
    }
    memset(headline, 'x', sizeof headline);
    for (size_t length = 700; length < 900; length++) {
        headline[length] = '\0';
        struct change change = example(fine, reset);
        change.headline = headline;
        char *message = change_message(&change);
        cr_expect_leq(strlen(message), CHANGE_MESSAGE);
        free(message);
        headline[length] = 'x';
    }
}

Test(change, how_urgent_it_is)
{
    static const int wanted[REPORT_OUTCOMES] = {
        [REPORT_NONE] = LOG_INFO,     [REPORT_ANSWERED] = LOG_NOTICE,    [REPORT_ABORTED] = LOG_INFO,
        [REPORT_MIXED] = LOG_WARNING, [REPORT_UNANSWERED] = LOG_WARNING, [REPORT_REJECTED] = LOG_ERR,
    };
    for (int i = 0; i < REPORT_OUTCOMES; i++) {
        struct change change = example(fine, fine);
        change.now.outcome = (enum report_outcome)i;
        cr_expect_eq(change_priority(&change), wanted[i], "%s", report_outcome_name(change.now.outcome));
    }
}

/* Every outcome, culprit, confidence and mechanism, by tests/validate. */
Test(change, json_lines_fit_the_schema)
{
    char path[] = "/tmp/tcp53-change-XXXXXX", command[256];
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    FILE *out = fdopen(descriptor, "w");
    for (int i = 0; i < MECHANISMS; i++) {
        struct change_state now = {(enum report_outcome)(i % REPORT_OUTCOMES), (enum culprit)(i % CULPRITS),
                                   (enum confidence)(i % CONFIDENCES), (enum mechanism)i};
        struct change change = example(reset, now);
        change.since_ns = i % 2 ? SINCE : 0;
        change.headline = i % 3 ? "A name with \" and \\ and \n in it" : change.headline;
        cr_expect(change_json(&change, out));
    }
    fclose(out);
    const char *python = getenv("PYTHON");
    snprintf(command, sizeof command, "%s tests/validate %s", python ? python : "/usr/bin/python3", path);
    int status = system(command);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %x", command, (unsigned)status);
    unlink(path);
}

Test(change, json_is_one_line)
{
    struct change change = example(fine, reset);
    change.headline = "two\nlines";
    char *text = written(change_json, &change);
    cr_expect_str_eq(
        text,
        "{\"type\":\"change\",\"schema_version\":\"1.0\",\"time\":\"2026-11-24T09:30:12.345678901Z\","
        "\"address\":\"192.0.2.53\",\"port\":53,\"before\":{\"outcome\":\"answered\",\"culprit\":\"none\","
        "\"confidence\":\"none\",\"mechanism\":\"answered\"},\"now\":{\"outcome\":\"rejected\",\"culprit\":"
        "\"intermediary\",\"confidence\":\"proven\",\"mechanism\":\"syn-reset\"},\"headline\":"
        "\"two\\nlines\",\"tcp\":{\"attempts\":40,\"answered\":28,\"rejected\":9,\"unanswered\":3,"
        "\"first_failure\":\"2026-11-24T09:30:05.000000000Z\"}}\n",
        "%s", text);
    free(text);
}

Test(change, a_full_disk)
{
    struct change change = example(fine, reset);
    FILE *full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    cr_expect_not(change_text(&change, full));
    cr_expect_not(change_json(&change, full));
    fclose(full);
}
