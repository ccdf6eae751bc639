#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "program.h"
#include "space_compile.h"

enum { NAME_BYTES_MAX = 128 };

/* Code point of the UTF-8 character at *text, which is moved behind it. The scanner has let valid UTF-8 through only. */
static uint32_t next_character(const char **text)
{
    const unsigned char *bytes = (const unsigned char *)*text;
    int length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    uint32_t character = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (int i = 1; i < length && bytes[i] != '\0'; i++)
        character = character << 6 | (bytes[i] & 0x3f);
    *text += length;
    return character;
}

/* Unicode's White_Space beyond the controls. */
static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Letters beyond ASCII are not told from other characters: they are all taken for letters. */
static bool is_letter(uint32_t c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static const char *character_fault(uint32_t c)
{
    static const struct {
        const char *characters;
        const char *fault;
    } FORBIDDEN[] = {
        {"=", "it must not contain '='"},
        {"'\"", "it must not contain quotes"},
        {"$", "it must not contain '$'"},
        {"{}", "it must not contain braces"},
    };
    if (is_space(c))
        return "it must not contain white space";
    if (is_control(c))
        return "it must not contain control characters";
    for (size_t i = 0; i < sizeof FORBIDDEN / sizeof *FORBIDDEN; i++) {
        if (c < 0x80 && strchr(FORBIDDEN[i].characters, (int)c) != NULL)
            return FORBIDDEN[i].fault;
    }
    return NULL;
}

/* Which rule of reference 5.1 the name breaks, or NULL. */
static const char *name_fault(const char *name)
{
    if (*name == '\0')
        return "it must not be empty";
    if (strlen(name) > NAME_BYTES_MAX)
        return "it must have at most 128 bytes";
    const char *at = name + strspn(name, "-");
    const char *begin = at;
    if (*at == '\0')
        return "it must have a letter or '_' after the dashes";
    while (*at != '\0') {
        bool first = at == begin;
        uint32_t character = next_character(&at);
        const char *fault = character_fault(character);
        if (fault != NULL)
            return fault;
        if (first && !is_letter(character))
            return "it must begin with a letter or '_' (dashes may come before)";
    }
    return NULL;
}

static void check_name(const cJSON *member, const struct json_path *parent, struct hd_problems *errors)
{
    const char *fault = name_fault(member->string);
    if (fault == NULL)
        return;
    struct json_path path = {parent, member->string, 0};
    struct hd_text target = {0};
    json_path_write(&target, &path);
    if (target.failed)
        errors->out_of_memory = true;
    else
        hd_problems_add(errors, "InvalidName", target.data, "parameter name '%s' is not valid: %s", member->string, fault);
    hd_text_clear(&target);
}

struct environment_entry {
    char *environment; /* owned */
    const cJSON *member;
};

static void check_environment(const struct environment_entry *list, size_t count, const struct json_path *parent,
                              struct hd_problems *errors)
{
    const struct environment_entry *last = &list[count - 1];
    for (size_t i = 0; i + 1 < count; i++) {
        if (strcmp(list[i].environment, last->environment) != 0)
            continue;
        struct json_path path = {parent, last->member->string, 0};
        struct hd_text target = {0};
        json_path_write(&target, &path);
        if (target.failed)
            errors->out_of_memory = true;
        else
            hd_problems_add(errors, "Duplicate", target.data,
                            "parameters '%s' and '%s' have the same environment variable AZUREML_SWEEP_%s", list[i].member->string,
                            last->member->string, last->environment);
        hd_text_clear(&target);
        return;
    }
}

void space_check_names(const cJSON *object, const struct json_path *path, struct hd_problems *errors)
{
    struct environment_entry list[SPACE_PARAMETERS_MAX];
    size_t count = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next)
        check_name(member, path, errors);
    for (const cJSON *member = object->child; member != NULL && count < SPACE_PARAMETERS_MAX; member = member->next) {
        if (name_fault(member->string) != NULL)
            continue;
        list[count] = (struct environment_entry){hd_environment_name(member->string), member};
        if (list[count].environment == NULL) {
            errors->out_of_memory = true;
            break;
        }
        check_environment(list, ++count, path, errors);
    }
    for (size_t i = 0; i < count; i++)
        free(list[i].environment);
}
