/* What a capture must give: the expected report beside it, and the row of a table of truths. */
#ifndef TCP53_TESTS_EXPECTED_H
#define TCP53_TESTS_EXPECTED_H

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>

enum { PATH_MOST = 256, LINE_MOST = 512, GENERATED = 1 };

struct truth {
    char folder[32], file[PATH_MOST];
    char address[64], outcome[64], culprit[64], mechanism[96];
    int port;
};

/* The report's text as an object, without what may differ between runs and machines; fails the test when it is none. */
struct json_object *expected_parse(const char *name, const char *text);
/*
 * Compares a report with FOLDER/STEM.json and fails the test at the first difference; with BLESS=STEM (or all) in the
 * environment it writes that file instead. Frees the report.
 */
void expected_report(const char *folder, const char *stem, struct json_object *report);
/* The rows of FOLDER/truth.tsv as a test's parameters. */
struct criterion_test_params expected_truths(const char *folder);
/* Fails the test when the report says otherwise. */
void expected_truth(const struct truth *truth, struct json_object *report);

#endif
