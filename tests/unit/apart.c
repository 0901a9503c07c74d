#include "tests/unit/apart.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 25 };

static int said;

/* exit() would start LeakSanitizer, which wants to ptrace. */
void apart_say(const char *text)
{
    ssize_t written = write(said, text, strlen(text));
    _exit(written < 0);
}

void apart_need(bool holds, const char *condition)
{
    if (!holds)
        apart_say(condition);
}

const char *apart_run(void (*part)(const void *context), const void *context)
{
    static char text[1024];
    int ends[2], status = 0;
    size_t length = 0;
    ssize_t got;
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        said = ends[1];
        alarm(SECONDS);
        part(context);
        apart_say("");
    }
    close(ends[1]);
    while ((got = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
    return text;
}

void apart_find(struct privs *privs)
{
    struct failure failure;
    apart_need(privs_find(privs, geteuid() == 0 ? "nobody" : NULL, &failure), failure.text);
}

void apart_confine(struct privs *privs)
{
    struct failure failure = {""};
    apart_find(privs);
    apart_need(privs_drop(privs, &failure), failure.text);
    apart_need(privs_filter(privs, &failure), failure.text);
}
