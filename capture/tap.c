/*
 * How it works: libpcap opens the interface and reads the kernel's ring. When the interface is deleted the socket and its
 * ring stay, bound to nothing, and libpcap fails at each reading; binding the same socket to the interface that has the
 * name by then is all it takes to go on, with the same filter and ring, and takes no powers. Of an interface that was
 * down before it was deleted the kernel reports no error: only the socket's address tells.
 */
#include "capture/tap.h"

#include "capture/passes.h"
#include "capture/pcap_frame.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BLOCK_MS = 50,                         /* the kernel hands over a block that is not full after so long */
    RETRY_MS = 500,                        /* between looks for an interface that is gone */
    BUFFER_KIB_MOST = 2 * 1024 * 1024 - 1, /* libpcap takes bytes, as an int */
};

static bool is_any(const struct tap *tap)
{
    return strcmp(tap->name, "any") == 0;
}

/* An ioctl of netdevice(7) about the name. */
static bool ask(const struct tap *tap, int socket, unsigned long question, struct ifreq *request)
{
    *request = (struct ifreq){.ifr_ifindex = 0};
    memcpy(request->ifr_name, tap->name, sizeof tap->name);
    return ioctl(socket, question, request) == 0;
}

/* packet(7); ends with the interface, as far as it is the interface's. */
static void make_promiscuous(const struct tap *tap, int index)
{
    const struct packet_mreq request = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
    if (tap->promiscuous)
        setsockopt(tap->descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request);
}

int tap_socket(struct failure *failure)
{
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        failure_set(failure, "no socket to be had: %s", strerror(errno));
    return descriptor;
}

/* "eth0, lo" */
static void list_interfaces(char *text, size_t size)
{
    struct if_nameindex *list = if_nameindex();
    *text = '\0';
    for (const struct if_nameindex *at = list; at && at->if_index != 0; at++) {
        size_t length = strlen(text);
        snprintf(text + length, size - length, "%s%s", length ? ", " : "", at->if_name);
    }
    if (list)
        if_freenameindex(list);
}

static bool fail_unknown(const struct tap *tap, struct failure *failure)
{
    char names[320];
    list_interfaces(names, sizeof names);
    return failure_set(failure, "%s: there is no such interface; there are: %s", tap->name, names);
}

