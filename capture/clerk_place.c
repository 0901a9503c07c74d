/*
 * How it works: a directory is opened while the powers are there, O_PATH, and all names are looked up from it, part by
 * part without following links (openat, O_NOFOLLOW). Whoever can write in the directory may plant what he likes there: a
 * file is opened first, without waiting and without truncating it, then looked at, and used only if it is a regular file
 * of this user with no second name elsewhere.
 */
#include "capture/clerk_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0640, DIRECTORY_MODE = 0750, OPEN_DIRECTORY = O_PATH | O_DIRECTORY | O_CLOEXEC };

/* Where a last part is looked up. */
struct leaf {
    int directory;
    bool opened; /* for this, and is to be closed */
    const char *name;
};

static bool is_part(const char *text, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:+-";
    return length > 0 && length <= NAME_MAX && *text != '.' && *text != '-' && strspn(text, letters) >= length;
}

bool clerk_place_is_name(const char *name)
{
    size_t first = strcspn(name, "/");
    if (!is_part(name, first))
        return false;
    return !name[first] || is_part(name + first + 1, strlen(name + first + 1));
}

static bool leaf_open(struct leaf *leaf, int place, const char *name)
{
    char folder[NAME_MAX + 1];
    *leaf = (struct leaf){.directory = place, .name = name};
    if (!clerk_place_is_name(name)) {
        errno = EINVAL;
        return false;
    }
    size_t first = strcspn(name, "/");
    if (!name[first])
        return true;
    snprintf(folder, sizeof folder, "%.*s", (int)first, name);
    leaf->name = name + first + 1;
    leaf->directory = openat(place, folder, OPEN_DIRECTORY | O_NOFOLLOW);
    leaf->opened = leaf->directory >= 0;
    return leaf->opened;
}

/* Leaves errno as it is. */
static void leaf_close(const struct leaf *leaf)
{
    int why = errno;
    if (leaf->opened)
        close(leaf->directory);
    errno = why;
}

static bool is_usable(int file)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return false;
    errno = EPERM;
    return S_ISREG(about.st_mode) && about.st_nlink == 1 && about.st_uid == geteuid();
}

static int open_checked(const struct leaf *leaf, enum clerk_place_way way)
{
    static const int ways[] = {
        [CLERK_PLACE_OPEN] = 0, [CLERK_PLACE_CREATE] = O_CREAT, [CLERK_PLACE_NEW] = O_CREAT | O_EXCL};
    int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | ways[way];
    int file = openat(leaf->directory, leaf->name, flags, FILE_MODE);
    if (file < 0 || (is_usable(file) && (way != CLERK_PLACE_CREATE || ftruncate(file, 0) == 0)))
        return file;
    int why = errno;
    close(file);
    errno = why;
    return -1;
}

int clerk_place_file(int place, const char *name, enum clerk_place_way way)
{
    struct leaf leaf;
    int file = leaf_open(&leaf, place, name) ? open_checked(&leaf, way) : -1;
    leaf_close(&leaf);
    return file;
}

/* Whether it is a file or a directory, and *directory which; errno if not. */
static bool is_movable(const struct leaf *leaf, bool *directory)
{
    struct stat about;
    if (fstatat(leaf->directory, leaf->name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    *directory = S_ISDIR(about.st_mode);
    errno = S_ISLNK(about.st_mode) ? ELOOP : EPERM;
    return *directory || S_ISREG(about.st_mode);
}

static bool move(const struct leaf *from, const struct leaf *to)
{
    bool directory;
    if (!is_movable(from, &directory) || (!is_movable(to, &directory) && errno != ENOENT))
        return false;
    return renameat(from->directory, from->name, to->directory, to->name) == 0;
}

bool clerk_place_rename(int place, const char *from, const char *to)
{
    struct leaf old, new;
    if (!leaf_open(&old, place, from))
        return false;
    bool done = leaf_open(&new, place, to) && move(&old, &new);
    leaf_close(&new);
    leaf_close(&old);
    return done;
}

bool clerk_place_remove(int place, const char *name)
{
    struct leaf leaf;
    bool directory;
    bool done = leaf_open(&leaf, place, name) && is_movable(&leaf, &directory) &&
                unlinkat(leaf.directory, leaf.name, directory ? AT_REMOVEDIR : 0) == 0;
    leaf_close(&leaf);
    return done;
}

bool clerk_place_make_directory(int place, const char *name)
{
    struct leaf leaf;
    bool done = leaf_open(&leaf, place, name) && mkdirat(leaf.directory, leaf.name, DIRECTORY_MODE) == 0;
    leaf_close(&leaf);
    return done;
}

/* "a/b/" is "b" in "a", "b" is in ".". Cuts `path`, and opens the directory that holds the last part. */
static int open_parent(char *path, const char **last)
{
    for (size_t end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
        path[end - 1] = '\0';
    char *slash = strrchr(path, '/');
    *last = slash ? slash + 1 : path;
    if (!slash)
        return open(".", OPEN_DIRECTORY);
    if (slash == path)
        return open("/", OPEN_DIRECTORY);
    *slash = '\0';
    return open(path, OPEN_DIRECTORY);
}

/* From its parent and without following links, so that nobody has another directory given to the user meanwhile. */
static int make_in(int parent, const char *last, const struct privs *privs)
{
    if (mkdirat(parent, last, DIRECTORY_MODE) != 0)
        return -1;
    int place = openat(parent, last, OPEN_DIRECTORY | O_NOFOLLOW);
    if (place < 0 || !privs->switched || fchownat(place, "", privs->uid, privs->gid, AT_EMPTY_PATH) == 0)
        return place;
    int why = errno;
    close(place);
    errno = why;
    return -1;
}

static int make(const char *path, const struct privs *privs)
{
    const char *last;
    char *copy = strdup(path);
    int parent = copy ? open_parent(copy, &last) : -1;
    int place = parent >= 0 ? make_in(parent, last, privs) : -1;
    int why = errno;
    if (parent >= 0)
        close(parent);
    free(copy);
    errno = why;
    return place;
}

int clerk_place_open(const char *path, const struct privs *privs, struct failure *failure)
{
    int place = open(path, OPEN_DIRECTORY);
    if (place >= 0)
        return place;
    if (errno != ENOENT) {
        failure_set(failure, "%s: %s", path, strerror(errno));
        return -1;
    }
    place = make(path, privs);
    if (place < 0)
        failure_set(failure, "%s: cannot make this directory: %s", path, strerror(errno));
    return place;
}

bool clerk_place_check(int place, const char *path, const struct privs *privs, struct failure *failure)
{
    if (faccessat(place, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return true;
    if (errno != EACCES)
        return failure_set(failure, "%s: cannot write there: %s", path, strerror(errno));
    return failure_set(failure, "%s: user %s may not write there; do `chown %s %s`, or name another directory, or user",
                       path, privs->user, privs->user, path);
}
