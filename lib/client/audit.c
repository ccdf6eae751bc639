/* `hyperdrive audit`: who asked for which change, newest first. */
#include "client.h"

enum { AUDIT_DEFAULT = 20 };

static void add_row(struct table *table, const cJSON *entry)
{
    const cJSON *status = member(entry, "status");
    struct hd_text time = {0};

    text_instant(&time, member(entry, "time_utc"));
    table_add(table, TABLE_PLAIN, time.data);
    table_add(table, TABLE_PLAIN, member_text(entry, "who", ""));
    table_add(table, TABLE_PLAIN, member_text(entry, "address", ""));
    if (cJSON_IsNumber(status)) {
        table_format(table, status->valuedouble < 300 ? TABLE_GOOD : TABLE_BAD, "%.0f", status->valuedouble);
    } else {
        table_add(table, TABLE_BAD, "-");
    }
    table_add(table, TABLE_PLAIN, member_text(entry, "request", ""));
    table_add(table, TABLE_PLAIN, member_text(entry, "target", "-"));
    table->failed = table->failed || time.failed;
    hd_text_clear(&time);
}

static int print_table(struct client *client, const cJSON *answer, struct hd_error *error)
{
    static const struct table_column columns[] = {
        {"TIME", false, true},   {"WHO", false, false},     {"FROM", false, false},
        {"STATUS", true, false}, {"REQUEST", false, false}, {"TARGET", false, true},
    };
    const cJSON *entries = member(answer, "entries"), *entry;
    struct table table;

    table_open(&table, client->output.file, client->output.width, client->output.colour, columns, sizeof(columns) / sizeof(columns[0]));
    cJSON_ArrayForEach(entry, entries)
    {
        add_row(&table, entry);
    }
    if (!table_close(&table)) {
        return hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    }
    if (cJSON_IsNumber(member(answer, "next"))) {
        fprintf(client->output.file, "%d entries shown; --limit N shows more\n", cJSON_GetArraySize(entries));
    }
    return EXIT_OK;
}

int command_audit(struct client *client, struct hd_error *error)
{
    const struct arguments *arguments = &client->arguments;
    struct hd_text path = {0};
    struct rest_answer answer = {0};
    int result = client_connect(client, error);

    hd_text_format(&path, "/audit?limit=%lld",
                   arguments->value[OPTION_LIMIT] != NULL ? (long long)arguments->number[OPTION_LIMIT] : AUDIT_DEFAULT);
    if (result == 0 && arguments->value[OPTION_JSON] != NULL) {
        return client_print_json(client, &path, error);
    }
    if (result == 0) {
        result = path.failed ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : rest_get(client->rest, path.data, &answer, error);
    }
    hd_text_clear(&path);
    if (result == 0) {
        result = print_table(client, answer.json, error);
    }
    rest_answer_clear(&answer);
    return result;
}
