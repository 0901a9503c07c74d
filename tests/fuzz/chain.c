/* Fuzzes all of `tcp53 read`: the input is a capture, from which every form of report is made. */
#include "tests/chain.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static renderer *const renderers[] = {render_json, render_text, render_nagios};
    static FILE *nowhere;
    char path[64];
    if (!nowhere && !(nowhere = fopen("/dev/null", "w")))
        return 0;
    int file = memfd_create("input", MFD_CLOEXEC);
    if (file < 0)
        return 0;
    snprintf(path, sizeof path, "/dev/fd/%d", file);
    if (write(file, data, size) == (ssize_t)size && !chain_run(path, 1, renderers, 3, nowhere))
        abort(); /* whatever a file holds, there is a report */
    close(file);
    return 0;
}
