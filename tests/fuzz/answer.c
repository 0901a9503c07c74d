/* Fuzzes answer_read(): the input is a DNS message. */
#include "dissect/answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer answer;
    answer_read(&answer, data, size);
    if (answer.count > ANSWER_LINES || (answer.left_out > 0 && answer.count < ANSWER_LINES))
        abort();
    for (unsigned i = 0; i < answer.count; i++) {
        if (strlen(answer.lines[i]) >= ANSWER_LINE)
            abort();
        for (const char *c = answer.lines[i]; *c; c++)
            if (*c < ' ' || *c > '~')
                abort(); /* only what can be printed as it is */
    }
    answer_free(&answer);
    return 0;
}
