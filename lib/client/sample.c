/* `hyperdrive sample`: the first configurations of a sweep, drawn without running them and without a daemon. */
#include "client.h"
#include "core/json.h"
#include "core/random.h"
#include "sequence.h"
#include "specification_check.h"

enum { SAMPLE_DEFAULT = 10 };

static bool given(const struct client *client, enum option_id option)
{
    return client->arguments.value[option] != NULL;
}

static bool has_seed(const struct hd_specification *specification)
{
    return specification->sampling.type != HD_GRID;
}

/* All members but the last, whose elements come one by one. */
static void print_json_head(FILE *out, const struct specification_check *check)
{
    const struct hd_specification *specification = &check->specification;

    fprintf(out, "{\"sampling\":\"%s\",", hd_sampling_name(specification->sampling.type));
    if (has_seed(specification)) {
        fprintf(out, "\"seed\":%lld,\"seed_drawn\":%s,\"rng\":\"%s\",", (long long)specification->sampling.seed,
                check->seed_drawn ? "true" : "false", HD_RANDOM_NAME);
    } else {
        fputs("\"seed\":null,\"seed_drawn\":false,\"rng\":null,", out);
    }
    fprintf(out, "\"max_total_runs\":%lld,\"configurations\":[", (long long)specification->max_total_runs);
}

static int print_samples_json(const struct client *client, const struct specification_check *check, int64_t count)
{
    struct sequence sequence;
    cJSON *configuration;
    int result = 0;

    sequence_open(&sequence, &check->specification);
    print_json_head(client->output.file, check);
    for (int64_t i = 0; i < count && (result = sequence_next(&sequence, &configuration)) == 1; i++) {
        struct hd_text text = {0};

        hd_json_print(&text, configuration, HD_JSON_COMPACT);
        cJSON_Delete(configuration);
        if (text.failed) {
            hd_text_clear(&text);
            result = -1;
            break;
        }
        fprintf(client->output.file, "%s%s", i > 0 ? "," : "", text.data);
        hd_text_clear(&text);
    }
    fputs("]}\n", client->output.file);
    sequence_close(&sequence);
    return result;
}

static void add_row(struct table *table, int64_t number, cJSON *configuration)
{
    struct hd_text text = {0};

    text_configuration(&text, configuration, 17);
    table_format(table, TABLE_PLAIN, "%lld", (long long)number);
    table_add(table, TABLE_PLAIN, text.data);
    table->failed = table->failed || text.failed;
    hd_text_clear(&text);
}

/* "10 of 40 runs shown": of as many as the sweep may have. */
static void print_rest(const struct client *client, const struct specification_check *check, const struct sequence *sequence)
{
    uint64_t most = (uint64_t)check->specification.max_total_runs;

    most = sequence->size > 0 && sequence->size < most ? sequence->size : most;
    if (sequence->count < most) {
        fprintf(client->output.file, "%zu of %llu configurations shown; -n shows more\n", sequence->count, (unsigned long long)most);
    }
}

static int print_samples(const struct client *client, const struct specification_check *check, int64_t count)
{
    static const struct table_column columns[] = {{"RUN", true, true}, {"HYPERPARAMETERS", false, false}};
    struct sequence sequence;
    struct table table;
    cJSON *configuration;
    int result = 0;

    if (check->seed_drawn) {
        say("the file gives no seed, so each submission draws another one; shown is what seed %lld draws",
            (long long)check->specification.sampling.seed);
    }
    sequence_open(&sequence, &check->specification);
    table_open(&table, client->output.file, client->output.width, client->output.colour, columns, 2);
    for (int64_t i = 0; i < count && (result = sequence_next(&sequence, &configuration)) == 1; i++) {
        add_row(&table, i, configuration);
        cJSON_Delete(configuration);
    }
    if (!table_close(&table)) {
        result = -1;
    }
    if (result == 1) {
        print_rest(client, check, &sequence);
    }
    sequence_close(&sequence);
    return result;
}

int command_sample(struct client *client, struct hd_error *error)
{
    int64_t count = given(client, OPTION_NUMBER) ? client->arguments.number[OPTION_NUMBER] : SAMPLE_DEFAULT;
    struct specification_check check = {0};
    int result = specification_check(client->arguments.operands[0], &check, error);

    if (result < 0) {
        return result;
    }
    specification_check_say(&check);
    if (!hd_problems_none(&check.errors)) {
        result = EXIT_USAGE;
    } else {
        result = given(client, OPTION_JSON) ? print_samples_json(client, &check, count) : print_samples(client, &check, count);
        result = result < 0 ? hd_error_set(error, HD_UNAVAILABLE, "memory is short") : EXIT_OK;
    }
    specification_check_clear(&check);
    return result;
}
