/* What SQLite alone can do: bare_points DATABASE ROWS_PER_COMMIT RUNS MILLISECONDS SCHEMA...
 *
 * One thread inserts points of so many runs into a new database of the same schema, with the daemon's settings. ROWS_PER_COMMIT may have a
 * fraction: it is the mean. Nothing but points is written: no series, no counts, no names. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(1 << 20);
    size_t length;

    if (file == NULL || text == NULL)
        bench_fail("cannot read %s", path);
    length = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

static sqlite3 *open_database(const char *path, char **schema)
{
    sqlite3 *database;

    bench_check(NULL, sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
    bench_execute(database, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384");
    for (; *schema != NULL; schema++) {
        char *text = read_file(*schema);

        bench_execute(database, text);
        free(text);
    }
    return database;
}

static void insert(sqlite3 *database, sqlite3_stmt *statement, int64_t number, int64_t runs)
{
    int64_t run = number % runs, sequence = number / runs;
    int result = sqlite3_bind_int64(statement, 1, run + 1);

    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 2, run + 1);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 3, sequence);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 4, number);
    if (result == SQLITE_OK)
        result = sqlite3_bind_double(statement, 5, 1.0 / (double)(sequence + 2));
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 6, sequence);
    if (result == SQLITE_OK)
        result = sqlite3_bind_int64(statement, 7, bench_clock_us());
    bench_check(database, result);
    bench_step(database, statement);
}

int main(int argc, char **argv)
{
    sqlite3 *database;
    sqlite3_stmt *statement, *begin, *commit;
    int64_t rows = 0, commits = 0, runs, begin_us, end_us;
    double rows_per_commit;

    if (argc < 6)
        bench_fail("usage: bare_points DATABASE ROWS_PER_COMMIT RUNS MILLISECONDS SCHEMA...");
    rows_per_commit = strtod(argv[2], NULL);
    runs = bench_number(argv[3]);
    database = open_database(argv[1], argv + 5);
    begin = bench_prepare(database, "BEGIN IMMEDIATE");
    commit = bench_prepare(database, "COMMIT");
    statement = bench_prepare(database, "INSERT INTO point (run, name, sequence, ordinal, kind, value, step, at_us) "
                                        "VALUES (?1, ?2, ?3, ?4, 2, ?5, ?6, ?7)");
    begin_us = bench_clock_us();
    end_us = begin_us + bench_number(argv[4]) * 1000;
    while (bench_clock_us() < end_us) {
        bench_step(database, begin);
        do
            insert(database, statement, rows++, runs);
        while ((double)rows < (double)(commits + 1) * rows_per_commit);
        bench_step(database, commit);
        commits++;
    }
    printf("{\"points\":%" PRId64 ",\"commits\":%" PRId64 ",\"seconds\":%.6f}\n", rows, commits,
           (double)(bench_clock_us() - begin_us) / 1e6);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return 0;
}
