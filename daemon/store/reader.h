/* A read-only connection. Internal to the store. */
#ifndef HYPERDRIVED_STORE_READER_H
#define HYPERDRIVED_STORE_READER_H

#include "database.h"
#include "store.h"

struct store_reader {
    struct database database;
    struct store_reader *next; /* in the list of idle ones */
};

int reader_open(struct store_reader **ret_reader, const char *path, const char *vfs, struct hd_error *error);
void reader_close(struct store_reader *reader); /* NULL is fine */
/* Reads the beginning of the file: with a fresh connection, from the disk. */
int reader_probe(struct store_reader *reader, struct hd_error *error);

#endif
