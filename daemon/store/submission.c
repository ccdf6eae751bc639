/* Submissions that clients have given a key: which sweep was made of one. */
#include "reader.h"
#include "room.h"

static const char FIND[] = "SELECT sweep, submission_digest = ?2, id FROM sweep WHERE submission = ?1";

int submission_find(struct database *database, const struct store_submission *submission, int64_t *ret_sweep, struct hd_error *error)
{
    sqlite3_stmt *statement =
        database_query(database, error, FIND, "tb", submission->key, submission->digest, (int)sizeof submission->digest);
    int result = statement != NULL ? database_step(database, statement, error) : -(int)error->code;

    *ret_sweep = 0;
    if (result != 1)
        return result;
    result = 0;
    if (sqlite3_column_int(statement, 1) == 1)
        *ret_sweep = sqlite3_column_int64(statement, 0);
    else
        result = hd_error_set(error, HD_CONFLICT,
                              "this Idempotency-Key belongs to another submission, which became %s; a new one needs a new key",
                              database_text(statement, 2));
    database_reset(statement);
    return result;
}

int store_find_submission(struct store_reader *reader, const struct store_submission *submission, int64_t *ret_sweep,
                          struct hd_error *error)
{
    return submission_find(&reader->database, submission, ret_sweep, error);
}
