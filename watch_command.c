#include "watch_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

bool watch_command_set(struct watch_command *command, const char *line, struct failure *failure)
{
    command->words = line ? clerk_split(line) : NULL;
    return !line || command->words ||
           failure_set(failure, "--exec: \"%s\" is no command, or a quote in it is not closed", line);
}

void watch_command_free(struct watch_command *command)
{
    free(command->words);
}

/* The report in memory, as a file for the command to read; -1 when there is no memory. */
static int report_file(const struct report *report, const struct options *options)
{
    int descriptor = memfd_create("report", MFD_CLOEXEC);
    int copy = descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
    bool fine = out && options->render_with(report, &options->render, out);
    if (out)
        fclose(out);
    if (fine || descriptor < 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static bool start(struct clerk *clerk, const struct change *change, int report)
{
    enum { VARIABLES = 7, SIZE = 96 };
    char port[8], address[ADDR_TEXT], text[VARIABLES][SIZE];
    const char *variables[VARIABLES + 1] = {NULL};
    snprintf(port, sizeof port, "%u", (unsigned)change->port);
    const struct {
        const char *name, *value;
    } table[VARIABLES] = {
        {"SERVER", addr_text(change->address, address)},         {"PORT", port},
        {"OUTCOME", report_outcome_name(change->now.outcome)},   {"CULPRIT", culprit_name(change->now.culprit)},
        {"CONFIDENCE", confidence_name(change->now.confidence)}, {"MECHANISM", mechanism_name(change->now.mechanism)},
        {"WAS", report_outcome_name(change->before.outcome)},
    };
    for (int i = 0; i < VARIABLES; i++) {
        snprintf(text[i], SIZE, "TCP53_%s=%s", table[i].name, table[i].value);
        variables[i] = text[i];
    }
    return clerk_run(clerk, report, variables);
}

bool watch_command_run(struct watch_command *command, struct clerk *clerk, const struct change *change,
                       const struct report *report, const struct options *options)
{
    int why = EBUSY;
    if (!command->runs) { /* a report takes long, and nobody would read it */
        int file = report_file(report, options);
        command->runs = start(clerk, change, file);
        why = command->runs ? 0 : errno;
        if (file >= 0)
            close(file);
    }
    *(why == 0 ? &command->run : &command->skipped) += 1;
    errno = why;
    return why == 0;
}

bool watch_command_ended(struct watch_command *command, struct clerk *clerk, int *status)
{
    bool ended = command->runs && clerk_ended(clerk, status);
    command->runs &= !ended;
    return ended;
}
