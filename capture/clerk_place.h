/* The clerk's directories: files by name, and nothing outside of them. */
#ifndef TCP53_CAPTURE_CLERK_PLACE_H
#define TCP53_CAPTURE_CLERK_PLACE_H

#include "capture/failure.h"
#include "capture/privs.h"

#include <stdbool.h>

/* Opens a directory, by which only paths are looked up, or makes one for the user; -1 and a sentence. */
int clerk_place_open(const char *path, const struct privs *privs, struct failure *failure);
/* Whether the process, as it is now, can write there; a sentence if not. */
bool clerk_place_check(int place, const char *path, const struct privs *privs, struct failure *failure);

/* One or two parts of letters, digits and ._:+- that begin with neither '.' nor '-'. */
bool clerk_place_is_name(const char *name);
/* As clerk_create() and clerk_open() have it; a new one must not be there (EEXIST). -1 and errno. */
enum clerk_place_way { CLERK_PLACE_OPEN, CLERK_PLACE_CREATE, CLERK_PLACE_NEW };
int clerk_place_file(int place, const char *name, enum clerk_place_way way);
/* As their namesakes in clerk.h: false and errno. */
bool clerk_place_rename(int place, const char *from, const char *to);
bool clerk_place_remove(int place, const char *name);
bool clerk_place_make_directory(int place, const char *name);

#endif
