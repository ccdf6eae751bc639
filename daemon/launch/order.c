#include "order.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/utf8.h"
#include "durable.h"

enum { FILE_LIMIT = 64 << 20 };

char **order_copy_list(const char *const *list)
{
    size_t count = 0;
    while (list[count] != NULL)
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(list[i]);
        if (copy[i] == NULL) {
            order_free_list(copy);
            return NULL;
        }
    }
    return copy;
}

void order_free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

void order_clear(struct order *order)
{
    free(order->run_id);
    free(order->working_directory);
    free(order->cgroup);
    order_free_list(order->argv);
    order_free_list(order->environment);
    free(order->groups);
    *order = (struct order){0};
}

/* Arguments and environment are bytes, JSON is UTF-8: a string that is none goes as {"hex":"..."}. */
static void print_bytes(struct hd_text *out, const char *bytes)
{
    if (hd_utf8_valid(bytes)) {
        hd_json_print_string(out, bytes);
        return;
    }
    hd_text_add_string(out, "{\"hex\":\"");
    for (; *bytes != '\0'; bytes++)
        hd_text_format(out, "%02x", (unsigned)(unsigned char)*bytes);
    hd_text_add_string(out, "\"}");
}

static void print_list(struct hd_text *out, const char *name, char *const *list)
{
    hd_text_format(out, ",\n\"%s\":[", name);
    for (size_t i = 0; list[i] != NULL; i++) {
        hd_text_add_string(out, i == 0 ? "\n" : ",\n");
        print_bytes(out, list[i]);
    }
    hd_text_add_char(out, ']');
}

static void print_user(struct hd_text *out, const struct order *order)
{
    hd_text_format(out, ",\n\"user\":{\"uid\":%lu,\"gid\":%lu,\"groups\":[", (unsigned long)order->uid, (unsigned long)order->gid);
    for (int i = 0; i < order->group_count; i++)
        hd_text_format(out, "%s%lu", i > 0 ? "," : "", (unsigned long)order->groups[i]);
    hd_text_add_string(out, "]}");
}

int order_write(int folder, const struct order *order)
{
    struct hd_text text = {0};
    hd_text_add_string(&text, "{\"run_id\":");
    print_bytes(&text, order->run_id);
    hd_text_format(&text,
                   ",\n\"attempt\":%d,\n\"grace_us\":%" PRId64 ",\n\"log_limit\":%" PRId64
                   ",\n\"folder_is_synced\":%s,\n\"working_directory\":",
                   order->attempt, order->grace_us, order->log_limit, order->folder_is_synced ? "true" : "false");
    print_bytes(&text, order->working_directory);
    if (order->cgroup != NULL) {
        hd_text_add_string(&text, ",\n\"cgroup\":");
        print_bytes(&text, order->cgroup);
    }
    hd_text_format(&text, ",\n\"in_scope\":%s,\n\"memory_limit\":%" PRId64 ",\n\"process_limit\":%" PRId64 ",\n\"cpu_limit\":%.3f",
                   order->in_scope ? "true" : "false", order->limits.memory, order->limits.processes, order->limits.cpus);
    print_list(&text, "argv", order->argv);
    print_list(&text, "environment", order->environment);
    if (order->as_user)
        print_user(&text, order);
    hd_text_add_string(&text, "}\n");
    int result = text.failed ? -ENOMEM : durable_write(folder, ORDER_FILE, text.data, text.length, 0600, false);
    hd_text_clear(&text);
    return result;
}

static int hex_digit(char character)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = character == '\0' ? NULL : strchr(digits, character);
    return found == NULL ? -1 : (int)(found - digits);
}

static char *bytes_of_hex(const char *hex)
{
    size_t length = strlen(hex) / 2;
    char *bytes = malloc(length + 1);
    if (bytes == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) {
            free(bytes);
            return NULL;
        }
        bytes[i] = (char)(high << 4 | low);
    }
    bytes[length] = '\0';
    return bytes;
}

static char *parse_bytes(const cJSON *item)
{
    const cJSON *hex = cJSON_GetObjectItemCaseSensitive(item, "hex");
    if (cJSON_IsString(hex))
        return bytes_of_hex(hex->valuestring);
    return cJSON_IsString(item) ? strdup(item->valuestring) : NULL;
}

