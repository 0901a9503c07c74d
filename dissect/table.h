/* Memory for the big tables: sized once, zeroed, in large pages where the kernel has them. */
#ifndef TCP53_DISSECT_TABLE_H
#define TCP53_DISSECT_TABLE_H

#include <stddef.h>

/*
 * Zeroed memory of `size` bytes; NULL without memory. Entries are touched in no order, so with 4 KiB pages most of the
 * time of an analysis would go into address translation; the kernel is asked for large ones (transparent huge pages).
 */
void *table_new(size_t size);
/* Gives back what table_new() gave for the same size; NULL is accepted. */
void table_free(void *table, size_t size);

#endif
