#include <stdlib.h>
#include <string.h>

#include "settings_row.h"

#define FIELD(member)      .name = #member, .offset = offsetof(struct settings, member)
#define TIME_FIELD(member) .name = #member, .offset = offsetof(struct settings, member##_us)
#define KIB                (INT64_C(1) << 10)
#define MIB                (INT64_C(1) << 20)
#define GIB                (INT64_C(1) << 30)
#define MILLISECOND        INT64_C(1000)
#define SECOND             (1000 * MILLISECOND)
#define HOUR               (3600 * SECOND)
#define DAY                (24 * HOUR)

const struct settings_row settings_rows[SETTINGS_ROWS] = {
    {FIELD(state_dir), .kind = SETTINGS_PATH, .help = "folder of the database, the run folders, the address and the token"},
    {FIELD(listen), .kind = SETTINGS_ADDRESS, .default_text = "127.0.0.1:8700",
     .help = "address and port of the HTTP server, or unix:PATH; port 0 takes a free one, and the same one again after a restart"},
    {FIELD(socket_access), .kind = SETTINGS_ROLES, .default_text = "",
     .help = "what users and groups may do over a Unix socket without a token: alice:submit @students:read *:read"},
    {FIELD(allowed_hosts), .kind = SETTINGS_HOSTS, .default_text = "",
     .help = "further names of this machine, by which clients ask; requests for other names are refused"},
    {FIELD(tls_certificate), .kind = SETTINGS_PATH, .reloadable = true,
     .help = "PEM file with the certificate to be shown, and those that vouch for it behind it; with it the daemon speaks HTTPS only"},
    {FIELD(tls_key), .kind = SETTINGS_PATH, .reloadable = true,
     .help = "PEM file with the private key of tls_certificate, without a password"},
    {FIELD(tls_ca), .kind = SETTINGS_PATH,
     .help = "PEM file by which children and the hyperdrive command verify the daemon; without it by what the system trusts"},
    {FIELD(allow_plaintext), .kind = SETTINGS_BOOLEAN, .default_text = "no",
     .help = "whether the daemon may listen where others can reach it, although they can read tokens on the way"},
    {FIELD(group_token), .kind = SETTINGS_BOOLEAN, .default_text = "no",
     .help = "whether everybody in the daemon's own group may read the owner's token, and with it do everything"},
    {FIELD(slots), .kind = SETTINGS_INTEGER, .default_text = "auto", .zero_word = "auto", .minimum = 1, .maximum = 100000,
     .reloadable = true, .help = "children that run at once; auto: one per GPU, or per CPU if there are no GPUs"},
    {FIELD(gpus), .kind = SETTINGS_GPUS, .default_text = "auto",
     .help = "GPUs that are handed out to children: auto for all, none, or a list of positions, UUIDs and PCI addresses"},
    {FIELD(nvidia_smi), .kind = SETTINGS_PATH, .default_text = "/usr/bin/nvidia-smi",
     .help = "program that is asked for GPUs where /proc does not tell"},
    {FIELD(device_root), .kind = SETTINGS_PATH, .default_text = "/",
     .help = "folder whose /proc, /sys, /dev and /run are looked through for GPUs and controllers; for tests with fake ones"},
    {FIELD(cgroup), .kind = SETTINGS_CGROUP, .default_text = "auto",
     .help = "control group below which each child gets its own: auto for one that was delegated to the daemon, no, or the path of one"},
    {FIELD(systemd_run), .kind = SETTINGS_PATH, .default_text = "/usr/bin/systemd-run",
     .help = "program by which systemd makes a unit for a child with limits, where the control group cannot hold it to them"},
    {FIELD(monitor), .kind = SETTINGS_PATH, .help = "the hyperdrive-monitor program, under which every child runs"},
    {TIME_FIELD(stop_grace), .kind = SETTINGS_DURATION, .default_text = "10 s", .minimum = 0, .maximum = DAY, .reloadable = true,
     .help = "time that a stopped child has between SIGTERM and SIGKILL"},
    {FIELD(stop_children), .kind = SETTINGS_BOOLEAN, .default_text = "no", .reloadable = true,
     .help = "whether a stop of the daemon ends the running children too, instead of leaving them to the next start"},
    {FIELD(run_as_users), .kind = SETTINGS_USERS, .default_text = "",
     .help = "Unix users as whom children may run; only for a daemon that runs as root, where each sweep must name one then"},
    {FIELD(environment_keep), .kind = SETTINGS_NAMES, .reloadable = true,
     .default_text =
         "PATH HOME USER LOGNAME SHELL LANG LANGUAGE LC_* TZ TMPDIR LD_LIBRARY_PATH PYTHONPATH VIRTUAL_ENV CONDA_* CUDA_* NVIDIA_*",
     .help = "variables of the daemon's own environment that children get; NAME* stands for all that begin so"},
    {FIELD(snapshot_limit), .kind = SETTINGS_BYTES, .default_text = "300 MB", .minimum = 1, .maximum = 1024 * GIB, .reloadable = true,
     .help = "largest source folder that a sweep may copy"},
    {FIELD(log_limit), .kind = SETTINGS_BYTES, .default_text = "1 GiB", .minimum = 64 * KIB, .maximum = 1024 * GIB, .reloadable = true,
     .help = "how much of the output of a child is kept; of a longer one the beginning goes, while the child runs"},
    {FIELD(policy_memory_mb), .kind = SETTINGS_INTEGER, .default_text = "256", .minimum = 1, .maximum = 1048576, .reloadable = true,
     .help = "MiB that the early termination policies of all sweeps may use together; above it judging pauses"},
    {FIELD(body_limit), .kind = SETTINGS_BYTES, .default_text = "16 MiB", .minimum = KIB, .maximum = GIB, .reloadable = true,
     .help = "largest body of a request"},
    {FIELD(connections), .kind = SETTINGS_INTEGER, .default_text = "2048", .minimum = 4, .maximum = 1000000,
     .help = "HTTP connections at once; further ones are answered 503"},
    {FIELD(connections_per_address), .kind = SETTINGS_INTEGER, .default_text = "256", .minimum = 1, .maximum = 1000000,
     .help = "of them from one address; this machine's own programs are not counted"},
    {TIME_FIELD(header_timeout), .kind = SETTINGS_DURATION, .default_text = "10 s", .minimum = 10 * MILLISECOND, .maximum = HOUR,
     .reloadable = true, .help = "time for the head of a request to come in"},
    {TIME_FIELD(body_timeout), .kind = SETTINGS_DURATION, .default_text = "60 s", .minimum = 10 * MILLISECOND, .maximum = HOUR,
     .reloadable = true, .help = "time for the body of a request to come in"},
    {TIME_FIELD(idle_timeout), .kind = SETTINGS_DURATION, .default_text = "120 s", .minimum = 10 * MILLISECOND, .maximum = DAY,
     .help = "time after which an idle connection is closed"},
    {FIELD(write_queue), .kind = SETTINGS_BYTES, .default_text = "64 MiB", .minimum = MIB, .maximum = 64 * GIB, .reloadable = true,
     .help = "writes that may wait for the database; when it is full they are answered 503 with Retry-After"},
    {FIELD(big_answers), .kind = SETTINGS_INTEGER, .default_text = "4", .minimum = 1, .maximum = 64, .reloadable = true,
     .help = "answers above 1 MiB that are prepared at once"},
    {FIELD(audit_days), .kind = SETTINGS_INTEGER, .default_text = "365", .minimum = 1, .maximum = 36500, .reloadable = true,
     .help = "days that the record of who did what is kept"},
    {FIELD(keep_days), .kind = SETTINGS_INTEGER, .default_text = "all", .zero_word = "all", .minimum = 1, .maximum = 36500,
     .reloadable = true,
     .help = "days that a sweep is kept when it has ended; then it is deleted with its runs and files; all: it is kept"},
    {FIELD(keep_logs_mb), .kind = SETTINGS_INTEGER, .default_text = "all", .zero_word = "all", .minimum = 0, .maximum = 1073741824,
     .reloadable = true,
     .help =
         "MiB that the logs of ended runs may take on the disk in all; then those of the runs that ended longest ago go; 0: all are kept"},
    {TIME_FIELD(check_interval), .kind = SETTINGS_DURATION, .default_text = "1 d", .minimum = 0, .maximum = 366 * DAY, .reloadable = true,
     .help = "time between two looks through the whole database for damage, the first one after at most 10 minutes; 0 s for none"},
    {FIELD(log_level), .kind = SETTINGS_LEVEL, .default_text = "info", .reloadable = true, .help = "least urgent messages that are logged"},
};

const struct settings_row *settings_row_find(const char *name)
{
    for (size_t i = 0; i < SETTINGS_ROWS; i++)
        if (strcmp(settings_rows[i].name, name) == 0)
            return &settings_rows[i];
    return NULL;
}

enum { LONGEST_NAME = 32 };

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance, one row of the matrix at a time. */
static size_t distance(const char *a, const char *b)
{
    size_t length = strlen(b);
    size_t row[LONGEST_NAME + 1];
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

const struct settings_row *settings_row_nearest(const char *name)
{
    const struct settings_row *nearest = NULL;
    size_t least = strlen(name) / 2 + 1; /* further away it is another word rather than a slip */
    if (strlen(name) > LONGEST_NAME)
        return NULL;
    for (size_t i = 0; i < SETTINGS_ROWS; i++) {
        size_t steps = distance(name, settings_rows[i].name);
        if (steps < least) {
            least = steps;
            nearest = &settings_rows[i];
        }
    }
    return nearest;
}