static char **parse_list(const cJSON *array)
{
    if (!cJSON_IsArray(array))
        return NULL;
    char **list = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof *list);
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (list == NULL)
            return NULL;
        list[count] = parse_bytes(item);
        if (list[count++] == NULL) {
            order_free_list(list);
            return NULL;
        }
    }
    return list;
}

static bool parse_number(const cJSON *item, unsigned *ret_number)
{
    int64_t number = 0;
    if (!hd_json_integer(item, &number) || number < 0 || number >= UINT32_MAX)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

/* False: it is damaged, and nothing must run. */
static bool parse_user(const cJSON *user, struct order *order)
{
    const cJSON *groups = cJSON_GetObjectItemCaseSensitive(user, "groups"), *group;
    if (user == NULL)
        return true;
    if (!cJSON_IsArray(groups) || !parse_number(cJSON_GetObjectItemCaseSensitive(user, "uid"), &order->uid) ||
        !parse_number(cJSON_GetObjectItemCaseSensitive(user, "gid"), &order->gid))
        return false;
    order->as_user = true;
    order->groups = calloc((size_t)cJSON_GetArraySize(groups) + 1, sizeof *order->groups);
    cJSON_ArrayForEach(group, groups)
    {
        if (order->groups == NULL || !parse_number(group, &order->groups[order->group_count++]))
            return false;
    }
    return order->groups != NULL;
}

/* An earlier daemon did not write these. */
static bool parse_limits(const cJSON *object, struct order *order)
{
    const cJSON *cgroup = cJSON_GetObjectItemCaseSensitive(object, "cgroup");
    const cJSON *cpus = cJSON_GetObjectItemCaseSensitive(object, "cpu_limit");
    order->in_scope = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "in_scope"));
    hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "memory_limit"), &order->limits.memory);
    hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "process_limit"), &order->limits.processes);
    order->limits.cpus = cJSON_IsNumber(cpus) ? cpus->valuedouble : 0;
    order->cgroup = cgroup != NULL ? parse_bytes(cgroup) : NULL;
    return (order->cgroup != NULL) == (cgroup != NULL);
}

static int parse(const struct hd_text *text, struct order *ret_order)
{
    struct hd_problems problems = {0};
    cJSON *object = hd_json_parse(text->data, text->length, &problems);
    bool out_of_memory = problems.out_of_memory;
    hd_problems_clear(&problems);
    if (out_of_memory)
        return -ENOMEM;
    struct order order = {
        .run_id = parse_bytes(cJSON_GetObjectItemCaseSensitive(object, "run_id")),
        .working_directory = parse_bytes(cJSON_GetObjectItemCaseSensitive(object, "working_directory")),
        .argv = parse_list(cJSON_GetObjectItemCaseSensitive(object, "argv")),
        .environment = parse_list(cJSON_GetObjectItemCaseSensitive(object, "environment")),
        /* An earlier daemon did not write this. */
        .folder_is_synced = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "folder_is_synced")),
    };
    int64_t attempt = 0;
    (void)hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "log_limit"), &order.log_limit); /* nor this */
    bool good = order.run_id != NULL && order.working_directory != NULL && order.argv != NULL && order.argv[0] != NULL &&
                order.environment != NULL && hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "attempt"), &attempt) &&
                hd_json_integer(cJSON_GetObjectItemCaseSensitive(object, "grace_us"), &order.grace_us) && parse_limits(object, &order) &&
                parse_user(cJSON_GetObjectItemCaseSensitive(object, "user"), &order);
    cJSON_Delete(object);
    if (!good) {
        order_clear(&order);
        return -EPROTO;
    }
    order.attempt = (int)attempt;
    *ret_order = order;
    return 0;
}

int order_read(int folder, struct order *ret_order)
{
    struct hd_text text = {0};
    int result = durable_read_own(folder, ORDER_FILE, FILE_LIMIT, &text);
    if (result == 0)
        result = parse(&text, ret_order);
    hd_text_clear(&text);
    return result;
}
