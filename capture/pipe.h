/* Looking into what cannot be sought in: a pipe, or a socket, as standard input often is. */
#ifndef TCP53_CAPTURE_PIPE_H
#define TCP53_CAPTURE_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Copies the first bytes of what a pipe or socket holds and leaves them there; waits for them, some seconds once there
 * is one. Returns how many: less when no more come, 0 at its end, -1 and errno.
 */
ssize_t pipe_peek(int descriptor, uint8_t *bytes, size_t count);
/*
 * Copies everything into a file without a name in TMPDIR; its descriptor, or -1 and errno. Ends early when
 * `stopped` says so.
 */
int pipe_spool(int descriptor, bool (*stopped)(void));
/*
 * Decompresses a gzip file from its beginning into such a file, if what is in it begins with one of `magics`, of four
 * bytes each; its descriptor, or -1 where it is none of those.
 */
int pipe_gunzip(int descriptor, const char *const *magics, size_t count, bool (*stopped)(void));

#endif
