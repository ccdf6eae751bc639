#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "settings_row.h"

/* A value on its way into its field. */
struct reading {
    const struct settings_row *row;
    const char *subject;
    const char *text;
    struct hd_error *error;
};

struct unit {
    const char *name;
    int64_t size;
};

/* In falling order, so that a quantity is shown in the largest unit that divides it. */
static const struct unit byte_units[] = {
    {"GiB", INT64_C(1) << 30},
    {"GB", 1000000000},
    {"MiB", INT64_C(1) << 20},
    {"MB", 1000000},
    {"KiB", INT64_C(1) << 10},
    {"kB", 1000},
    {"B", 1},
    {NULL, 0},
};
static const struct unit duration_units[] = {
    {"d", INT64_C(86400000000)}, {"h", INT64_C(3600000000)}, {"min", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}, {NULL, 0},
};

static const struct {
    const char *name;
    int level;
} levels[] = {{"error", 3}, {"warning", 4}, {"info", 6}, {"debug", 7}};

static const struct {
    const char *name;
    bool value;
} booleans[] = {{"yes", true}, {"no", false}, {"true", true}, {"false", false}, {"on", true}, {"off", false}, {"1", true}, {"0", false}};

static int refuse(const struct reading *reading, const char *right)
{
    return hd_error_set(reading->error, HD_INVALID, "%s must be %s, got '%.80s'", reading->subject, right, reading->text);
}

static int out_of_memory(const struct reading *reading)
{
    return hd_error_set(reading->error, HD_UNAVAILABLE, "%s: out of memory", reading->subject);
}

static int take_string(const struct reading *reading, char **field)
{
    char *copy = strdup(reading->text);
    if (copy == NULL)
        return out_of_memory(reading);
    free(*field);
    *field = copy;
    return 0;
}

static int read_path(const struct reading *reading, void *field)
{
    if (reading->text[0] != '/')
        return refuse(reading, "an absolute path, one that begins with '/'");
    return take_string(reading, field);
}

static int read_cgroup(const struct reading *reading, void *field)
{
    bool word = strcmp(reading->text, "auto") == 0 || strcmp(reading->text, "no") == 0;
    if (!word && reading->text[0] != '/')
        return refuse(reading, "auto, no, or the absolute path of a control group");
    return take_string(reading, field);
}

/* Digits only: strtoll alone would take blanks, signs and what does not fit. */
static bool read_digits(const char *text, const char **ret_end, int64_t *ret_value)
{
    int64_t value = 0;
    const char *at = text;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *at - '0', &value))
            return false;
    if (at == text)
        return false;
    *ret_end = at;
    *ret_value = value;
    return true;
}

static bool is_port(const char *text)
{
    const char *end;
    int64_t port;
    return strlen(text) <= 5 && read_digits(text, &end, &port) && *end == '\0' && port <= 65535;
}

static int read_address(const struct reading *reading, void *field)
{
    static const char right[] = "ADDRESS:PORT in numbers, such as 127.0.0.1:8700 or [::1]:8700, or unix: and an absolute path";
    char host[INET6_ADDRSTRLEN];
    struct in6_addr address; /* large enough for either family */
    const char *colon = strrchr(reading->text, ':');
    size_t length = colon != NULL ? (size_t)(colon - reading->text) : 0;
    if (strncmp(reading->text, "unix:/", strlen("unix:/")) == 0)
        return take_string(reading, field);
    if (colon == NULL || !is_port(colon + 1))
        return refuse(reading, right);
    bool bracketed = length > 2 && reading->text[0] == '[' && colon[-1] == ']';
    const char *start = reading->text + (bracketed ? 1 : 0);
    length -= bracketed ? 2 : 0;
    if (length >= sizeof host)
        return refuse(reading, right);
    memcpy(host, start, length);
    host[length] = '\0';
    if (inet_pton(bracketed ? AF_INET6 : AF_INET, host, &address) != 1)
        return refuse(reading, right);
    return take_string(reading, field);
}

