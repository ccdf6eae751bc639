/* What a sweep builds on: sweeps that it inherits, and children of other sweeps that it runs again. */
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "room.h"

static const char ADD[] = "INSERT INTO earlier (sweep, kind, position, earlier) "
                          "SELECT ?1, ?2, ?3, sweep FROM sweep WHERE id = ?4 AND deleting = 0";

int earlier_add(struct database *database, int64_t sweep, enum earlier_kind kind, char *const *ids, struct hd_error *error)
{
    for (int64_t position = 0; ids != NULL && ids[position] != NULL; position++) {
        int result = database_run(database, error, ADD, "iiit", sweep, (int64_t)kind, position, ids[position]);

        if (result != 0)
            return result;
        if (sqlite3_changes(database->handle) == 0)
            return hd_error_set(error, HD_INVALID, "no sweep with id '%s' any more: it was deleted in the meantime", ids[position]);
    }
    return 0;
}

static const char NEEDED_BY[] = "SELECT sweep.id FROM earlier CROSS JOIN sweep ON sweep.sweep = earlier.sweep "
                                "WHERE earlier.earlier = ?1 AND sweep.status IN (1, 4, 6) LIMIT 1";

int earlier_check_unneeded(struct database *database, int64_t sweep, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, NEEDED_BY, "i", sweep);
    int result;

    if (statement == NULL)
        return -(int)error->code;
    result = database_step(database, statement, error);
    if (result <= 0)
        return result;
    (void)hd_error_set(error, HD_CONFLICT, "sweep '%s', which has not ended, builds on this one: delete it when that has ended",
                       database_text(statement, 0));
    database_reset(statement);
    return -HD_CONFLICT;
}

static const char FORGET_OWN[] = "DELETE FROM earlier WHERE sweep = ?1";
static const char FORGET_OTHERS[] = "DELETE FROM earlier WHERE earlier = ?1"; /* the key may be given to a new sweep */

int earlier_forget(struct database *database, int64_t sweep, struct hd_error *error)
{
    int result = database_run(database, error, FORGET_OWN, "i", sweep);

    return result == 0 ? database_run(database, error, FORGET_OTHERS, "i", sweep) : result;
}

static const char CONFIGURATION[] = "SELECT configuration FROM run WHERE id = ?1";

int earlier_configuration(struct database *database, const char *run_id, cJSON **ret_configuration, struct hd_error *error)
{
    sqlite3_stmt *statement = database_query(database, error, CONFIGURATION, "t", run_id);
    cJSON *configuration;
    int result;

    if (statement == NULL)
        return -(int)error->code;
    result = database_step(database, statement, error);
    if (result < 0)
        return result;
    if (result == 0)
        return hd_error_set(error, HD_INTERNAL, "run '%s', which is to be run again, is gone", run_id);
    configuration = hd_json_parse_own(database_text(statement, 0));
    database_reset(statement);
    if (configuration == NULL)
        return hd_error_set(error, HD_UNAVAILABLE, "out of memory");
    *ret_configuration = configuration;
    return 0;
}
