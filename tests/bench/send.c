/*
 * send.c - sends the frames of a pcap file on an interface, each when its time
 * has come.
 *
 *     send INTERFACE [SECONDS] <FILE.pcap
 *
 * The file is one of generate's, also one that is still being made: the first
 * frame goes out at once, the others as long after it as their times say.
 * Frames that are due go out together, BATCH at most. Prints what was sent: frames,
 * bytes, frames that the interface did not take, seconds, and by how many
 * milliseconds the sender lagged behind at worst. Ends at the file's end, after
 * SECONDS, or at SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    FRAME_MOST = 4096,
    FILE_HEADER = 24,
    RECORD_HEADER = 16,
    INPUT_BUFFER = 1 << 20,
    PAUSE_NS = 500000, /* frames of that long go out together */
};

struct sender {
    int socket;
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    uint8_t bytes[BATCH][FRAME_MOST];
    unsigned waiting;
    uint64_t frames, sent_bytes, refused;
    int64_t began_ns, first_us; /* by the steady clock; the first frame's time */
    int64_t lag_ns;
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "send: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int64_t steady_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void open_socket(struct sender *sender, const char *interface)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(interface)};
    int one = 1;

    sender->socket = socket(AF_PACKET, SOCK_RAW, 0); /* of protocol 0 it receives nothing */
    if (sender->socket < 0 || address.sll_ifindex == 0 ||
        bind(sender->socket, (struct sockaddr *)&address, sizeof(address)) != 0)
        die(interface);
    setsockopt(sender->socket, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
    for (unsigned i = 0; i < BATCH; i++) {
        sender->pieces[i].iov_base = sender->bytes[i];
        sender->messages[i].msg_hdr.msg_iov = &sender->pieces[i];
        sender->messages[i].msg_hdr.msg_iovlen = 1;
    }
}

static void send_waiting(struct sender *sender)
{
    unsigned done = 0;

    while (done < sender->waiting) {
        int sent = sendmmsg(sender->socket, sender->messages + done, sender->waiting - done, 0);

        for (int i = 0; i < sent; i++)
            sender->sent_bytes += sender->pieces[done + (unsigned)i].iov_len;
        if (sent > 0) {
            sender->frames += (unsigned)sent;
            done += (unsigned)sent;
        } else if (errno != EINTR) {
            sender->refused++;
            done++;
        }
    }
    sender->waiting = 0;
}

static void sleep_until(int64_t due_ns)
{
    struct timespec due = {due_ns / 1000000000, due_ns % 1000000000};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

/* Waits for a frame's time; what waits goes out before. */
static void keep_pace(struct sender *sender, int64_t time_us)
{
    int64_t now_ns = steady_ns(), due_ns;

    if (sender->began_ns == 0) {
        sender->began_ns = now_ns;
        sender->first_us = time_us;
    }
    due_ns = sender->began_ns + (time_us - sender->first_us) * 1000;
    if (now_ns - due_ns > sender->lag_ns)
        sender->lag_ns = now_ns - due_ns;
    if (due_ns <= now_ns && sender->waiting < BATCH)
        return;
    send_waiting(sender);
    if (due_ns > now_ns)
        sleep_until(due_ns + PAUSE_NS);
}

static uint32_t le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool take_frame(struct sender *sender)
{
    uint8_t header[RECORD_HEADER];
    uint32_t size;

    if (fread(header, sizeof(header), 1, stdin) != 1)
        return false;
    size = le32(header + 8);
    if (size > FRAME_MOST)
        die("a frame that is too large");
    keep_pace(sender, (int64_t)le32(header) * 1000000 + le32(header + 4));
    if (fread(sender->bytes[sender->waiting], size, 1, stdin) != 1)
        return false;
    sender->pieces[sender->waiting++].iov_len = size;
    return true;
}

int main(int argc, char **argv)
{
    static struct sender sender;
    static uint8_t header[FILE_HEADER];
    struct sigaction action = {.sa_handler = stop};
    double seconds;

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: send INTERFACE [SECONDS] <FILE.pcap\n");
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    if (argc == 3)
        alarm((unsigned)strtoul(argv[2], NULL, 10));
    setvbuf(stdin, NULL, _IOFBF, INPUT_BUFFER);
    open_socket(&sender, argv[1]);
    if (fread(header, sizeof(header), 1, stdin) != 1 || le32(header) != 0xa1b2c3d4)
        die("no capture of generate's");
    while (!stopped && take_frame(&sender))
        continue;
    send_waiting(&sender);
    seconds = (double)(steady_ns() - sender.began_ns) / 1e9;
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %.3f %.3f\n", sender.frames, sender.sent_bytes, sender.refused, seconds,
           (double)sender.lag_ns / 1e6);
    return 0;
}
