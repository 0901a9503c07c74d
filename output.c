#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_file(const char *path, bool (*write)(const void *what, FILE *out), const void *what)
{
    char *draft = NULL;
    if (asprintf(&draft, "%s.XXXXXX", path) < 0)
        return complain("out of memory");
    errno = 0;
    int descriptor = mkstemp(draft);
    FILE *out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    bool fine = out && fchmod(descriptor, 0644) == 0 && write(what, out);
    fine = out && fclose(out) == 0 && fine;
    fine = fine && rename(draft, path) == 0;
    if (!fine) {
        complain("%s: %s", path, errno ? strerror(errno) : "cannot be written");
        if (descriptor >= 0)
            unlink(draft);
        if (descriptor >= 0 && !out)
            close(descriptor);
    }
    free(draft);
    return fine;
}

struct rendering {
    const struct report *report;
    const struct options *options;
};

static bool render(const void *what, FILE *out)
{
    const struct rendering *rendering = what;
    return rendering->options->render_with(rendering->report, &rendering->options->render, out);
}

bool output_report(const struct report *report, const struct options *options)
{
    const struct rendering rendering = {report, options};
    if (options->output)
        return output_file(options->output, render, &rendering);
    if (render(&rendering, stdout) && fflush(stdout) == 0)
        return true;
    return errno == EPIPE || complain("standard output: %s", strerror(errno));
}
