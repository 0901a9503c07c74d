#include "tests/unit/office.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct privs office_user;

void office_begin(void)
{
    struct failure failure;
    draft_begin();
    cr_assert_eq(chmod(draft_folder(), 0711), 0);
    cr_assert(privs_find(&office_user, geteuid() == 0 ? "nobody" : NULL, &failure), "%s", failure.text);
}

struct clerk *office_try(const char *const *command, unsigned seconds, struct failure *failure)
{
    struct clerk_options options = {.directories = {draft_path("out"), draft_path("more")},
                                    .directory_count = 2,
                                    .command = command,
                                    .run_seconds = seconds,
                                    .privs = &office_user};
    return clerk_start(&options, failure);
}

struct clerk *office_start(const char *const *command, unsigned seconds)
{
    struct failure failure = {""};
    struct clerk *clerk = office_try(command, seconds, &failure);
    cr_assert_not_null(clerk, "%s", failure.text);
    return clerk;
}

bool office_refuses(const char *directory, const char *const *command, const char *says)
{
    struct failure failure = {""};
    struct clerk_options options = {
        .directories = {directory}, .directory_count = 1, .command = command, .privs = &office_user};
    struct clerk *clerk = clerk_start(&options, &failure);
    clerk_end(clerk);
    return !clerk && strstr(failure.text, says);
}

const char *office_text(const char *path)
{
    static char text[512];
    FILE *in = fopen(path, "r");
    size_t length = in ? fread(text, 1, sizeof text - 1, in) : 0;
    text[length] = '\0';
    if (in)
        fclose(in);
    return text;
}

int64_t office_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool office_sees_end(pid_t process)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    for (int i = 0; i < 300; i++) {
        const char *state = office_text(path);
        if (!*state || strstr(state, ") Z"))
            return true;
        usleep(10000);
    }
    return false;
}

static int report_of(const char *text)
{
    int file = memfd_create("report", MFD_CLOEXEC);
    cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
    return file;
}

bool office_run(struct clerk *clerk, const char *report)
{
    char variable[160];
    snprintf(variable, sizeof variable, "TCP53_SAID=%s", draft_path("out/said"));
    int input = report_of(report);
    bool started = clerk_run(clerk, input, (const char *const[]){variable, "TCP53_SERVER=192.0.2.53", NULL});
    int why = errno;
    close(input);
    errno = why;
    return started;
}

int office_status(struct clerk *clerk, int seconds)
{
    int status = -1;
    for (int i = 0; i < seconds * 100; i++) {
        if (clerk_ended(clerk, &status))
            return status;
        usleep(10000);
    }
    return -1;
}
