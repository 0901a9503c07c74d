/* The saved captures in samples/, as parameters of tests. */
#ifndef TCP53_TESTS_SAMPLE_H
#define TCP53_TESTS_SAMPLE_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

enum { SAMPLE_PATH = 256 };

struct sample {
    char path[SAMPLE_PATH];
};

/* Those directly in samples/, and with `deep` those in its folders as well. */
struct criterion_test_params sample_params(bool deep);

#endif