/* "5 MB" for people; `units` NULL, or a zero: a plain number. */
static void print_quantity(int64_t value, const struct unit *units, char *buffer, size_t size)
{
    const struct unit *unit = value != 0 ? units : NULL;
    while (unit != NULL && value % unit->size != 0)
        unit++;
    int64_t shown = unit != NULL ? value / unit->size : value;
    snprintf(buffer, size, "%lld%s%s", (long long)shown, unit != NULL ? " " : "", unit != NULL ? unit->name : "");
}

static int refuse_quantity(const struct reading *reading, const struct unit *units, const char *form)
{
    char minimum[32], maximum[32], right[160];
    const char *word = reading->row->zero_word;
    print_quantity(reading->row->minimum, units, minimum, sizeof minimum);
    print_quantity(reading->row->maximum, units, maximum, sizeof maximum);
    snprintf(right, sizeof right, "%s%s%s from %s to %s", word != NULL ? word : "", word != NULL ? " or " : "", form, minimum, maximum);
    return refuse(reading, right);
}

/* Without `units` a plain number is wanted; else a number with one of them, since a size without unit means something else to everyone. */
static bool read_quantity(const char *text, const struct unit *units, int64_t *ret_value)
{
    const char *end;
    if (!read_digits(text, &end, ret_value))
        return false;
    if (units == NULL)
        return *end == '\0';
    while (isblank((unsigned char)*end))
        end++;
    while (units->name != NULL && strcasecmp(units->name, end) != 0)
        units++;
    return units->name != NULL && !__builtin_mul_overflow(*ret_value, units->size, ret_value);
}

static int take_quantity(const struct reading *reading, const struct unit *units, const char *form, int64_t *field)
{
    int64_t value;
    if (reading->row->zero_word != NULL && strcasecmp(reading->text, reading->row->zero_word) == 0)
        value = 0;
    else if (!read_quantity(reading->text, units, &value) || value < reading->row->minimum || value > reading->row->maximum)
        return refuse_quantity(reading, units, form);
    *field = value;
    return 0;
}

static int read_integer(const struct reading *reading, void *field)
{
    return take_quantity(reading, NULL, "a whole number", field);
}

static int read_bytes(const struct reading *reading, void *field)
{
    return take_quantity(reading, byte_units, "a whole number with a unit (B, kB, MB, GB, KiB, MiB, GiB)", field);
}

static int read_duration(const struct reading *reading, void *field)
{
    return take_quantity(reading, duration_units, "a whole number with a unit (us, ms, s, min, h, d)", field);
}

static int read_boolean(const struct reading *reading, void *field)
{
    for (size_t i = 0; i < sizeof booleans / sizeof booleans[0]; i++)
        if (strcasecmp(reading->text, booleans[i].name) == 0) {
            *(bool *)field = booleans[i].value;
            return 0;
        }
    return refuse(reading, "yes or no");
}

static int read_level(const struct reading *reading, void *field)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcasecmp(reading->text, levels[i].name) == 0) {
            *(int *)field = levels[i].level;
            return 0;
        }
    return refuse(reading, "one of error, warning, info, debug");
}

static bool is_name_pattern(const char *name)
{
    if (isdigit((unsigned char)*name))
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0' || strcmp(name, "*") == 0;
}

static void clear_names(char **names)
{
    for (char **name = names; names != NULL && *name != NULL; name++)
        free(*name);
    free(names);
}

/* RFC 952 and 1123, and underscores, which some networks have. An IPv6 address needs no entry. */
static bool is_host(const char *name)
{
    size_t length = strlen(name);
    return length <= 253 && name[0] != '.' && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == length;
}

