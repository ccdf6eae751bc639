/* What starting children costs without a daemon: bare_children spawn|monitor SLOTS COUNT [FOLDER MONITOR DATABASE SCHEMA...]
 *
 * `spawn`: SLOTS threads, each of which starts /bin/true by posix_spawn() and waits for it. `monitor`: each makes a run folder, writes
 * launch.json, starts the monitor on it, waits for it, reads its record, and commits two times (the start, and the end with the next
 * intent) to a database of the daemon's schema and settings, as the daemon must. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/durable.h"
#include "launch/order.h"
#include "launch/record.h"
#include "measure.h"

extern char **environ;

struct work {
    const char *folder, *monitor; /* NULL: /bin/true alone */
    sqlite3 *database;
    sqlite3_stmt *update;
    pthread_mutex_t mutex; /* guards the database */
    int64_t count;
    atomic_llong next;
    atomic_llong commits;
};

static void start_and_wait(const char *program, char *const argv[])
{
    pid_t pid;
    int status, number = posix_spawn(&pid, program, NULL, NULL, argv, environ);

    if (number != 0)
        bench_fail("cannot start %s: %s", program, strerror(number));
    if (waitpid(pid, &status, 0) != pid || status != 0)
        bench_fail("%s ended with status %d", program, status);
}

/* One commit that changes one row: one sync. */
static void commit(struct work *work, int64_t number)
{
    pthread_mutex_lock(&work->mutex);
    bench_check(work->database, sqlite3_bind_int64(work->update, 1, number));
    bench_step(work->database, work->update);
    pthread_mutex_unlock(&work->mutex);
    atomic_fetch_add(&work->commits, 1);
}

static void make_folder(const char *parent, const char *name, char *ret_path, size_t size)
{
    snprintf(ret_path, size, "%s/%s", parent, name);
    if (mkdir(ret_path, 0700) < 0)
        bench_fail("cannot make %s: %s", ret_path, strerror(errno));
}

static void run_under_monitor(struct work *work, int64_t number)
{
    static const char *const inner[] = {"outputs", "logs", "user_logs"};
    char folder[4096], path[8192], name[32];
    char *argv[] = {(char *)"/bin/true", NULL};
    char *monitor_argv[] = {(char *)"hyperdrive-monitor", folder, (char *)"1", NULL};
    struct order order = {.run_id = name,
                          .working_directory = folder,
                          .argv = argv,
                          .environment = environ,
                          .attempt = 1,
                          .grace_us = 1000000,
                          .folder_is_synced = true};
    struct record record;
    int run;

    snprintf(name, sizeof name, "%" PRId64, number);
    make_folder(work->folder, name, folder, sizeof folder);
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
        make_folder(folder, inner[i], path, sizeof path);
    run = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run < 0 || durable_sync_folder(run, "..") < 0 || order_write(run, &order) < 0)
        bench_fail("cannot write an order into %s", folder);
    start_and_wait(work->monitor, monitor_argv);
    commit(work, number);
    if (record_read(run, 1, &record) < 0 || record.kind != RECORD_EXITED || record.exit_code != 0)
        bench_fail("the child of %s did not end well", folder);
    commit(work, number);
    close(run);
}

static void *run_children(void *data)
{
    struct work *work = data;
    char *argv[] = {(char *)"true", NULL};
    int64_t number;

    while ((number = atomic_fetch_add(&work->next, 1)) < work->count) {
        if (work->monitor != NULL)
            run_under_monitor(work, number);
        else
            start_and_wait("/bin/true", argv);
    }
    return NULL;
}

static void open_database(struct work *work, const char *path, char **schema)
{
    bench_check(NULL, sqlite3_open_v2(path, &work->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
    bench_execute(work->database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    for (; *schema != NULL; schema++) {
        static char text[1 << 20];
        FILE *file = fopen(*schema, "rb");

        if (file == NULL)
            bench_fail("cannot read %s", *schema);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        bench_execute(work->database, text);
    }
    work->update = bench_prepare(work->database, "UPDATE clock SET ordinal = ?1");
}

int main(int argc, char **argv)
{
    struct work work = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[64];
    int64_t slots, begin_us;

    if (argc < 4 || (strcmp(argv[1], "monitor") == 0 && argc < 8))
        bench_fail("usage: bare_children spawn|monitor SLOTS COUNT [FOLDER MONITOR DATABASE SCHEMA...]");
    slots = bench_number(argv[2]);
    work.count = bench_number(argv[3]);
    if (slots < 1 || slots > 64)
        bench_fail("between 1 and 64 slots");
    if (strcmp(argv[1], "monitor") == 0) {
        work.folder = argv[4];
        work.monitor = argv[5];
        open_database(&work, argv[6], argv + 7);
    }
    begin_us = bench_clock_us();
    for (int64_t i = 0; i < slots; i++)
        if (pthread_create(&threads[i], NULL, run_children, &work) != 0)
            bench_fail("cannot start a thread");
    for (int64_t i = 0; i < slots; i++)
        pthread_join(threads[i], NULL);
    printf("{\"children\":%" PRId64 ",\"seconds\":%.6f,\"commits\":%lld}\n", work.count, (double)(bench_clock_us() - begin_us) / 1e6,
           (long long)work.commits);
    sqlite3_finalize(work.update);
    sqlite3_close(work.database);
    return 0;
}
