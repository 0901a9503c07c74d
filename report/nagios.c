/* One line as monitoring plugins print it (Monitoring Plugins Development Guidelines: status, text, performance data). */
#include "report/report.h"

static const char *status_word(const struct report *report)
{
    static const char *const words[REPORT_OUTCOMES] = {
        [REPORT_NONE] = "UNKNOWN",  [REPORT_ANSWERED] = "OK",        [REPORT_ABORTED] = "UNKNOWN",
        [REPORT_MIXED] = "WARNING", [REPORT_UNANSWERED] = "WARNING", [REPORT_REJECTED] = "CRITICAL",
    };
    bool nothing = report->truncated || report->server_count == 0;
    return nothing ? "UNKNOWN" : words[report->servers[0].outcome];
}

int report_nagios_status(int exit_status, enum report_outcome worst)
{
    enum { OK, WARNING, CRITICAL, UNKNOWN };
    static const int statuses[] = {[0] = OK, [1] = WARNING, [2] = UNKNOWN, [3] = UNKNOWN};
    return exit_status == 1 && worst == REPORT_REJECTED ? CRITICAL : statuses[exit_status];
}

bool render_nagios(const struct report *report, const struct render_options *options, FILE *out)
{
    (void)options;
    uint64_t answered = 0, rejected = 0, unanswered = 0;
    for (size_t i = 0; i < report->server_count; i++) {
        answered += report->servers[i].answered;
        rejected += report->servers[i].rejected;
        unanswered += report->servers[i].unanswered;
    }
    fprintf(out, "TCP53 %s - %s | answered=%llu rejected=%llu;0 unanswered=%llu;0\n", status_word(report),
            report->server_count ? report->servers[0].headline : "no DNS server seen", (unsigned long long)answered,
            (unsigned long long)rejected, (unsigned long long)unanswered);
    return fflush(out) == 0 && !ferror(out);
}
