/* SHA-256 (FIPS 180-4) of bytes and of files, by libcrypto. */
#ifndef TCP53_CAPTURE_DIGEST_H
#define TCP53_CAPTURE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { DIGEST_TEXT = 65 }; /* lower-case hexadecimal digits, with the NUL */

/*
 * Each fills in `text` of DIGEST_TEXT bytes; false when libcrypto refuses or the file cannot be read. libcrypto reads
 * its configuration at the first call, which a process that is to lose the right to open files makes before.
 */
bool digest_sha256(const void *bytes, size_t count, char *text);
/* Of a file from its beginning; where it is read from stays as it was. */
bool digest_file(int descriptor, char *text);

#endif