static const char *remedy_of(int status)
{
    static const struct {
        int status;
        const char *remedy;
    } rows[] = {
        {PCAP_ERROR_PERM_DENIED, ": capturing needs CAP_NET_RAW: start the systemd unit, run it as root, or give the "
                                 "program that power (`setcap cap_net_raw+ep $(command -v tcp53)`)"},
        {PCAP_ERROR_IFACE_NOT_UP, ": the interface is down (`ip link set NAME up`)"},
        {PCAP_ERROR_NO_SUCH_DEVICE, ": no such interface"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status)
            return rows[i].remedy;
    return NULL;
}

static bool activate(struct tap *tap, const struct live_options *options, struct failure *failure)
{
    uint32_t kib = options->buffer_kib ? options->buffer_kib : LIVE_BUFFER_KIB;
    uint32_t snaplen = options->snaplen && options->snaplen < LIVE_SNAPLEN ? options->snaplen : LIVE_SNAPLEN;
    pcap_set_snaplen(tap->pcap, (int)snaplen);
    pcap_set_buffer_size(tap->pcap, (int)(kib > BUFFER_KIB_MOST ? BUFFER_KIB_MOST : kib) * 1024);
    pcap_set_timeout(tap->pcap, BLOCK_MS);
    pcap_set_tstamp_precision(tap->pcap, PCAP_TSTAMP_PRECISION_NANO);
    int status = pcap_activate(tap->pcap);
    if (status >= 0)
        return true;
    const char *remedy = remedy_of(status), *why = pcap_geterr(tap->pcap);
    if (remedy)
        return failure_set(failure, "%s%s", tap->name, remedy);
    return failure_set(failure, "%s: %s", tap->name, *why ? why : pcap_statustostr(status));
}

static bool set_filter(struct tap *tap, const struct live_options *options, struct failure *failure)
{
    struct bpf_program program = {.bf_len = 0};
    char *expression = passes_expression(tap->link_type, options->ports, options->port_count);
    bool fine = expression && pcap_compile(tap->pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0 &&
                pcap_setfilter(tap->pcap, &program) == 0;
    /* for good: whoever takes the program over shall not see more than it does (socket(7)) */
    fine = fine && setsockopt(tap->descriptor, SOL_SOCKET, SO_LOCK_FILTER, &(int){1}, sizeof(int)) == 0;
    if (!fine)
        failure_set(failure, "%s: the filter: %s", tap->name, expression ? pcap_geterr(tap->pcap) : "out of memory");
    pcap_freecode(&program);
    free(expression);
    return fine;
}

/* The rest once the interface is open. The filter comes late: what it did not see is neither wanted nor missed. */
static bool prepare(struct tap *tap, const struct live_options *options, struct failure *failure)
{
    char why[PCAP_ERRBUF_SIZE];
    if (is_any(tap))
        pcap_set_datalink(tap->pcap, DLT_LINUX_SLL2); /* it has the interface's index; else the older one stays */
    tap->link_type = pcap_datalink(tap->pcap);
    tap->descriptor = pcap_get_selectable_fd(tap->pcap);
    if (pcap_setnonblock(tap->pcap, 1, why) != 0)
        return failure_set(failure, "%s: %s", tap->name, why);
    if (!set_filter(tap, options, failure))
        return false;
    tap->input = (struct input){.path = tap->name, .format = "live", .snaplen = (uint32_t)pcap_snapshot(tap->pcap)};
    tap->input.link_types[tap->input.link_type_count++] = tap->link_type;
    tap_count_drops(tap);
    tap->input.kernel_dropped = 0;
    return true;
}

bool tap_open(struct tap *tap, const struct live_options *options, int socket, struct failure *failure)
{
    char why[PCAP_ERRBUF_SIZE];
    struct ifreq hardware = {.ifr_ifindex = 0}, index = {.ifr_ifindex = 0};
    tap->descriptor = -1;
    tap->promiscuous = options->promiscuous && !is_any(tap);
    if (!is_any(tap) && !(ask(tap, socket, SIOCGIFHWADDR, &hardware) && ask(tap, socket, SIOCGIFINDEX, &index)))
        return fail_unknown(tap, failure);
    tap->hardware = hardware.ifr_hwaddr.sa_family;
    tap->pcap = pcap_create(tap->name, why);
    if (!tap->pcap)
        return failure_set(failure, "%s: %s", tap->name, why);
    if (!activate(tap, options, failure) || !prepare(tap, options, failure))
        return false;
    make_promiscuous(tap, index.ifr_ifindex);
    return true;
}

void tap_close(struct tap *tap)
{
    if (tap->pcap)
        pcap_close(tap->pcap);
}

/* What is known to be gone, or was bound again and fails at once, is not said to be gone again. */
static void lose(struct tap *tap, const char *why, struct tap_news *news)
{
    if (tap->state == TAP_HERE && strstr(why, "disappeared"))
        snprintf(news->text, sizeof news->text, "%s is gone; waiting for it", tap->name);
    else if (tap->state == TAP_HERE)
        snprintf(news->text, sizeof news->text, "%s cannot be read (%.80s); trying again", tap->name, why);
    tap->state = TAP_GONE;
}

bool tap_next(struct tap *tap, struct frame *frame, struct tap_news *news)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    if (tap->state == TAP_GONE)
        return false;
    int result = pcap_next_ex(tap->pcap, &header, &bytes);
    if (result < 0) {
        lose(tap, pcap_geterr(tap->pcap), news);
        return false;
    }
    if (tap->state == TAP_BOUND)
        snprintf(news->text, sizeof news->text, "%s is back", tap->name);
    tap->state = TAP_HERE;
    if (result == 0)
        return false;
    *frame = pcap_frame(header, bytes, tap->link_type);
    tap->input.records++;
    tap->input.selected++;
    input_count(&tap->input, frame);
    frame->ref.number = tap->input.frames & 0xffffffffffff;
    return true;
}

/* False when what has the name would give frames of another link type, which is not said twice. */
static bool is_the_same(struct tap *tap, int socket, struct tap_news *news)
{
    struct ifreq request;
    if (!ask(tap, socket, SIOCGIFHWADDR, &request))
        return false;
    bool same = request.ifr_hwaddr.sa_family == tap->hardware;
    if (!same && !tap->changed)
        snprintf(
            news->text, sizeof news->text,
            "%s is another kind of device now (hardware type %d, was %d): not watched until it is as before, or tcp53 "
            "is started anew",
            tap->name, request.ifr_hwaddr.sa_family, tap->hardware);
    tap->changed = !same;
    return same;
}

void tap_check(struct tap *tap, struct tap_news *news)
{
    struct sockaddr_ll address = {.sll_ifindex = 0};
    socklen_t length = sizeof address;
    bool bound = getsockname(tap->descriptor, (struct sockaddr *)&address, &length) != 0 || address.sll_ifindex != -1;
    if (!bound && tap->state != TAP_GONE)
        lose(tap, "disappeared", news);
}

bool tap_retry(struct tap *tap, int socket, struct tap_news *news)
{
    struct ifreq request;
    if (!ask(tap, socket, SIOCGIFINDEX, &request) || !is_the_same(tap, socket, news))
        return false;
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = request.ifr_ifindex};
    if (bind(tap->descriptor, (const struct sockaddr *)&address, sizeof address) != 0)
        return false;
    make_promiscuous(tap, request.ifr_ifindex);
    tap->state = TAP_BOUND;
    return true;
}

/*
 * The kernel's counter begins anew at each question. pcap_stats() would ask as well, but count in 32 bits, and for some
 * devices open files of /sys.
 */
void tap_count_drops(struct tap *tap)
{
    struct tpacket_stats_v3 counted = {.tp_drops = 0};
    socklen_t length = sizeof counted;
    if (getsockopt(tap->descriptor, SOL_PACKET, PACKET_STATISTICS, &counted, &length) == 0)
        tap->input.kernel_dropped += counted.tp_drops;
}
