#include "capture/interrupt.h"

#include <stdatomic.h>

static atomic_bool raised, pending;

void interrupt_raise(void)
{
    atomic_store(&raised, true);
    atomic_store(&pending, true);
}

bool interrupt_is_raised(void)
{
    return atomic_load_explicit(&raised, memory_order_relaxed);
}

bool interrupt_is_pending(void)
{
    return atomic_load_explicit(&pending, memory_order_relaxed);
}

bool interrupt_take(void)
{
    return atomic_exchange(&pending, false);
}
