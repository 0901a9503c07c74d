/*
 * measure.c - times two commands side by side and prints one table line.
 *
 *     measure PAIRS NAME OUTPUT RATIO-GOAL RSS-GOAL BARE... -- TRIED...
 *
 * The commands run in turn, PAIRS times; before more than one pair each runs
 * once untimed to warm up. A ratio goal of 0 means there is none. The outputs
 * go to OUTPUT.bare and OUTPUT.tried; the frame count is the first number
 * that BARE prints. BARE must exit with 0, TRIED with 0 or 1.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PAIRS_MAX = 99,
    PATH_ROOM = 4096,
    FIXED_ARGUMENTS = 6,
};

struct command {
    char **words;
    char output[PATH_ROOM];
    int status_max; /* the largest exit status that is no failure */
    long peak_kib;
    double seconds[PAIRS_MAX];
};

struct trial {
    const char *name;
    int pairs;
    double ratio_goal;
    double rss_goal;
    struct command bare;
    struct command tried;
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

_Noreturn static void run_child(const struct command *command)
{
    int output = open(command->output, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (output >= 0 && dup2(output, STDOUT_FILENO) >= 0)
        execvp(command->words[0], command->words);
    perror(command->words[0]);
    _exit(127);
}

/* Returns the seconds it took; ends the program if the command failed. */
static double run_once(struct command *command)
{
    struct rusage usage;
    double start = now();
    pid_t child = fork();
    double end;
    int status;

    if (child == 0)
        run_child(command);
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
        perror("measure");
        exit(2);
    }
    end = now();
    if (!WIFEXITED(status) || WEXITSTATUS(status) > command->status_max) {
        fprintf(stderr, "measure: %s failed, wait status 0x%x\n", command->words[0], (unsigned)status);
        exit(2);
    }
    if (usage.ru_maxrss > command->peak_kib)
        command->peak_kib = usage.ru_maxrss;
    return end - start;
}

static void run_pairs(struct trial *trial)
{
    int i;

    if (trial->pairs > 1) {
        run_once(&trial->bare);
        run_once(&trial->tried);
    }
    for (i = 0; i < trial->pairs; i++) {
        trial->bare.seconds[i] = run_once(&trial->bare);
        trial->tried.seconds[i] = run_once(&trial->tried);
    }
}

static int compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static double median(const double *values, int count)
{
    double sorted[PAIRS_MAX];
    size_t size = (size_t)count;

    memcpy(sorted, values, size * sizeof(*values));
    qsort(sorted, size, sizeof(*sorted), compare);
    return (sorted[(size - 1) / 2] + sorted[size / 2]) / 2;
}

static double median_ratio(const struct trial *trial)
{
    double ratios[PAIRS_MAX];
    int i;

    for (i = 0; i < trial->pairs; i++)
        ratios[i] = trial->tried.seconds[i] / trial->bare.seconds[i];
    return median(ratios, trial->pairs);
}

static uint64_t counted_frames(const struct command *bare)
{
    FILE *file = fopen(bare->output, "r");
    uint64_t frames = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%" SCNu64, &frames) != 1)
        frames = 0;
    fclose(file);
    return frames;
}

/* A program that prints nothing has hardly done what is to be timed. */
static void warn_if_silent(const struct command *command)
{
    struct stat status;

    if (stat(command->output, &status) || status.st_size == 0)
        fprintf(stderr, "measure: warning: %s printed nothing\n", command->words[0]);
}

static const char *verdict(double reached, double goal)
{
    if (goal <= 0)
        return "-";
    return reached <= goal ? "yes" : "no";
}

static void print_line(const struct trial *trial)
{
    uint64_t frames = counted_frames(&trial->bare);
    double bare = median(trial->bare.seconds, trial->pairs);
    double tried = median(trial->tried.seconds, trial->pairs);
    double ratio = median_ratio(trial);
    double peak_mib = (double)trial->tried.peak_kib / 1024;

    printf("%-9s %9" PRIu64 " %8.3f %8.3f %6.2f %9.2f %8.1f %8s %8s\n", trial->name, frames, bare, tried, ratio,
           (double)frames / tried / 1e6, peak_mib, verdict(ratio, trial->ratio_goal),
           verdict(peak_mib, trial->rss_goal));
}

/* Splits the words of the two commands at the "--" between them. */
static bool set_commands(struct trial *trial, char **words)
{
    trial->bare.words = words;
    while (*words && strcmp(*words, "--"))
        words++;
    if (!*words || words == trial->bare.words || !words[1])
        return false;
    *words = NULL;
    trial->tried.words = words + 1;
    trial->tried.status_max = 1;
    return true;
}

static bool set_trial(struct trial *trial, int argc, char **argv)
{
    if (argc <= FIXED_ARGUMENTS)
        return false;
    trial->pairs = atoi(argv[1]);
    trial->name = argv[2];
    snprintf(trial->bare.output, PATH_ROOM, "%s.bare", argv[3]);
    snprintf(trial->tried.output, PATH_ROOM, "%s.tried", argv[3]);
    trial->ratio_goal = strtod(argv[4], NULL);
    trial->rss_goal = strtod(argv[5], NULL);
    if (trial->pairs < 1 || trial->pairs > PAIRS_MAX)
        return false;
    return set_commands(trial, argv + FIXED_ARGUMENTS);
}

int main(int argc, char **argv)
{
    static struct trial trial;

    if (!set_trial(&trial, argc, argv)) {
        fprintf(stderr, "usage: measure PAIRS NAME OUTPUT RATIO-GOAL RSS-GOAL "
                        "BARE... -- TRIED...\n");
        return 2;
    }
    run_pairs(&trial);
    warn_if_silent(&trial.tried);
    print_line(&trial);
    return 0;
}