/* As useradd(8) takes it, and what directory services add. */
static bool is_user(const char *name)
{
    size_t length = strlen(name);
    return length <= 64 && name[0] != '-' && !isdigit((unsigned char)name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@") == length;
}

/* Somebody, a colon and a role. Whether the names exist is seen when they are looked for, at the start. */
static bool is_role_rule(const char *word)
{
    const char *colon = strrchr(word, ':');
    bool somebody = colon != NULL && colon > word && strncmp(word, "@:", 2) != 0;
    return somebody && (strcmp(colon, ":read") == 0 || strcmp(colon, ":submit") == 0 || strcmp(colon, ":admin") == 0);
}

/* What lists of names are made of. */
static const struct list_form {
    bool (*is_name)(const char *name);
    const char *right;
} list_forms[] = {
    [SETTINGS_NAMES] = {is_name_pattern, "names of variables separated by spaces, or beginnings of names that end in '*'"},
    [SETTINGS_HOSTS] = {is_host, "names of this machine separated by spaces, without port"},
    [SETTINGS_USERS] = {is_user, "names of users separated by spaces"},
    [SETTINGS_ROLES] = {is_role_rule, "USER:ROLE, @GROUP:ROLE or *:ROLE, separated by spaces, with the roles read, submit and admin"},
};

static int read_names(const struct reading *reading, void *field)
{
    static const char separators[] = " \t,";
    const struct list_form *form = &list_forms[reading->row->kind];
    char *rest, *copy = strdup(reading->text);
    char **names = calloc(strlen(reading->text) / 2 + 2, sizeof *names);
    int result = copy == NULL || names == NULL ? out_of_memory(reading) : 0;
    size_t count = 0;
    for (char *name = copy != NULL && names != NULL ? strtok_r(copy, separators, &rest) : NULL; name != NULL && result == 0;
         name = strtok_r(NULL, separators, &rest)) {
        if (!form->is_name(name))
            result = hd_error_set(reading->error, HD_INVALID, "%s must be %s, got '%.80s'", reading->subject, form->right, name);
        else if ((names[count] = strdup(name)) == NULL)
            result = out_of_memory(reading);
        else
            count++;
    }
    free(copy);
    if (result != 0) {
        clear_names(names);
        return result;
    }
    clear_names(*(char ***)field);
    *(char ***)field = names;
    return 0;
}

/* What a GPU may be called: a position, a UUID or its beginning, an address on the PCI bus, an id. */
static bool is_gpu(const char *entry)
{
    static const char letters[] = "0123456789abcdefABCDEFGPU-:.nviamdo";
    const char *end;
    int64_t position;

    if (read_digits(entry, &end, &position) && *end == '\0')
        return true;
    return strlen(entry) >= 5 && entry[strspn(entry, letters)] == '\0';
}

static int read_gpus(const struct reading *reading, void *field)
{
    static const char separators[] = " \t,";
    char *rest, *copy;
    int result = 0;

    if (strcasecmp(reading->text, "auto") == 0 || strcasecmp(reading->text, "none") == 0)
        return take_string(reading, field);
    if (reading->text[strspn(reading->text, separators)] == '\0')
        return refuse(reading, "auto, none, or a list of positions (0, 1), UUIDs (GPU-...) and PCI addresses");
    copy = strdup(reading->text);
    if (copy == NULL)
        return out_of_memory(reading);
    for (char *entry = strtok_r(copy, separators, &rest); entry != NULL && result == 0; entry = strtok_r(NULL, separators, &rest)) {
        if (strncmp(entry, "MIG-", 4) == 0)
            result =
                hd_error_set(reading->error, HD_INVALID, "%s: MIG instances cannot be handed out, got '%.80s'", reading->subject, entry);
        else if (!is_gpu(entry))
            result = hd_error_set(reading->error, HD_INVALID,
                                  "%s must be auto, none, or a list of positions (0, 1), UUIDs (GPU-...) and PCI addresses, got '%.80s'",
                                  reading->subject, entry);
    }
    free(copy);
    return result == 0 ? take_string(reading, field) : result;
}

static const struct {
    const char *placeholder;
    int (*read)(const struct reading *reading, void *field);
} kinds[] = {
    [SETTINGS_PATH] = {"PATH", read_path},
    [SETTINGS_ADDRESS] = {"ADDRESS:PORT", read_address},
    [SETTINGS_INTEGER] = {"NUMBER", read_integer},
    [SETTINGS_BYTES] = {"SIZE", read_bytes},
    [SETTINGS_DURATION] = {"DURATION", read_duration},
    [SETTINGS_BOOLEAN] = {"yes|no", read_boolean},
    [SETTINGS_LEVEL] = {"LEVEL", read_level},
    [SETTINGS_NAMES] = {"NAMES", read_names},
    [SETTINGS_HOSTS] = {"NAMES", read_names},
    [SETTINGS_USERS] = {"NAMES", read_names},
    [SETTINGS_ROLES] = {"NAME:ROLE", read_names},
    [SETTINGS_CGROUP] = {"auto|no|PATH", read_cgroup},
    [SETTINGS_GPUS] = {"auto|none|LIST", read_gpus},
};

const char *settings_kind_placeholder(enum settings_kind kind)
{
    return kinds[kind].placeholder;
}

int settings_value_set(const struct settings_row *row, const char *subject, const char *text, struct settings *settings,
                       struct hd_error *error)
{
    struct reading reading = {row, subject, text, error};
    return kinds[row->kind].read(&reading, (char *)settings + row->offset);
}

static bool is_list(enum settings_kind kind)
{
    return kind == SETTINGS_NAMES || kind == SETTINGS_HOSTS || kind == SETTINGS_USERS || kind == SETTINGS_ROLES;
}

/* A text of its own. */
static bool is_text(enum settings_kind kind)
{
    return kind == SETTINGS_PATH || kind == SETTINGS_ADDRESS || kind == SETTINGS_CGROUP || kind == SETTINGS_GPUS;
}

void settings_value_clear(const struct settings_row *row, struct settings *settings)
{
    void *field = (char *)settings + row->offset;
    if (is_text(row->kind)) {
        free(*(char **)field);
        *(char **)field = NULL;
    } else if (is_list(row->kind)) {
        clear_names(*(char ***)field);
        *(char ***)field = NULL;
    }
}

static bool equal_texts(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool equal_names(char **a, char **b)
{
    for (; *a != NULL && *b != NULL; a++, b++)
        if (strcmp(*a, *b) != 0)
            return false;
    return *a == *b;
}

/* Bytes of the field of each kind. */
static const size_t sizes[] = {
    [SETTINGS_PATH] = sizeof(char *),   [SETTINGS_ADDRESS] = sizeof(char *),   [SETTINGS_INTEGER] = sizeof(int64_t),
    [SETTINGS_BYTES] = sizeof(int64_t), [SETTINGS_DURATION] = sizeof(int64_t), [SETTINGS_BOOLEAN] = sizeof(bool),
    [SETTINGS_LEVEL] = sizeof(int),     [SETTINGS_NAMES] = sizeof(char **), [SETTINGS_HOSTS] = sizeof(char **),
    [SETTINGS_USERS] = sizeof(char **), [SETTINGS_ROLES] = sizeof(char **), [SETTINGS_GPUS] = sizeof(char *),
    [SETTINGS_CGROUP] = sizeof(char *),
};

bool settings_value_equal(const struct settings_row *row, const struct settings *a, const struct settings *b)
{
    const void *first = (const char *)a + row->offset, *second = (const char *)b + row->offset;
    if (is_text(row->kind))
        return equal_texts(*(char *const *)first, *(char *const *)second);
    if (is_list(row->kind))
        return equal_names(*(char **const *)first, *(char **const *)second);
    return memcmp(first, second, sizes[row->kind]) == 0;
}

void settings_value_swap(const struct settings_row *row, struct settings *a, struct settings *b)
{
    char *first = (char *)a + row->offset, *second = (char *)b + row->offset;
    for (size_t i = 0; i < sizes[row->kind]; i++) {
        char byte = first[i];
        first[i] = second[i];
        second[i] = byte;
    }
}
