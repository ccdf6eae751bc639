/* Named tokens in the store: their hashes, and what each may do. */
#include <string.h>

#include "reader.h"
#include "room.h"

static const char FIND[] = "SELECT role, hash FROM token WHERE name = ?1";
static const char COUNT[] = "SELECT count(*) FROM token";
static const char ADD[] = "INSERT INTO token (name, role, hash, created_us, created_by) VALUES (?1, ?2, ?3, ?4, ?5)";
static const char REMOVE[] = "DELETE FROM token WHERE name = ?1";

/* 1: there is one of this name. */
static int exists(struct database *database, const char *name, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, FIND, "t", name);
    int result = statement != NULL ? database_step(database, statement, error) : -(int)error->code;

    if (result == 1)
        database_reset(statement);
    return result;
}

static int check_room(struct database *database, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, COUNT, "");
    int result = statement != NULL ? database_step(database, statement, error) : -(int)error->code;
    int64_t count;

    if (result != 1)
        return result;
    count = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return count < STORE_TOKENS ? 0 : hd_error_set(error, HD_CONFLICT, "there are %d tokens already; revoke one first", STORE_TOKENS);
}

static int create_token(struct database *database, struct store_write *write)
{
    struct store_create_token *request = (struct store_create_token *)write;
    int result = exists(database, request->name, &write->error);

    if (result == 1)
        return hd_error_set(&write->error, HD_CONFLICT, "there is a token '%s' already; revoke it first, or take another name",
                            request->name);
    if (result == 0)
        result = check_room(database, &write->error);
    if (result == 0)
        result = database_run(database, &write->error, ADD, "ttbit", request->name, request->role, request->hash, (int)sizeof request->hash,
                              database->now_us, request->created_by);
    request->ret_created_us = database->now_us;
    return result;
}

int store_create_token(struct store *store, struct store_create_token *request, struct hd_error *error)
{
    return store_submit(store, &request->write, create_token, (int64_t)sizeof *request, error);
}

static int revoke_token(struct database *database, struct store_write *write)
{
    struct store_revoke_token *request = (struct store_revoke_token *)write;
    int result = exists(database, request->name, &write->error);

    if (result == 0)
        return hd_error_set(&write->error, HD_NOT_FOUND, "there is no token '%s'", request->name);
    return result < 0 ? result : database_run(database, &write->error, REMOVE, "t", request->name);
}

int store_revoke_token(struct store *store, struct store_revoke_token *request, struct hd_error *error)
{
    return store_submit(store, &request->write, revoke_token, (int64_t)sizeof *request, error);
}

int store_find_token(struct store_reader *reader, const char *name, struct store_token_key *ret_key, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, FIND, "t", name);
    int result = statement != NULL ? database_step(&reader->database, statement, error) : -(int)error->code;
    struct store_token_key key = {0};

    if (result != 1)
        return result;
    strncpy(key.role, database_text(statement, 0), sizeof key.role - 1);
    if (sqlite3_column_bytes(statement, 1) == (int)sizeof key.hash)
        memcpy(key.hash, sqlite3_column_blob(statement, 1), sizeof key.hash);
    else
        result = hd_error_set(error, HD_INTERNAL, "the hash of the token '%s' is damaged; revoke it", name);
    database_reset(statement);
    if (result == 1)
        *ret_key = key;
    return result;
}

static const char LIST[] = "SELECT name, role, created_us, created_by FROM token ORDER BY name";

int store_read_tokens(struct store_reader *reader, store_token_row *row, void *context, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(&reader->database, error, LIST, "");
    int result;

    if (statement == NULL)
        return -(int)error->code;
    while ((result = database_step(&reader->database, statement, error)) == 1) {
        const struct store_token token = {
            .name = database_text(statement, 0),
            .role = database_text(statement, 1),
            .created_us = sqlite3_column_int64(statement, 2),
            .created_by = database_text(statement, 3),
        };

        result = row(context, &token);
        if (result != 0) {
            database_reset(statement);
            break;
        }
    }
    return result;
}
