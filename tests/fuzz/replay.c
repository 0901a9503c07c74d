/*
 * Runs a fuzz target over the files and directories named on the command line, one file after the other: for machines
 * without libFuzzer, and for corpora that `make check` goes through. A target that finds something aborts.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static bool complain(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

static bool replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size ? size : 1); /* exact, so that a sanitizer sees its end */
    bool fine = file && bytes && fread(bytes, 1, size, file) == size;
    if (fine) {
        LLVMFuzzerTestOneInput(bytes, size);
        replayed++;
    }
    free(bytes);
    if (file)
        fclose(file);
    return fine || complain(path);
}

static bool replay(const char *path);

static bool replay_directory(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return complain(path);
    bool fine = true;
    for (int i = 0; i < count; i++) {
        char *inner = NULL;
        if (entries[i]->d_name[0] != '.' && asprintf(&inner, "%s/%s", path, entries[i]->d_name) >= 0)
            fine = replay(inner) && fine;
        free(inner);
        free(entries[i]);
    }
    free(entries);
    return fine;
}

static bool replay(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return complain(path);
    return S_ISDIR(status.st_mode) ? replay_directory(path) : replay_file(path, (size_t)status.st_size);
}

int main(int argc, char **argv)
{
    bool fine = true;
    for (int i = 1; i < argc; i++)
        fine = replay(argv[i]) && fine;
    printf("%s: %u inputs\n", argv[0], replayed);
    return fine ? 0 : 1;
}
