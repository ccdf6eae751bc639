/* Texts with placeholders, `${{search_space.x}}`: where they stand, what they mean, and the text that takes their place (reference 8.2). */
#ifndef HD_CORE_PLACEHOLDER_H
#define HD_CORE_PLACEHOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "program.h"
#include "text.h"

enum hd_quotes { HD_NO_QUOTES, HD_SINGLE_QUOTES, HD_DOUBLE_QUOTES };

/* Literal text, or a placeholder; what stands between two placeholders is one part. */
struct hd_part {
    const char *start; /* literal text; of a placeholder, its braces included */
    size_t length;
    bool placeholder;
    bool old_form;    /* {search_space.x} */
    bool open;        /* a ${{ that is never closed: goes to the end of the text */
    const char *name; /* between the braces, without white space: `search_space.x` */
    size_t name_length;
    enum hd_quotes quotes; /* around a placeholder of a shell command */
};

struct hd_part_scanner {
    const char *at;
    bool shell; /* quotes, backslashes and comments have a meaning */
    enum hd_quotes quotes;
    bool comment;
    bool word_start;
};

struct hd_part_scanner hd_parts(const char *text, bool shell);
/* False at the end of the text. */
bool hd_next_part(struct hd_part_scanner *scanner, struct hd_part *ret_part);

enum hd_reference { HD_REFERS_TO_NOTHING, HD_REFERS_TO_PARAMETER, HD_REFERS_TO_INPUT, HD_REFERS_TO_OUTPUT };
/* What a placeholder's name means; `ret_below` (in `name`) is what stands behind the root. */
enum hd_reference hd_reference(const struct hd_specification *specification, const char *name, const char **ret_below);

/* `text` with all placeholders replaced; in a shell command every value stays one word. */
void hd_placeholders_replace(struct hd_text *out, const char *text, bool shell, const struct hd_specification *specification,
                             const cJSON *configuration, const struct hd_program_places *places);

#endif
