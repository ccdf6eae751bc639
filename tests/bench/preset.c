/* Writes ended sweeps of many children into a database that the daemon has made: preset DATABASE (NAME VARIANT CHILDREN)...
 *
 * VARIANT says what the primary metric (goal: maximize) is: `distinct`, `equal` (nine children of ten have the same best value), `failed`
 * (nine of ten are Failed, and have the best values), `plain` (distinct values in order of creation). The daemon must not run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/goal.h"
#include "core/status.h"
#include "measure.h"

static const char INSERT_SWEEP[] =
    "INSERT INTO sweep (id, experiment, config, warnings, metric, goal, seed, max_total, max_concurrent, failure_limit, status, "
    "created_us, "
    "started_us, ended_us, generation, generated, completed, failed) VALUES (?1, 'bench', '{}', '[]', 1, ?2, 0, ?3, 1, 0, ?4, 1, 1, 2, 1, "
    "?3, ?5, ?6)";
static const char INSERT_RUN[] =
    "INSERT INTO run (sweep, number, id, digest, configuration, status, class, rank_key, reports, attempt, created_us, started_us, "
    "ended_us, "
    "exit_code, peak_memory, cpu_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, 1, ?9, ?9, ?9, ?10, 1048576, 1000)";

struct child {
    double value;
    bool failed;
};

/* A fixed mixing of bits (splitmix64): the same rows every time. */
static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static double share(int64_t number)
{
    return (double)(mix((uint64_t)number) >> 11) / 9007199254740992.0;
}

static struct child distinct_child(int64_t number)
{
    return (struct child){.value = share(number)};
}

static struct child equal_child(int64_t number)
{
    return (struct child){.value = number % 10 != 0 ? 1.0 : share(number)};
}

static struct child failed_child(int64_t number)
{
    bool failed = number % 10 != 0;

    return (struct child){.value = share(number) + (failed ? 1.0 : 0.0), .failed = failed};
}

static struct child plain_child(int64_t number)
{
    return (struct child){.value = (double)number};
}

static const struct variant {
    const char *name;
    struct child (*child)(int64_t number);
} VARIANTS[] = {{"distinct", distinct_child}, {"equal", equal_child}, {"failed", failed_child}, {"plain", plain_child}};

static const struct variant *find_variant(const char *name)
{
    for (size_t i = 0; i < sizeof VARIANTS / sizeof *VARIANTS; i++)
        if (strcmp(VARIANTS[i].name, name) == 0)
            return &VARIANTS[i];
    bench_fail("'%s' is no variant", name);
}

static int64_t insert_sweep(sqlite3 *database, const char *id, const struct variant *variant, int64_t children)
{
    sqlite3_stmt *statement = bench_prepare(database, INSERT_SWEEP);
    int64_t failed = 0;
    int result;

    for (int64_t number = 0; number < children; number++)
        failed += variant->child(number).failed;
    result = sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 2, HD_MAXIMIZE);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 3, children);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 4, HD_COMPLETED);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 5, children - failed);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 6, failed);
    bench_check(database, result);
    bench_step(database, statement);
    sqlite3_finalize(statement);
    return sqlite3_last_insert_rowid(database);
}

static void insert_run(sqlite3 *database, sqlite3_stmt *statement, int64_t sweep, const char *sweep_id, int64_t number, struct child child)
{
    uint64_t digest[4] = {mix((uint64_t)number), mix((uint64_t)number + 1), mix((uint64_t)number + 2), (uint64_t)number};
    char id[128], configuration[128];
    int result = sqlite3_bind_int64(statement, 1, sweep);

    snprintf(id, sizeof id, "%s_%" PRId64, sweep_id, number);
    snprintf(configuration, sizeof configuration, "{\"learning_rate\":%.17g,\"batch_size\":32,\"layers\":%" PRId64 "}", share(number),
             number % 7 + 1);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 2, number);
    if (result == SQLITE_OK)
        result = sqlite3_bind_text(statement, 3, id, -1, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_blob(statement, 4, digest, sizeof digest, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_text(statement, 5, configuration, -1, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 6, child.failed ? HD_FAILED : HD_COMPLETED);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 7, child.failed);
    if (result == SQLITE_OK)
        result = sqlite3_bind_double(statement, 8, hd_goal_rank(HD_MAXIMIZE, child.value));
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 9, INT64_C(1700000000000000) + number);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 10, child.failed);
    bench_check(database, result);
    bench_step(database, statement);
}

/* The statements that make the indexes of `run`, which are taken away while rows come: many times faster. */
static size_t take_indexes(sqlite3 *database, char *ret_statements[], size_t limit)
{
    sqlite3_stmt *statement = bench_prepare(database, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'run' "
                                                      "AND sql IS NOT NULL");
    char *drops[16];
    size_t count = 0;

    while (sqlite3_step(statement) == SQLITE_ROW && count < limit) {
        drops[count] = sqlite3_mprintf("DROP INDEX %s", sqlite3_column_text(statement, 0));
        ret_statements[count] = sqlite3_mprintf("%s", sqlite3_column_text(statement, 1));
        count++;
    }
    sqlite3_finalize(statement);
    for (size_t i = 0; i < count; i++) {
        bench_execute(database, drops[i]);
        sqlite3_free(drops[i]);
    }
    return count;
}

int main(int argc, char **argv)
{
    char *indexes[16];
    sqlite3 *database;
    sqlite3_stmt *statement;
    size_t count;

    if (argc < 5 || (argc - 2) % 3 != 0)
        bench_fail("usage: preset DATABASE (NAME VARIANT CHILDREN)...");
    bench_check(NULL, sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READWRITE, NULL));
    bench_execute(database,
                  "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1048576; PRAGMA temp_store = MEMORY");
    bench_execute(database, "BEGIN; INSERT INTO name (name, text) VALUES (1, 'accuracy')");
    count = take_indexes(database, indexes, sizeof indexes / sizeof *indexes);
    statement = bench_prepare(database, INSERT_RUN);
    for (int i = 2; i < argc; i += 3) {
        const struct variant *variant = find_variant(argv[i + 1]);
        int64_t children = bench_number(argv[i + 2]);
        int64_t sweep = insert_sweep(database, argv[i], variant, children);

        for (int64_t number = 0; number < children; number++)
            insert_run(database, statement, sweep, argv[i], number, variant->child(number));
    }
    sqlite3_finalize(statement);
    for (size_t i = 0; i < count; i++) {
        bench_execute(database, indexes[i]);
        sqlite3_free(indexes[i]);
    }
    bench_execute(database, "COMMIT; PRAGMA journal_mode = WAL");
    sqlite3_close(database);
    return 0;
}
