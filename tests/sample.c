#include "tests/sample.h"

#include <glob.h>
#include <stdio.h>

struct criterion_test_params sample_params(bool deep)
{
    static const char *const patterns[] = {"samples/*.pcap", "samples/*.pcapng", "samples/*.cap", "samples/*/*.pcap",
                                           "samples/*/*.pcapng"};
    glob_t found = {.gl_pathc = 0};
    for (int i = 0; i < (deep ? 5 : 3); i++)
        glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &found);
    struct sample *samples = cr_calloc(found.gl_pathc + 1, sizeof *samples);
    for (size_t i = 0; i < found.gl_pathc; i++)
        snprintf(samples[i].path, SAMPLE_PATH, "%s", found.gl_pathv[i]);
    size_t count = found.gl_pathc;
    globfree(&found);
    return cr_make_param_array(struct sample, samples, count, NULL);
}
