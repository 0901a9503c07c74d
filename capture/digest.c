#include "capture/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

enum { PART_BYTES = 64 * 1024 };

static void write_text(const unsigned char *bytes, unsigned count, char *text)
{
    for (unsigned i = 0; i < count; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", bytes[i]);
}

bool digest_sha256(const void *bytes, size_t count, char *text)
{
    unsigned char result[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_Digest(bytes, count, result, &length, EVP_sha256(), NULL) != 1 || 2 * length + 1 != DIGEST_TEXT)
        return false;
    write_text(result, length, text);
    return true;
}

static bool digest_parts(EVP_MD_CTX *context, int descriptor)
{
    static unsigned char part[PART_BYTES];
    off_t at = 0;
    ssize_t got;
    while ((got = pread(descriptor, part, sizeof part, at)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || EVP_DigestUpdate(context, part, (size_t)got) != 1)
            return false;
        at += got;
    }
    return true;
}

bool digest_file(int descriptor, char *text)
{
    unsigned char result[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fine = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 && digest_parts(context, descriptor) &&
                EVP_DigestFinal_ex(context, result, &length) == 1 && 2 * length + 1 == DIGEST_TEXT;
    if (fine)
        write_text(result, length, text);
    EVP_MD_CTX_free(context);
    return fine;
}
