/* What a ring finds in its directory when the program starts. */
#include "capture/ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGITS_MOST = 9, MENDED = RING_LINKS };

/* A file that is there, and when it was written. */
struct ring_found {
    unsigned number;
    int64_t written_ns;
};

struct ring_list {
    struct ring_found *found;
    size_t count, room;
};

/* The number in a name that the ring gives; 0 for any other name. */
static unsigned number_of(const char *file, const char *name)
{
    char text[RING_NAME];
    size_t length = strlen(name);
    if (strncmp(file, name, length) != 0 || file[length] != '-')
        return 0;
    const char *digits = file + length + 1;
    size_t count = strspn(digits, "0123456789");
    unsigned number = count > 0 && count <= DIGITS_MOST ? (unsigned)strtoul(digits, NULL, 10) : 0;
    return strcmp(ring_file_name(text, name, number), file) == 0 ? number : 0;
}

static bool list_add(struct ring_list *list, int directory, const char *file, unsigned number)
{
    struct stat status;
    if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        status.st_mtim = (struct timespec){0, 0}; /* its number counts */
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : RING_FILES;
        struct ring_found *found = realloc(list->found, room * sizeof *found);
        if (!found)
            return false;
        list->found = found;
        list->room = room;
    }
    list->found[list->count++] =
        (struct ring_found){number, frame_time_ns(status.st_mtim.tv_sec, status.st_mtim.tv_nsec)};
    return true;
}

static bool list_all(struct ring_list *list, DIR *directory, const char *name)
{
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        unsigned number = number_of(entry->d_name, name);
        if (number > 0 && !list_add(list, dirfd(directory), entry->d_name, number))
            return false;
    }
    return true;
}

static int latest_first(const void *a, const void *b)
{
    const struct ring_found *x = a, *y = b;
    if (x->written_ns != y->written_ns)
        return x->written_ns > y->written_ns ? -1 : 1;
    return x->number > y->number ? -1 : x->number < y->number;
}

/* What the disk lost in a power cut reads as zeros. */
static bool is_nothing(const struct pcap_pkthdr *head)
{
    return head->ts.tv_sec == 0 && head->ts.tv_usec == 0 && head->len == 0;
}

/* Bytes that the whole frames of a file take; -1 when it is no pcap file. */
static off_t whole_length(FILE *stream)
{
    char why[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *head;
    const u_char *bytes;
    pcap_t *pcap = pcap_fopen_offline(stream, why);
    if (!pcap) {
        fclose(stream);
        return -1;
    }
    off_t whole = ftello(stream);
    while (pcap_next_ex(pcap, &head, &bytes) == 1 && !is_nothing(head))
        whole = ftello(stream);
    pcap_close(pcap);
    return whole;
}

bool ring_mend(int descriptor)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || lseek(descriptor, 0, SEEK_SET) != 0)
        return false;
    int copy = dup(descriptor);
    FILE *stream = copy >= 0 ? fdopen(copy, "r") : NULL;
    if (!stream) {
        if (copy >= 0)
            close(copy);
        return false;
    }
    off_t whole = whole_length(stream);
    if (whole < 0 || whole >= status.st_size)
        return true;
    return ftruncate(descriptor, whole) == 0;
}

/* Never through a link: the directory may be another user's. A file whose first frame never came goes. */
static void mend_file(int directory, const char *file)
{
    struct stat status;
    int descriptor = openat(directory, file, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return;
    bool ours = fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
    if (ours && status.st_size == 0)
        unlinkat(directory, file, 0);
    else if (ours)
        ring_mend(descriptor);
    close(descriptor);
}

/* Old files go, and of the rest those written last may end in a part of a frame. */
static unsigned tidy(struct ring_list *list, int directory, const char *name, unsigned files)
{
    char text[RING_NAME];
    unsigned next = 1;
    for (size_t i = 0; i < list->count; i++)
        next = list->found[i].number >= next ? list->found[i].number + 1 : next;
    if (list->count > 1)
        qsort(list->found, list->count, sizeof *list->found, latest_first);
    for (size_t i = 0; i < list->count; i++) {
        unsigned number = list->found[i].number;
        ring_file_name(text, name, number);
        if (next - number > files)
            unlinkat(directory, text, 0);
        else if (i < MENDED)
            mend_file(directory, text);
    }
    return next;
}

unsigned ring_next_number(int directory, const char *name, unsigned files)
{
    struct ring_list list = {NULL, 0, 0};
    int copy = fcntl(directory, F_DUPFD_CLOEXEC, 0);
    DIR *stream = copy < 0 ? NULL : fdopendir(copy);
    if (!stream) {
        if (copy >= 0)
            close(copy);
        return 0;
    }
    unsigned next = 0;
    if (list_all(&list, stream, name))
        next = tidy(&list, dirfd(stream), name, files ? files : RING_FILES);
    else
        errno = ENOMEM;
    free(list.found);
    closedir(stream);
    return next;
}
