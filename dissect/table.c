#include "dissect/table.h"

#include <sys/mman.h>

void *table_new(size_t size)
{
    void *table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        return NULL;
    madvise(table, size, MADV_HUGEPAGE); /* advice: without it the analysis is slower, not wrong */
    return table;
}

void table_free(void *table, size_t size)
{
    if (table)
        munmap(table, size);
}
