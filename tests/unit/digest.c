/* SHA-256: the examples of FIPS 180-4, as NIST gives them. */
#include "capture/digest.h"
#include "tests/unit/draft.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(digest, .init = draft_begin, .fini = draft_end);

static const char of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char of_a_million[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

Test(digest, of_bytes)
{
    char text[DIGEST_TEXT];
    cr_expect(digest_sha256("abc", 3, text));
    cr_expect_str_eq(text, of_abc);
    cr_expect(digest_sha256("", 0, text));
    cr_expect_str_eq(text, of_nothing);
}

Test(digest, of_a_file)
{
    enum { MILLION = 1000000 };
    char text[DIGEST_TEXT];
    char *bytes = malloc(MILLION);
    cr_assert_not_null(bytes);
    memset(bytes, 'a', MILLION);
    draft_save("a", bytes, MILLION);
    free(bytes);
    int descriptor = open(draft_path("a"), O_RDONLY | O_CLOEXEC);
    cr_assert_eq(lseek(descriptor, 5, SEEK_SET), 5);
    cr_expect(digest_file(descriptor, text));
    cr_expect_str_eq(text, of_a_million);
    cr_expect_eq(lseek(descriptor, 0, SEEK_CUR), 5);
    close(descriptor);
    cr_expect_not(digest_file(-1, text));
}

/* Forbids opening files on pain of death. */
static bool lose_open(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool fine = filter && seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(openat), 0) == 0 &&
                seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(open), 0) == 0 && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return fine;
}

/* The first call made before, the next ones need no file. */
Test(digest, where_no_file_may_be_opened)
{
    pid_t child = fork();
    if (child == 0) {
        char text[DIGEST_TEXT];
        bool fine = digest_sha256("", 0, text) && lose_open() && digest_sha256("abc", 3, text);
        _exit(fine && strcmp(text, of_abc) == 0 ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}
