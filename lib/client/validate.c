/* `hyperdrive validate`: every fault of a sweep file, found without a daemon. */
#include <string.h>

#include "client.h"
#include "core/json.h"
#include "specification_check.h"

static const char *file_name(const struct client *client)
{
    const char *path = client->arguments.operands[0];

    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static void add_string(struct hd_text *out, const char *name, const char *string)
{
    hd_text_format(out, "\"%s\":", name);
    if (string != NULL) {
        hd_json_print_string(out, string);
    } else {
        hd_text_add_string(out, "null");
    }
}

static void add_problems(struct hd_text *out, const struct hd_problems *problems)
{
    hd_text_add_char(out, '[');
    for (size_t i = 0; i < problems->count; i++) {
        hd_text_add_string(out, i > 0 ? ",{" : "{");
        add_string(out, "code", problems->list[i].code);
        hd_text_add_char(out, ',');
        add_string(out, "message", problems->list[i].message);
        hd_text_add_char(out, ',');
        add_string(out, "target", problems->list[i].target);
        hd_text_add_char(out, '}');
    }
    if (problems->dropped > 0) {
        hd_text_format(out, ",{\"code\":\"More\",\"message\":\"%zu further findings are not shown\",\"target\":null}", problems->dropped);
    }
    hd_text_add_char(out, ']');
}

static int print_verdict_json(const struct client *client, const struct specification_check *check, struct hd_error *error)
{
    struct hd_text text = {0};
    int result = 0;

    hd_text_format(&text, "{\"valid\":%s,\"errors\":", hd_problems_none(&check->errors) ? "true" : "false");
    add_problems(&text, &check->errors);
    hd_text_add_string(&text, ",\"warnings\":");
    add_problems(&text, &check->warnings);
    hd_text_add_char(&text, '}');
    if (text.failed) {
        result = hd_error_set(error, HD_UNAVAILABLE, "memory is short");
    } else {
        output_raw(&client->output, &text);
    }
    hd_text_clear(&text);
    return result;
}

int command_validate(struct client *client, struct hd_error *error)
{
    struct specification_check check = {0};
    int result = specification_check(client->arguments.operands[0], &check, error);

    if (result < 0) {
        return result;
    }
    if (client->arguments.value[OPTION_JSON] != NULL) {
        result = print_verdict_json(client, &check, error);
    } else {
        specification_check_say(&check);
        if (hd_problems_none(&check.errors)) {
            fprintf(client->output.file, "%s is valid: %s sampling, %lld run%s at most\n", file_name(client),
                    hd_sampling_name(check.specification.sampling.type), (long long)check.specification.max_total_runs,
                    check.specification.max_total_runs == 1 ? "" : "s");
        }
    }
    if (result == 0 && !hd_problems_none(&check.errors)) {
        result = EXIT_USAGE;
    }
    specification_check_clear(&check);
    return result;
}
