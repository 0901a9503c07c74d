/* Fuzzes all of `tcp53 compare`: the input is the client side's capture, and the first part of it the server side's. */
#include "tests/chain.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int saved(const uint8_t *data, size_t size, char path[64])
{
    int file = memfd_create("input", MFD_CLOEXEC);
    snprintf(path, 64, "/dev/fd/%d", file);
    if (file >= 0 && write(file, data, size) == (ssize_t)size)
        return file;
    close(file);
    return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static renderer *const renderers[] = {render_json, render_text, render_nagios};
    static FILE *nowhere;
    char client[64], server[64];
    if (size == 0 || (!nowhere && !(nowhere = fopen("/dev/null", "w"))))
        return 0;
    int whole = saved(data, size, client), part = saved(data, size * data[size - 1] / UINT8_MAX, server);
    if (whole >= 0 && part >= 0 && !chain_compare(client, server, 1, renderers, 3, nowhere))
        abort(); /* whatever a file holds, there is a report */
    close(whole);
    close(part);
    return 0;
}
